"""What happened in each step of a training run, whoever drives it."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

NAME = "step_clock"


@dataclass(kw_only=True)
class Step:
    """One optimizer step."""

    seconds: float = 0.0
    """From the end of the step before: fetching, forward, backward, update and logging."""
    cpu_seconds: float = 0.0
    rows: int = 0
    tokens: int = 0
    """Tokens without padding."""
    padded_tokens: int = 0
    digest: str = ""
    """SHA-256 over the token ids of the rows in their order, padding aside."""
    loss: float = float("nan")


@dataclass
class StepClock(TrainerCallback):
    """Times the steps, and notes which rows went through the model.

    It is registered as a reporting integration, so every Trainer takes it by `report_to`, and
    neither side of a comparison is touched.
    """

    steps: list[Step] = field(default_factory=list[Step])
    model: Any = None
    attention: str = ""

    @classmethod
    def register(cls) -> StepClock:
        """A clock that the next Trainer with `report_to=["step_clock"]` takes."""
        clock = cls()
        INTEGRATION_TO_CALLBACK[NAME] = clock
        return clock

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.model = kwargs["model"]
        self.attention = self.model.config._attn_implementation
        self.model.register_forward_pre_hook(self._see, with_kwargs=True)
        self._rows: list[list[int]] = []
        self._padded = 0
        self._mark = self._now()

    def _see(self, _: Any, args: tuple[Any, ...], inputs: dict[str, Any]) -> None:
        mask = inputs["attention_mask"].bool()
        self._padded += mask.numel()
        # Positions start anew with each row, be it padded or packed.
        positions = (
            inputs["position_ids"] if "position_ids" in inputs else mask.long().cumsum(1) - 1
        )
        for token, position in zip(
            inputs["input_ids"][mask].tolist(), positions[mask].tolist(), strict=True
        ):
            if position == 0:
                self._rows.append([])
            self._rows[-1].append(token)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        before, self._mark = self._mark, self._now()
        content = json.dumps(self._rows).encode()
        self.steps.append(
            Step(
                seconds=self._mark[0] - before[0],
                cpu_seconds=self._mark[1] - before[1],
                rows=len(self._rows),
                tokens=sum(map(len, self._rows)),
                padded_tokens=self._padded,
                digest=hashlib.sha256(content).hexdigest()[:16],
            )
        )
        self._rows, self._padded = [], 0

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        loss = (kwargs.get("logs") or {}).get("loss")
        if loss is not None:
            self.steps[-1].loss = float(loss)

    def _now(self) -> tuple[float, float]:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()
