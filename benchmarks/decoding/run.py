"""Decoding side by side: rows per second, passes, memory, first row.

    python -m benchmarks.decoding.run --adapter runs/ticket/adapter --threads 1 --path /tmp/peers

All arms decode the same rows greedily with the same weights, block by block in turn, in one
process, so the allocator's settings are the same for all. `generate` gets the batch size and
attention that it is fastest with on the first rows, the library's arms their batch size. Peers
are installed by `pip install --no-deps --target /tmp/peers xgrammar apache-tvm-ffi outlines
outlines_core cloudpickle diskcache genson airportsdata jsonpath_ng`. What cannot be imported is
listed as not measured. Writes benchmarks/results/decoding.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.decoding.arms import ARMS, Subject, flagship, prepare
from benchmarks.decoding.blocks import compare
from benchmarks.decoding.nested import TEXTS, InsuranceClaim
from benchmarks.result import write_result
from schemalora.contract import Contract
from schemalora.formatting import PromptFormat
from schemalora.inference import LoadedModel, load
from schemalora.inference.attention import unwrap


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", required=True, help="an adapter directory")
    parser.add_argument("--examples", type=Path, help="examples (JSONL); the flagship's if not")
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--batch-sizes", type=int, nargs="*", default=[16, 32, 64], help="to try")
    parser.add_argument("--trial-rows", type=int, default=128)
    parser.add_argument("--max-new-tokens", type=int, default=128)
    parser.add_argument("--nested-rows", type=int, default=8)
    parser.add_argument("--nested-tokens", type=int, default=256)
    parser.add_argument("--generate-attention", nargs="*", default=["sdpa", "eager"])
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--merge", action="store_true", help="the adapter merged, for all arms")
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    parser.add_argument("--path", help="where the peers are installed")
    parser.add_argument("--arms", nargs="*", default=list(ARMS))
    return parser.parse_args()


def main() -> None:
    config = arguments()
    if config.threads:
        torch.set_num_threads(config.threads)
    if config.path:
        # Last, so that the peers bring nothing that is installed already.
        sys.path.append(config.path)
    loaded = load(config.adapter, dtype=config.dtype, attention="sdpa", merge=config.merge)
    subject = flagship(
        loaded,
        examples=config.examples,
        rows=config.rows,
        max_new_tokens=config.max_new_tokens,
        batch_size=max(config.batch_sizes),
    )
    ours = fastest("schemalora, constrained", subject, config, ["packed"])
    theirs = fastest("generate, free", subject, config, config.generate_attention)
    numbers: dict[str, Any] = {"trials": [*ours.pop("trials"), *theirs.pop("trials")]}
    unwrap(loaded.model).set_attn_implementation(theirs["attention"])
    subject = replace(subject, batch_size=ours["batch_size"])
    numbers["flagship"] = measure(subject, config, theirs["batch_size"], config.blocks)
    if config.nested_rows:
        rows = min(config.nested_rows, len(TEXTS))
        numbers["nested"] = measure(nested(loaded, config, rows), config, rows, 1)
    settings: dict[str, Any] = {key: str(value) for key, value in vars(config).items()}
    # Folders are of this machine, and tell nobody anything.
    del settings["path"]
    settings["adapter"] = "/".join(Path(config.adapter).parts[-2:])
    settings["examples"] = config.examples.name if config.examples else "the flagship's"
    settings["dtype"] = str(loaded.model.dtype)
    settings["threads"] = torch.get_num_threads()
    settings["generate"] = theirs
    settings["batch_size"] = ours["batch_size"]
    settings["base_model"] = loaded.adapter.manifest.base_model if loaded.adapter else loaded.name
    name = "decoding_merged" if config.merge else "decoding"
    write_result(name, numbers=numbers, config=settings, peers=("xgrammar", "outlines"))
    for part in ("flagship", "nested"):
        for pair in numbers.get(part, {}).get("same", ()):
            assert not pair["beyond_rounding"], f"{part}: {pair['arms']} differ beyond rounding"


def measure(
    subject: Subject, config: argparse.Namespace, generate_batch: int, blocks: int
) -> dict[str, Any]:
    """All arms over one subject; `generate` with a batch size of its own."""
    theirs = replace(subject, batch_size=generate_batch)
    runs, absent = {}, []
    for name in config.arms:
        ready, missing = prepare([name], theirs if name.startswith("generate") else subject)
        runs |= ready
        absent += missing
    numbers, _ = compare(runs, subject, blocks=blocks)
    return {**numbers, "not_measured": absent, "fields": len(subject.contract.fields)}


def fastest(
    arm: str, subject: Subject, config: argparse.Namespace, attentions: Sequence[str]
) -> dict[str, Any]:
    """The attention and batch size that an arm is fastest with, over the first rows."""
    rows = sorted(subject.prompts[: config.trial_rows], key=len, reverse=True)
    trials: list[dict[str, Any]] = []
    for attention in attentions:
        if attention != "packed":
            unwrap(subject.loaded.model).set_attn_implementation(attention)
        for size in config.batch_sizes:
            run = ARMS[arm](replace(subject, batch_size=size))
            began = time.process_time()
            count = sum(1 for _ in run(rows))
            seconds = time.process_time() - began
            trial = {"arm": arm, "attention": attention, "batch_size": size}
            trials.append({**trial, "n": count, "rows_per_cpu_second": round(count / seconds, 2)})
            print(json.dumps(trials[-1]), flush=True)
    best = max(trials, key=lambda one: one["rows_per_cpu_second"])
    return {**{key: best[key] for key in ("attention", "batch_size")}, "trials": trials}


def nested(loaded: LoadedModel, config: argparse.Namespace, rows: int) -> Subject:
    """The larger contract; the adapter was not trained for it, so only cost and shape count."""
    return Subject.of(
        loaded,
        Contract.from_model(InsuranceClaim),
        TEXTS[:rows],
        prompt_format=PromptFormat(style="short"),
        max_new_tokens=config.nested_tokens,
        batch_size=rows,
    )


if __name__ == "__main__":
    main()
