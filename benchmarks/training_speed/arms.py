"""The arms of a training comparison: TRL at its defaults, one setting more a step, schemalora."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemalora import Contract, PromptFormat, format_examples
from schemalora.records import Example, write_records

ROOT = Path(__file__).resolve().parents[2]
SAME_ORDER = {"train_sampling_strategy": "sequential"}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way of training."""

    name: str
    engine: Literal["trl", "schemalora"]
    training: dict[str, Any] = field(default_factory=dict[str, Any])
    """Settings of `TrainingConfig` that only this arm has."""
    sft: dict[str, Any] = field(default_factory=dict[str, Any])
    attention: str | None = None
    keep_pages: bool = False
    gpu_memory_gib: float | None = None


BASELINE = Arm(name="TRL's SFTTrainer at its defaults", engine="trl")
OURS = Arm(name="schemalora, the same batches", engine="schemalora")

NO_CHECKPOINTING = {"gradient_checkpointing": False}
NO_AUTOCAST = {**NO_CHECKPOINTING, "bf16": False}
LADDER = (
    BASELINE,
    Arm(name="+ no gradient checkpointing", engine="trl", sft=NO_CHECKPOINTING),
    Arm(name="+ no autocast over bf16 weights", engine="trl", sft=NO_AUTOCAST),
    Arm(name="+ eager attention", engine="trl", sft=NO_AUTOCAST, attention="eager"),
    Arm(
        name="+ an allocator that keeps its pages",
        engine="trl",
        sft=NO_AUTOCAST,
        attention="eager",
        keep_pages=True,
    ),
    OURS,
    Arm(name="schemalora, batches by length", engine="schemalora", training={"trl": {}}),
)
"""Each adds one thing to the one before: `OURS` adds logits only where there is loss."""


class BlockError(RuntimeError):
    """A block's process failed; the message ends in its last lines."""


@dataclass(frozen=True)
class Records:
    """The records of a comparison, on disk."""

    path: Path
    contract: Path
    count: int


def write_inputs(folder: Path, contract: Contract, examples: Sequence[Example]) -> Records:
    """Writes records and contract where the blocks' processes find them."""
    path, saved = folder / "records.jsonl", folder / "contract.json"
    write_records(path, format_examples(contract, examples, prompt_format=PromptFormat()))
    contract.save(saved)
    return Records(path=path, contract=saved, count=len(examples))


def run_block(
    arm: Arm,
    records: Records,
    *,
    block: int,
    rows: int,
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """Runs a block of an arm in a process of its own.

    Args:
        arm: which.
        records: what all blocks draw from.
        block: number of the block: it gets the next `rows` rows.
        rows: rows of a block.
        training: settings of `TrainingConfig` that all arms share.

    Raises:
        BlockError: the process failed.
    """
    spec = {
        "arm": arm.name,
        "engine": arm.engine,
        "records": str(records.path),
        "contract": str(records.contract),
        "first": block * rows % records.count,
        "rows": rows,
        "training": {**training, "trl": SAME_ORDER, **arm.training},
        "sft": arm.sft,
        "attention": arm.attention,
        "keep_pages": arm.keep_pages,
        "gpu_memory_gib": arm.gpu_memory_gib,
    }
    with tempfile.TemporaryDirectory() as name:
        asked, answered = Path(name) / "spec.json", Path(name) / "result.json"
        asked.write_text(json.dumps(spec), encoding="utf-8")
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.training_speed.block", str(asked), str(answered)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise BlockError(f"{arm.name}, block {block}:\n{process.stderr[-4000:]}")
        return json.loads(answered.read_text(encoding="utf-8"))


def totals(blocks: Iterable[Mapping[str, Any]], *, warm_up: int) -> dict[str, float]:
    """What the timed steps of blocks of one arm cost, the first `warm_up` of each left out."""
    steps = [step for block in blocks for step in block["steps"][warm_up:]]
    sums = {
        key: sum(step[key] for step in steps)
        for key in ("seconds", "cpu_seconds", "rows", "tokens", "padded_tokens")
    }
    return {
        "steps": len(steps),
        "rows": sums["rows"],
        "rows_per_s": round(sums["rows"] / sums["seconds"], 3),
        "rows_per_cpu_s": round(sums["rows"] / sums["cpu_seconds"], 3),
        "tokens_per_s": round(sums["tokens"] / sums["seconds"], 1),
        "tokens_per_cpu_s": round(sums["tokens"] / sums["cpu_seconds"], 1),
        "padding_share": round(1 - sums["tokens"] / sums["padded_tokens"], 3),
    }
