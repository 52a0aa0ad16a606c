"""Settings that were changed when a run is resumed: applied, and shown."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import warnings
from typing import Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemalora.training.folder import Start


class ResumedSettingsCallback(TrainerCallback):
    """Puts the settings of now in the place of those that a checkpoint brings back.

    With the state of a checkpoint the trainer takes over how often it logs and saves, and with that
    of the schedule the peak learning rate. Where nothing was changed, nothing is.
    """

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        optimizer: Any = None,
        lr_scheduler: Any = None,
        **_: Any,
    ) -> None:
        state.compute_steps(args, state.max_steps)
        scheduler = getattr(lr_scheduler, "scheduler", lr_scheduler)
        for group in optimizer.param_groups:
            before = group.get("initial_lr", args.learning_rate)
            if before != args.learning_rate:
                group["lr"] *= args.learning_rate / before
                group["initial_lr"] = args.learning_rate
                scheduler.base_lrs = [args.learning_rate for _ in scheduler.base_lrs]


def show_changes(start: Start) -> None:
    """Warns where a stopped run goes on with other settings."""
    if start.changed_now:
        last = cast("dict[str, Any]", start.changes[-1])
        shown = ", ".join(f"{name} {old} → {new}" for name, (old, new) in last["settings"].items())
        warnings.warn(
            f"resumed at step {last['step']} with other settings: {shown}; the adapter is not that "
            "of one uninterrupted run, and its schemalora.json says so",
            stacklevel=3,
        )
