"""Checkpoints that are whole or not there, and never of weights that are lost."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemalora.errors import TrainingError
from schemalora.training.folder import RunFolder
from schemalora.training.ranks import all_processes_agree


class CheckpointCallback(TrainerCallback):
    """Publishes what the trainer has written into the folder's `unfinished`.

    Args:
        folder: the folder of the run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **_: Any,
    ) -> None:
        trained = [one for one in model.parameters() if one.requires_grad]
        require_finite(trained, step=state.global_step, folder=self._folder)
        # Every process writes its own random state into the checkpoint.
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            self._folder.publish(state.global_step)


def require_finite(weights: Iterable[Any], *, step: int, folder: RunFolder) -> None:
    """Refuses to write an adapter whose weights are lost.

    All processes must call it, and all refuse where one has to.

    Args:
        weights: the adapter's tensors; of sharded ones, this process's part is looked at.
        step: the step that they are of.
        folder: the folder of the run.

    Raises:
        TrainingError: some weights are not finite; says what to do.
    """
    parts = [one.to_local() if hasattr(one, "to_local") else one for one in weights]
    finite = all(bool(torch.isfinite(part).all()) for part in parts)
    if not all_processes_agree(finite):
        raise TrainingError(
            f"the adapter's weights are not finite after step {step}; the last checkpoint in "
            f"{folder.checkpoints} is from before: run again with resume and a lower "
            "learning_rate, or with dtype bfloat16 or float32; where that does not help, delete "
            "the newest checkpoint, and resume goes on from the one before"
        )
