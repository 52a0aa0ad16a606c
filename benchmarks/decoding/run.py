"""Rows per second of decoding: the library's decoder beside transformers' own `generate`.

    python -m benchmarks.decoding.run --adapter runs/ticket/adapter --rows 128

All arms decode the same rows greedily with the same weights, sorted by length, one after the other
in one process. Each arm decodes one batch before its clock starts. Writes
benchmarks/results/decoding.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.result import write_result
from schemalora.formatting import build_prompt, encode_prompt
from schemalora.inference import (
    Completion,
    Constraint,
    DecodingOptions,
    Drafter,
    decode,
    decode_by_generate,
    load,
    vocabulary_size,
)
from schemalora.records import read_examples

ROOT = Path(__file__).resolve().parents[2]
ARMS = (
    "generate, free",
    "generate, constrained",
    "schemalora, free, no drafts",
    "schemalora, free",
    "schemalora, constrained",
)


def timed(run: Iterator[Completion], began: float) -> tuple[dict[int, Completion], float]:
    """The completions by row, and the seconds until the first of them."""
    first = 0.0
    found: dict[int, Completion] = {}
    for completion in run:
        first = first or time.perf_counter() - began
        found[completion.index] = completion
    return found, first


def measure(
    arm: str,
    model: Any,
    prompts: list[list[int]],
    options: DecodingOptions,
    new_drafter: Callable[[], Drafter],
) -> tuple[dict[str, Any], dict[int, Completion]]:
    decoder = decode_by_generate if arm.startswith("generate") else decode
    list(decoder(model, prompts[: options.batch_size], options))
    # A fresh memory: what the warm-up taught would be unfair.
    options = replace(options, drafter=new_drafter() if options.drafter is not None else None)
    began, began_cpu = time.perf_counter(), time.process_time()
    found, first = timed(decoder(model, prompts, options), began)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    tokens = sum(len(one.tokens) for one in found.values())
    passes = sum(one.passes for one in found.values())
    return {
        "arm": arm,
        "n": len(found),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "rows_per_second": round(len(found) / seconds, 2),
        "seconds_to_first_row": round(first, 2),
        "tokens_per_row": round(tokens / len(found), 1),
        "passes_per_row": round(passes / len(found), 2),
        "passes_per_token": round(passes / max(tokens, 1), 3),
        "forced_tokens": sum(one.forced for one in found.values()) / max(tokens, 1),
        "drafted_tokens": sum(one.drafted for one in found.values()) / max(tokens, 1),
        "cut_off": sum(one.finish_reason != "stop" for one in found.values()),
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }, found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--adapter", required=True, help="an adapter directory")
    arguments.add_argument("--examples", type=Path, help="examples (JSONL); the flagship's if not")
    arguments.add_argument("--rows", type=int, default=128)
    arguments.add_argument("--batch-size", type=int, default=16)
    arguments.add_argument("--max-new-tokens", type=int, default=128)
    arguments.add_argument("--dtype", default="auto")
    arguments.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    arguments.add_argument("--arms", nargs="*", default=ARMS)
    config = arguments.parse_args()
    if config.threads:
        torch.set_num_threads(config.threads)

    loaded = load(config.adapter, dtype=config.dtype, attention="eager")
    contract = loaded.contract
    assert contract is not None
    texts = texts_of(config.examples, config.rows)
    prompts = [
        encode_prompt(
            loaded.tokenizer, build_prompt(contract, text, prompt_format=loaded.prompt_format)
        )
        for text in texts
    ]
    prompts.sort(key=len, reverse=True)
    constraint = Constraint(contract, loaded.tokenizer, vocabulary=vocabulary_size(loaded.model))

    def new_drafter() -> Drafter:
        return Drafter.for_contract(contract, loaded.tokenizer)

    results: list[dict[str, Any]] = []
    texts_by_arm: dict[str, list[tuple[int, ...]]] = {}
    for arm in config.arms:
        options = DecodingOptions(
            stop_ids=loaded.stop_ids,
            max_new_tokens=config.max_new_tokens,
            batch_size=config.batch_size,
            constraint=constraint if "constrained" in arm else None,
            drafter=None if "no drafts" in arm else new_drafter(),
        )
        row, found = measure(arm, loaded.model, prompts, options, new_drafter)
        texts_by_arm[arm] = [found[index].tokens for index in range(len(prompts))]
        for other, tokens in texts_by_arm.items():
            if other != arm and ("constrained" in other) == ("constrained" in arm):
                same = sum(a == b for a, b in zip(tokens, texts_by_arm[arm], strict=True))
                row[f"same_tokens_as {other}"] = same
        results.append(row)
        print(json.dumps(row), flush=True)
    settings: dict[str, Any] = {key: str(value) for key, value in vars(config).items()}
    settings["dtype"] = str(loaded.model.dtype)
    settings["threads"] = torch.get_num_threads()
    settings["base_model"] = loaded.adapter.manifest.base_model if loaded.adapter else loaded.name
    write_result("decoding", numbers={"arms": results}, config=settings)


def texts_of(path: Path | None, rows: int) -> list[str]:
    """The texts of examples; without a file the flagship's eval set."""
    if path is not None:
        return [example.text for example in read_examples(path)][:rows]
    import sys

    sys.path.insert(0, str(ROOT / "examples"))
    from customer_support.dataset import build_dataset

    return [example.text for example in build_dataset(300, max(rows, 100), 0)[1]][:rows]


if __name__ == "__main__":
    main()
