"""Rows per second of training on the CPU: schemalora beside TRL's SFTTrainer at its defaults.

    python -m benchmarks.training_speed.run                    # about eight minutes on two cores
    python -m benchmarks.training_speed.run --steps 4 --blocks 2

Both sides train the same LoRA on the same base model in the same dtype, from the same seed, on the
flagship's records in the same order; a digest over the token ids of every batch shows that they do,
and the losses of every step are kept side by side. Each block is a process of its own on rows of
its own, and the arms take turns block by block, so what else the machine does hits both. The first
steps of a block are not timed. Between the two stand the same trainer with one setting changed
after the other, which tells where the difference comes from; they run in the first blocks only.
Writes benchmarks/results/training_speed.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.result import write_result
from benchmarks.training_speed.arms import (
    BASELINE,
    LADDER,
    OURS,
    ROOT,
    run_block,
    totals,
    write_inputs,
)
from benchmarks.training_speed.comparing import same_batches, speed_ratio

sys.path.insert(0, str(ROOT / "examples"))

from customer_support.dataset import build_dataset, support_contract

_Blocks = dict[str, list[dict[str, Any]]]


def measure(options: argparse.Namespace, training: Mapping[str, Any]) -> _Blocks:
    """Runs all blocks, arms in turn, and returns them by arm."""
    rows = options.batch_size * (options.warm_up + options.steps)
    examples, _ = build_dataset()
    blocks: _Blocks = {arm.name: [] for arm in LADDER}
    with tempfile.TemporaryDirectory() as folder:
        inputs = write_inputs(Path(folder), support_contract(), examples[: rows * options.blocks])
        for block in range(options.blocks):
            ablation = block < options.ablation_blocks
            for arm in LADDER if ablation else (BASELINE, OURS):
                found = run_block(arm, inputs, block=block, rows=rows, training=training)
                blocks[arm.name].append(found)
                speed = totals([found], warm_up=options.warm_up)["rows_per_s"]
                print(f"block {block + 1}: {arm.name}: {speed} rows/s", flush=True)
    return blocks


def summary(blocks: Sequence[dict[str, Any]], *, warm_up: int) -> dict[str, Any]:
    """One line of the table."""
    return {
        "blocks": len(blocks),
        **totals(blocks, warm_up=warm_up),
        "peak_rss_gib": max(block["peak_rss_gib"] for block in blocks),
        "attention": blocks[0]["attention"],
        "trained_dtype": blocks[0]["trained_dtype"],
        **blocks[0]["settings"],
    }


def numbers(blocks: _Blocks, *, warm_up: int) -> dict[str, Any]:
    """What the result file holds."""
    slow, ours = blocks[BASELINE.name], blocks[OURS.name]
    ladder: list[dict[str, Any]] = []
    for name, found in blocks.items():
        if found:
            # Compared over the blocks that this arm ran, whose rows are the baseline's.
            beside = slow[: len(found)]
            ratio = speed_ratio(beside, found, warm_up=warm_up)
            losses = same_batches(beside, found)
            same = losses["steps_with_the_same_rows"] == losses["steps"]
            ladder.append(
                {
                    "arm": name,
                    "speed_up": ratio["ratio"],
                    "loss_difference_mean": losses["loss_difference_mean"] if same else None,
                    **summary(found, warm_up=warm_up),
                }
            )
    return {
        "speed_up": speed_ratio(slow, ours, warm_up=warm_up),
        "speed_up_cpu_seconds": speed_ratio(slow, ours, warm_up=warm_up, clock="cpu_seconds"),
        "losses": same_batches(slow, ours),
        "arms": ladder,
        "loss_curves": [
            {
                "block": number,
                "trl": [round(step["loss"], 4) for step in a["steps"]],
                "schemalora": [round(step["loss"], 4) for step in b["steps"]],
            }
            for number, (a, b) in enumerate(zip(slow, ours, strict=True))
        ],
        "threads": ours[0]["threads"],
        "tokens_per_row": round(
            fmean(step["tokens"] / step["rows"] for block in ours for step in block["steps"]), 1
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=5, help="of each of the two arms compared")
    parser.add_argument("--ablation-blocks", type=int, default=1, help="of the arms in between")
    parser.add_argument("--steps", type=int, default=10, help="timed steps of a block")
    parser.add_argument("--warm-up", type=int, default=1, help="steps of a block before those")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--base-model", default="embedded")
    options = parser.parse_args()
    training = {
        "base_model": options.base_model,
        "batch_size": options.batch_size,
        "max_steps": options.warm_up + options.steps,
        "learning_rate": 2e-3,
        "warmup_steps": 2,
    }
    found = numbers(measure(options, training), warm_up=options.warm_up)
    for row in found["arms"]:
        print(f"{row['arm']:45} {row['rows_per_s']:6.2f} rows/s  x{row['speed_up']:.2f}")
    print(f"speed-up {found['speed_up']}\nlosses {found['losses']}")
    print(write_result("training_speed", numbers=found, config={**vars(options), **training}))


if __name__ == "__main__":
    main()
