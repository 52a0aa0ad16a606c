"""Compliance while training goes on: the model answers, and the answers are scored."""

# transformers and trl are typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from schemalora.compliance import ComplianceReport, evaluate
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.formatting import PromptFormat
from schemalora.inference import LoadedModel, predict
from schemalora.records import Example
from schemalora.training.four_bit import keep_differentiable


class ComplianceCallback(TrainerCallback):
    """Lets the model answer a fixed set of examples every so many steps and logs the rates.

    The rates go through `Trainer.log`, and so to the log history and to every integration of
    `report_to`, as `eval_schema_compliant`, `eval_$.intent` and so on, with `eval_seconds`, what
    the measurement took. It works with any Trainer of transformers or TRL:

        trainer.add_callback(ComplianceCallback(trainer, contract, dev_set, every_steps=100))

    Args:
        trainer: whose model answers.
        contract: what completions must satisfy.
        examples: a development set: from training's groups, never the eval set. Each measurement
            generates one completion for each of them.
        every_steps: optimizer steps between two measurements.
        prompt_format: how the examples are asked; that of the training records.
        max_new_tokens: longest completion in tokens.
        batch_size: rows at once.

    Raises:
        UsageError: no examples, or `every_steps` below 1.
    """

    def __init__(
        self,
        trainer: Trainer,
        contract: Contract,
        examples: Sequence[Example],
        *,
        every_steps: int,
        prompt_format: PromptFormat | None = None,
        max_new_tokens: int = 256,
        batch_size: int = 16,
    ) -> None:
        if not examples or every_steps < 1:
            raise UsageError("ComplianceCallback needs examples, and every_steps of at least 1")
        self._trainer = trainer
        self._contract = contract
        self._examples = examples
        self._every_steps = every_steps
        self._prompt_format = prompt_format or PromptFormat()
        self._max_new_tokens = max_new_tokens
        self._batch_size = batch_size
        self.reports: dict[int, ComplianceReport] = {}
        """Optimizer step to the report of that moment."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._is_due(state) and state.is_world_process_zero:
            self._measure_and_log(state, control)

    def measure(self) -> ComplianceReport:
        """Answers and scores the examples with the model as it is now."""
        keep_differentiable(self._model)
        loaded = LoadedModel(
            name="in training", model=self._model, tokenizer=self._trainer.processing_class
        )
        predictions = predict(
            loaded,
            self._examples,
            contract=self._contract,
            prompt_format=self._prompt_format,
            max_new_tokens=self._max_new_tokens,
            batch_size=self._batch_size,
        )
        return evaluate(self._contract, self._examples, predictions)

    @property
    def _model(self) -> Any:
        return self._trainer.accelerator.unwrap_model(self._trainer.model)

    def _is_due(self, state: TrainerState) -> bool:
        return state.global_step % self._every_steps == 0

    def _measure_and_log(
        self, state: TrainerState, control: TrainerControl
    ) -> tuple[ComplianceReport, float]:
        """The report of this moment, and the seconds that it took."""
        started = time.monotonic()
        report = self.measure()
        seconds = time.monotonic() - started
        self.reports[state.global_step] = report
        # Logging from within a step would swallow the log of the loss that this step is due.
        due = control.should_log
        values = report.metric_values(prefix="eval_")
        self._trainer.log({**values, "eval_rows": report.n, "eval_seconds": round(seconds, 2)})
        control.should_log = due
        return report, seconds
