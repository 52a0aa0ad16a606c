"""SIGTERM, as schedulers and preemptible machines send it: one more checkpoint, and out."""

# transformers, accelerate and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.utils import reduce
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemalora.training.ranks import process_count


class TerminationCallback(TrainerCallback):
    """Ends the training after the step in which SIGTERM came, with a checkpoint of that step.

    It has to be the last callback that can end the training: a run that is at its end, or out of
    patience, is finished and not stopped.
    """

    def __init__(self) -> None:
        self._asked = False
        self.stopped = False
        """Whether the training was ended by a SIGTERM."""

    @contextmanager
    def listening(self) -> Generator[None]:
        """Takes SIGTERM while the block runs; in a thread it cannot, and the signal ends all."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._ask)
        try:
            yield
        finally:
            # None: a handler that was not set from Python, which cannot be put back from here.
            signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if control.should_training_stop or state.global_step >= state.max_steps:
            return
        if self._any_was_asked(args.device):
            self.stopped = control.should_save = control.should_training_stop = True

    def _ask(self, *_: Any) -> None:
        self._asked = True

    def _any_was_asked(self, device: torch.device) -> bool:
        """Whether any process was; they must end after the same step, or wait for ever."""
        if process_count() == 1:
            return self._asked
        asked: Any = reduce(torch.tensor(float(self._asked), device=device), "sum")
        return asked.item() > 0
