"""Keeps the adapter of the best moment, judged by the answers to a development set."""

# transformers and trl are typed in part only:
# pyright: reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

from safetensors.torch import load_file
from transformers import Trainer, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from schemalora.contract import Contract
from schemalora.training.compliance_callback import ComplianceCallback
from schemalora.training.config import TrainingConfig
from schemalora.training.development import DevelopmentSet
from schemalora.training.folder import flush_all
from schemalora.training.ranks import is_main_process, on_main_process

_STEP = re.compile(r"step-(\d+)")


class Evaluation(TypedDict):
    """One measurement, as `learning_curve.json` keeps it."""

    step: int
    epoch: float
    rows: int
    seconds: float
    metrics: dict[str, float]
    """The report's metrics and fields to their rates."""


def selected_step(evaluations: Sequence[Evaluation], metric: str) -> int:
    """The step of the best measurement; of equal ones the last.

    Rates of few rows are often equal, and the later weights have seen more rows at a lower rate.
    """
    return max(evaluations, key=lambda one: (one["metrics"][metric], one["step"]))["step"]


def measurements_without_gain(evaluations: Sequence[Evaluation], metric: str) -> int:
    """How many measurements have passed since one was better than all before it."""
    values = [one["metrics"][metric] for one in evaluations]
    return len(values) - 1 - values.index(max(values)) if values else 0


class SelectionCallback(ComplianceCallback, ExportableState):
    """Measures, keeps the best adapter so far, and stops when it no longer gets better.

    Its state, the measurements, travels in the trainer's own state file, so a resumed run decides
    as the uninterrupted one.

    Args:
        trainer: whose model answers.
        contract: what completions must satisfy.
        development: who is asked.
        config: how often, what counts, and how long to wait.
        folder: where adapters are kept, each as `step-<step>`.
    """

    def __init__(
        self,
        trainer: Trainer,
        contract: Contract,
        development: DevelopmentSet,
        *,
        config: TrainingConfig,
        folder: Path,
    ) -> None:
        super().__init__(
            trainer,
            contract,
            development.examples,
            every_steps=config.development_steps,
            prompt_format=config.prompt_format,
            max_new_tokens=development.max_new_tokens,
        )
        self._metric = config.selection_metric
        self._patience = config.patience
        self._folder = folder
        self._selected_at_last_save = 0
        self.evaluations: list[Evaluation] = []
        """Every measurement, in order."""

    @property
    def selected_step(self) -> int:
        """The step whose adapter is kept."""
        return selected_step(self.evaluations, self._metric)

    @property
    def selected_folder(self) -> Path:
        """The adapter that is kept."""
        return self._folder_of(self.selected_step)

    def selected_weights(self) -> list[Any]:
        """The tensors of the adapter that is kept; none in processes that do not write."""
        if not is_main_process():
            return []
        return [*load_file(self.selected_folder / "adapter_model.safetensors").values()]

    def state(self) -> dict[str, Any]:
        """What `trainer_state.json` keeps."""
        return {"args": {}, "attributes": {"evaluations": self.evaluations}}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        kept = cast("dict[str, Any]", state.stateful_callbacks).get(type(self).__name__)
        if isinstance(kept, dict):
            self.evaluations = list(kept["attributes"]["evaluations"])

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        # Of a run that was killed after it had decided to stop, nothing more is measured.
        if not self.patience_is_over() and self._is_due(state):
            self.evaluations.append(on_main_process(lambda: self._evaluation(state, control)))
        if self.patience_is_over():
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Lets go of adapters that none of the two last checkpoints refers to."""
        if not state.is_world_process_zero or not self.evaluations:
            return
        for path in self._folder.iterdir():
            match = _STEP.fullmatch(path.name)
            if match is not None and int(match.group(1)) < self._selected_at_last_save:
                shutil.rmtree(path)
        self._selected_at_last_save = self.selected_step

    def _is_due(self, state: TrainerState) -> bool:
        return super()._is_due(state) or state.global_step >= state.max_steps

    def patience_is_over(self) -> bool:
        """Whether so many measurements have passed without a better one that the run ends."""
        waited = measurements_without_gain(self.evaluations, self._metric)
        return 0 < self._patience <= waited

    def _evaluation(self, state: TrainerState, control: TrainerControl) -> Evaluation:
        report, seconds = self._measure_and_log(state, control)
        evaluation = Evaluation(
            step=state.global_step,
            epoch=round(state.epoch or 0.0, 4),
            rows=report.n,
            seconds=round(seconds, 2),
            metrics=report.metric_values(prefix=""),
        )
        if selected_step([*self.evaluations, evaluation], self._metric) == state.global_step:
            self._keep(state.global_step)
        return evaluation

    def _keep(self, step: int) -> None:
        part, folder = self._folder / "part", self._folder_of(step)
        for left in (part, folder):
            shutil.rmtree(left, ignore_errors=True)
        self._model.save_pretrained(str(part))
        # The next checkpoint, which is flushed, refers to it.
        flush_all(part)
        part.rename(folder)

    def _folder_of(self, step: int) -> Path:
        return self._folder / f"step-{step}"
