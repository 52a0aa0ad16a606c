"""Progress of a training run."""

# transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemalora.compliance.score import METRICS


class ProgressCallback(TrainerCallback):
    """A bar on a terminal, plain lines in a log."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._started = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._started = time.monotonic()
        if not self._console.is_terminal or not state.is_world_process_zero:
            return
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar.add_task("training", total=state.max_steps, loss="loss …")
        self._bar.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not logs or not state.is_world_process_zero:
            return
        if "eval_seconds" in logs:
            self._print_measurement(logs, state)
        if "loss" not in logs:
            return
        loss = f"loss {logs['loss']:.4f}"
        if self._bar:
            self._bar.update(self._bar.task_ids[0], loss=loss)
        else:
            seconds = time.monotonic() - self._started
            self._console.print(
                f"training: step {state.global_step}/{state.max_steps}, {loss}, {seconds:.0f} s",
                highlight=False,
                soft_wrap=True,
            )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _print_measurement(self, logs: dict[str, float], state: TrainerState) -> None:
        rates = ", ".join(f"{name} {logs[f'eval_{name}']:.3f}" for name in METRICS)
        self._console.print(
            f"development: step {state.global_step}, {rates}"
            f" ({logs['eval_rows']} rows, {logs['eval_seconds']:.0f} s)",
            highlight=False,
            soft_wrap=True,
        )
