"""Progress of a training run, and the stop where the loss is not finite."""

# transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemalora.errors import TrainingError


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
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        loss = f"loss {logs['loss']:.4f}"
        if self._bar:
            self._bar.update(self._bar.task_ids[0], loss=loss)
        else:
            seconds = time.monotonic() - self._started
            self._console.print(
                f"training: step {state.global_step}/{state.max_steps}, {loss}, {seconds:.0f} s",
                highlight=False,
            )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None


class FiniteLossCallback(TrainerCallback):
    """Stops the run where the loss is NaN or infinite; the last checkpoint stays as it is."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} at step {state.global_step}; the last checkpoint in "
                f"{args.output_dir} is intact: lower learning_rate, or use bfloat16 or float32"
            )
