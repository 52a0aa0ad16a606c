"""`learning_curve.json`: what was seen while the adapter learned."""

# transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemalora.jsonl import write_json
from schemalora.jsonvalue import JsonValue
from schemalora.training.folder import RunFolder
from schemalora.training.prepare import Prepared
from schemalora.training.selection import Evaluation, SelectionCallback


class CurveCallback(TrainerCallback):
    """Writes the learning curve with each checkpoint: a run that is stopped leaves one too.

    Args:
        folder: the folder of the run.
        prepared: the rows.
        selection: takes the measurements; None where there is no development set.
    """

    def __init__(
        self, folder: RunFolder, prepared: Prepared, selection: SelectionCallback | None
    ) -> None:
        self._folder = folder
        self._prepared = prepared
        self._selection = selection

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        evaluations = [] if self._selection is None else self._selection.evaluations
        best = None
        if self._selection is not None and evaluations:
            best = self._selection.selected_step
        write_curve(
            self._folder.curve,
            self._prepared,
            state.log_history,
            evaluations=evaluations,
            selected_step=best,
        )


def write_curve(
    path: Path,
    prepared: Prepared,
    log_history: Sequence[Mapping[str, Any]],
    *,
    evaluations: Sequence[Evaluation],
    selected_step: int | None,
) -> None:
    """Writes the losses and measurements of a run.

    Keys: `steps`, one a line of the log, with step, epoch, loss and learning rate; `evaluations`,
    one a measurement on the development set, with step, epoch, rows, seconds and metrics;
    `selected_step`, whose weights the adapter has, or the best moment so far; `development`, how
    much was held out; `seconds` of the last stretch of training, measurements included, null while
    it lasts; and the rows and tokens of one epoch.

    Args:
        path: the file, which is replaced.
        prepared: the rows.
        log_history: the trainer's.
        evaluations: empty where there is no development set.
        selected_step: the step of the weights that were kept; None where none are yet.
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
    # The log may hold numbers of other types than JSON's, and what JSON has no number for, such as
    # the norm of a gradient that float16's loss scaler passes over.
    text = json.dumps(curve, default=float)
    write_json(path, cast(JsonValue, json.loads(text, parse_constant=lambda _: None)))
