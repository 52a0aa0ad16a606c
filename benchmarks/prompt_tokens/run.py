"""What the short prompt saves in each request: tokens, and seconds of prompt processing.

    python -m benchmarks.prompt_tokens.run            # about a minute on two cores

Tokens are those of the real tokenizer and template, for the flagship's contract and five models of
the tests' zoo. `fixed` is all that is sent beside the text: instruction, template, roles. Seconds
are those of one forward pass over the prompt of one request at a time, without a cache of the
shared prefix, on the same texts for all styles, styles in turn. Writes
benchmarks/results/prompt_tokens.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any, get_args

from schemalora.quiet import quiet_libraries

quiet_libraries()

import torch

from benchmarks.result import write_result
from schemalora import Contract, PromptFormat
from schemalora.formatting import PromptStyle, build_prompt, encode_completion, encode_prompt
from schemalora.inference import LoadedModel, load
from schemalora.jsonvalue import canonical_json
from schemalora.records import Example

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests")]

import zoo
from customer_support.dataset import build_dataset
from customer_support.ticket import SupportTicket

STYLES: tuple[PromptStyle, ...] = get_args(PromptStyle)
MODELS: tuple[Any, ...] = (
    SupportTicket,
    zoo.Scalars,
    zoo.Bounded,
    zoo.Temporal,
    zoo.Containers,
    zoo.Documented,
)
PROBE = "x"
"""A text of one token."""


def prompt_ids(tokenizer: Any, contract: Contract, text: str, style: PromptStyle) -> list[int]:
    return encode_prompt(
        tokenizer, build_prompt(contract, text, prompt_format=PromptFormat(style=style))
    )


def tokens_of(tokenizer: Any, model: Any) -> dict[str, Any]:
    """Tokens that each style sends beside the text, and of the schema alone."""

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    contract = Contract.from_model(model)
    fixed = {
        style: len(prompt_ids(tokenizer, contract, PROBE, style)) - count(PROBE) for style in STYLES
    }
    return {
        "model": contract.name,
        "fields": len(contract.fields),
        "short_instruction": count(build_prompt(contract, PROBE)[0]["content"]),
        **{f"{style}_fixed": tokens for style, tokens in fixed.items()},
        "schema_alone": count(canonical_json(contract.json_schema)),
        "pydantic_schema_indented": count(json.dumps(model.model_json_schema(), indent=2)),
        "saved_against_instructions": fixed["instructions"] - fixed["short"],
        "saved_against_schema": fixed["schema"] - fixed["short"],
    }


def requests(tokenizer: Any, contract: Contract, examples: Sequence[Example]) -> dict[str, Any]:
    """Tokens of whole requests of the flagship, on average."""
    prompts = {
        style: fmean(len(prompt_ids(tokenizer, contract, one.text, style)) for one in examples)
        for style in STYLES
    }
    answer = fmean(
        len(encode_completion(tokenizer, contract.encode(one.target))) for one in examples
    )
    return {
        "n": len(examples),
        **{f"{style}_prompt": round(mean, 1) for style, mean in prompts.items()},
        "answer": round(answer, 1),
        "share_saved_against_schema": round(
            1 - (prompts["short"] + answer) / (prompts["schema"] + answer), 3
        ),
    }


def seconds(loaded: LoadedModel, contract: Contract, texts: Sequence[str]) -> dict[str, Any]:
    """Seconds until a prompt is read, by style: median and quartiles over the texts."""
    taken: dict[str, list[float]] = {style: [] for style in STYLES}
    for number, text in enumerate([texts[0], *texts]):
        for style in STYLES:
            ids = torch.tensor([prompt_ids(loaded.tokenizer, contract, text, style)])
            began = time.perf_counter()
            with torch.inference_mode():
                loaded.model(input_ids=ids, use_cache=True, logits_to_keep=1)
            if number:  # the first text only warms up
                taken[style].append(time.perf_counter() - began)
    saved = [slow - fast for slow, fast in zip(taken["schema"], taken["short"], strict=True)]
    return {
        **{style: _spread(values) for style, values in taken.items()},
        "saved_against_schema": _spread(saved),
        "n": len(texts),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    quarter, middle, three_quarters = quantiles(values, n=4)
    return {
        "median_s": round(middle, 4),
        "quarter_s": round(quarter, 4),
        "three_quarters_s": round(three_quarters, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="embedded")
    parser.add_argument("--texts", type=int, default=40, help="prompts that are timed")
    options = parser.parse_args()
    loaded = load(options.base_model)
    _, eval_set = build_dataset()
    contract = Contract.from_model(SupportTicket)
    numbers = {
        "contracts": [tokens_of(loaded.tokenizer, model) for model in MODELS],
        "flagship_request": requests(loaded.tokenizer, contract, eval_set),
        "flagship_prompt_seconds": seconds(
            loaded, contract, [one.text for one in eval_set[: options.texts]]
        ),
        "threads": torch.get_num_threads(),
    }
    for row in numbers["contracts"]:
        print(row)
    print(numbers["flagship_request"], numbers["flagship_prompt_seconds"], sep="\n")
    print(write_result("prompt_tokens", numbers=numbers, config=vars(options)))


if __name__ == "__main__":
    main()
