"""`learning_curve.json`: what was seen while the adapter learned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from schemalora.jsonl import write_json
from schemalora.jsonvalue import JsonValue
from schemalora.training.prepare import Prepared
from schemalora.training.selection import Evaluation

CURVE_FILE = "learning_curve.json"


def write_curve(
    folder: Path,
    prepared: Prepared,
    log_history: Sequence[Mapping[str, Any]],
    *,
    evaluations: Sequence[Evaluation],
    selected_step: int,
) -> None:
    """Writes the losses and measurements of a run.

    Keys: `steps`, one a line of the log, with step, epoch, loss and learning rate; `evaluations`,
    one a measurement on the development set, with step, epoch, rows, seconds and metrics;
    `selected_step`, whose weights the adapter has; `development`, how much was held out; `seconds`
    of the last stretch of training, measurements included; and the rows and tokens of one epoch.

    Args:
        folder: the adapter directory.
        prepared: the rows.
        log_history: the trainer's.
        evaluations: empty where there is no development set.
        selected_step: the step of the weights that were kept.
    """
    development = prepared.development
    rows = prepared.trained
    curve = {
        "format_version": 1,
        "steps": [entry for entry in log_history if "loss" in entry],
        "evaluations": list(evaluations),
        "selected_step": selected_step,
        "development": development
        and {"rows": len(development.examples), "held_out": len(development.held_out)},
        "seconds": log_history[-1].get("train_runtime") if log_history else None,
        "records": len(rows),
        "tokens": sum(map(len, rows)),
        "completion_tokens": sum(len(row.completion) for row in rows),
    }
    # The log may hold numbers of other types than JSON's.
    write_json(folder / CURVE_FILE, cast(JsonValue, json.loads(json.dumps(curve, default=float))))
