"""Progress: a line of the log is a line."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("trl")

from rich.console import Console
from transformers import TrainerControl, TrainerState, TrainingArguments

from schemalora.compliance.score import METRICS
from schemalora.training.progress import ProgressCallback


def test_what_is_logged_stays_on_one_line() -> None:
    log = io.StringIO()
    progress = ProgressCallback(Console(file=log, width=40))
    state = TrainerState(global_step=675, max_steps=2025, is_world_process_zero=True)
    arguments, control = TrainingArguments(report_to=[]), TrainerControl()
    progress.on_train_begin(arguments, state, control)
    progress.on_log(arguments, state, control, {"loss": 0.25})
    rates = {f"eval_{name}": 1.0 for name in METRICS}
    measured = {**rates, "eval_rows": 600, "eval_seconds": 74.0}
    progress.on_log(arguments, state, control, measured)
    first, second = log.getvalue().splitlines()
    assert first.startswith("training: step 675/2025, loss 0.2500, ")
    assert second.startswith("development: step 675, valid_json 1.000, ")
    assert second.endswith("(600 rows, 74 s)")
