"""One run of the study, in a process of its own.

    python -m benchmarks.study.cell '{"rows": 250}' CELLS.jsonl

Trains, answers, scores, and appends one line to the file.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from schemalora.quiet import quiet_libraries

quiet_libraries()

from benchmarks.result import code_commit
from benchmarks.study.cells import CONTRACT, RECIPE, Cell, Data, as_key
from schemalora import PromptFormat, TrainingConfig, evaluate, format_examples
from schemalora.environment import machine, package_versions
from schemalora.inference import load, predict
from schemalora.training import train

MAX_NEW_TOKENS = 128
BATCH_SIZE = 24


def run_cell(cell: Cell, data: Data) -> dict[str, Any]:
    """Trains one adapter and scores its answers, greedy and unconstrained.

    Returns:
        The line to keep: counts of right rows of n, and what the run cost.
    """
    records = format_examples(
        CONTRACT, data.training_rows(cell), prompt_format=PromptFormat(style=cell.prompt)
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        adapter = train(
            CONTRACT,
            records,
            TrainingConfig(**cell.settings()),
            output_dir=Path(folder) / "adapter",
        )
        trained = time.monotonic()
        curve = json.loads((adapter.path / "learning_curve.json").read_text(encoding="utf-8"))
        loaded = load(adapter)
        answers = predict(
            loaded, data.eval_set, max_new_tokens=MAX_NEW_TOKENS, batch_size=BATCH_SIZE
        )
        report = evaluate(CONTRACT, data.eval_set, answers)
        answered = time.monotonic()
    assert report.rows is not None
    right = report.rows.column("exact_match")
    return {
        "format_version": 1,
        "recipe": data.recipe(),
        "cell": as_key(cell),
        "n": report.n,
        "metrics": {name: rate.count for name, rate in report.metrics.items()},
        "fields": {name: rate.count for name, rate in report.fields.items()},
        "exact_rows": "".join("1" if one else "0" for one in right),
        "steps": math.ceil(cell.rows * cell.epochs / RECIPE["batch_size"]),
        "last_loss": curve["steps"][-1]["loss"],
        "tokens_per_row": round(curve["tokens"] / curve["records"], 1),
        "train_seconds": round(trained - began, 1),
        "eval_seconds": round(answered - trained, 1),
        "peak_rss_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "commit": code_commit(),
        "versions": dict(package_versions()),
        "machine": machine(),
    }


def append(path: Path, line: dict[str, Any]) -> None:
    """Adds one line in one write; a torn line before it stays a line of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        torn = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * torn + json.dumps(line, sort_keys=True).encode() + b"\n")


def main() -> None:
    cell = Cell(**json.loads(sys.argv[1]))
    append(Path(sys.argv[2]), run_cell(cell, Data.build()))


if __name__ == "__main__":
    main()
