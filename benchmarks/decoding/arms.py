"""The decoders that are compared: who decodes, and who constrains."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from schemalora.contract import Contract
from schemalora.formatting import PromptFormat, build_prompt, encode_prompt
from schemalora.inference import (
    Completion,
    Constraint,
    DecodingOptions,
    Drafter,
    LoadedModel,
    decode,
    decode_by_generate,
    vocabulary_size,
)
from schemalora.inference.attention import unwrap
from schemalora.records import read_examples

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[[Sequence[list[int]]], Iterator[Completion]]


@dataclass(frozen=True)
class Subject:
    """One model and one contract, and the prompts that all arms answer."""

    loaded: LoadedModel
    contract: Contract
    prompts: list[list[int]]
    max_new_tokens: int
    batch_size: int

    @classmethod
    def of(
        cls,
        loaded: LoadedModel,
        contract: Contract,
        texts: Sequence[str],
        *,
        prompt_format: PromptFormat | None,
        max_new_tokens: int,
        batch_size: int,
    ) -> Subject:
        prompts = [
            encode_prompt(
                loaded.tokenizer, build_prompt(contract, text, prompt_format=prompt_format)
            )
            for text in texts
        ]
        return cls(loaded, contract, prompts, max_new_tokens, batch_size)

    @property
    def vocabulary(self) -> int:
        return vocabulary_size(self.loaded.model)

    def constraint(self) -> Constraint:
        return Constraint(self.contract, self.loaded.tokenizer, vocabulary=self.vocabulary)

    def options(self, **changes: Any) -> DecodingOptions:
        return DecodingOptions(
            **{
                "stop_ids": self.loaded.stop_ids,
                "max_new_tokens": self.max_new_tokens,
                "batch_size": self.batch_size,
                "adapter": self.loaded.with_adapter,
                **changes,
            }
        )


def flagship(
    loaded: LoadedModel, *, examples: Path | None, rows: int, max_new_tokens: int, batch_size: int
) -> Subject:
    """The adapter's own contract and prompt over the texts of examples; see `texts_of`."""
    assert loaded.contract is not None
    return Subject.of(
        loaded,
        loaded.contract,
        texts_of(examples, rows),
        prompt_format=loaded.prompt_format,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
    )


def texts_of(path: Path | None, rows: int) -> list[str]:
    """The texts of examples; without a file the flagship's eval set."""
    if path is not None:
        return [example.text for example in read_examples(path)][:rows]
    sys.path.insert(0, str(ROOT / "examples"))
    from customer_support.dataset import build_dataset

    return [example.text for example in build_dataset(300, max(rows, 100), 0)[1]][:rows]


def _ours(subject: Subject, *, constrained: bool, drafts: bool = True) -> Run:
    drafter = Drafter.for_contract(subject.contract, subject.loaded.tokenizer) if drafts else None
    options = subject.options(
        constraint=subject.constraint() if constrained else None, drafter=drafter
    )
    return lambda prompts: decode(subject.loaded.model, prompts, options)


def _generate(subject: Subject, *, constrained: bool) -> Run:
    options = subject.options(constraint=subject.constraint() if constrained else None)
    return lambda prompts: decode_by_generate(subject.loaded.model, prompts, options)


def _generate_with(subject: Subject, new_processor: Callable[[int, int], Any]) -> Run:
    options = subject.options()
    return lambda prompts: decode_by_generate(
        subject.loaded.model, prompts, options, new_processor=new_processor
    )


def _xgrammar(subject: Subject) -> Run:
    import xgrammar
    from xgrammar.contrib.hf import LogitsProcessor

    info = xgrammar.TokenizerInfo.from_huggingface(
        subject.loaded.tokenizer, vocab_size=subject.vocabulary
    )
    grammar = xgrammar.GrammarCompiler(info).compile_json_schema(
        json.dumps(subject.contract.json_schema),
        any_whitespace=False,
        separators=(",", ":"),
        strict_mode=True,
    )
    return _generate_with(subject, lambda width, rows: LogitsProcessor(grammar))


def _outlines(subject: Subject) -> Run:
    import outlines
    from outlines.backends import get_json_schema_logits_processor

    model = outlines.from_transformers(unwrap(subject.loaded.model), subject.loaded.tokenizer)
    processor = get_json_schema_logits_processor(
        "outlines_core", model, json.dumps(subject.contract.json_schema)
    )

    def fresh(width: int, rows: int) -> Any:
        processor.reset()
        return processor

    return _generate_with(subject, fresh)


def _llama_cpp(subject: Subject) -> Run:
    raise ImportError(
        "llama-cpp-python has no binary wheel on PyPI, and building it is not part of this"
    )


ARMS: dict[str, Callable[[Subject], Run]] = {
    "generate, free": partial(_generate, constrained=False),
    "generate, llguidance": partial(_generate, constrained=True),
    "generate, xgrammar": _xgrammar,
    "generate, outlines": _outlines,
    "llama.cpp's server": _llama_cpp,
    "schemalora, free, no drafts": partial(_ours, constrained=False, drafts=False),
    "schemalora, free": partial(_ours, constrained=False),
    "schemalora, constrained": partial(_ours, constrained=True),
}

PAIRS = (
    ("schemalora, free", "generate, free"),
    ("schemalora, constrained", "generate, llguidance"),
    ("schemalora, constrained", "generate, xgrammar"),
    ("schemalora, constrained", "generate, outlines"),
)
"""Whose speeds are divided; the first two pairs give the same output."""

SAME_OUTPUT = (*PAIRS[:2], ("schemalora, free, no drafts", "generate, free"))


def prepare(names: Sequence[str], subject: Subject) -> tuple[dict[str, Run], list[dict[str, Any]]]:
    """The arms that can be run, and a row with the reason for each that cannot.

    Each arm decodes one short batch before anything is timed.
    """
    runs: dict[str, Run] = {}
    absent: list[dict[str, Any]] = []
    for name in names:
        began = time.perf_counter()
        try:
            run = ARMS[name](subject)
            list(run(sorted(subject.prompts, key=len)[:2]))
        except (ImportError, ValueError, RuntimeError, TypeError) as error:
            reason = str(error).strip().splitlines()[0][:200]
            absent.append({"arm": name, "not_measured": f"{type(error).__name__}: {reason}"})
            print(json.dumps(absent[-1]), flush=True)
            continue
        # What the short batch taught the drafts must not count.
        runs[name] = ARMS[name](subject) if name.startswith("schemalora") else run
        print(f"{name}: ready after {time.perf_counter() - began:.1f} s", flush=True)
    return runs, absent
