"""Everything a run needs before the weights are loaded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from schemalora.base_model import (
    BaseModel,
    find_base_model,
    find_first_base_model,
    text_config,
)
from schemalora.compliance.score import METRICS
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.records import TrainingRecord
from schemalora.training.config import TrainingConfig
from schemalora.training.development import DevelopmentSet, hold_out
from schemalora.training.preflight import preflight, require_no_errors, summary
from schemalora.training.ranks import is_main_process, on_main_process
from schemalora.training.tokens import TokenRow, tokenize_records


@dataclass(frozen=True, slots=True)
class Prepared:
    """A base model that was found, and rows that passed the preflight."""

    base_model: BaseModel
    tokenizer: Any
    rows: Sequence[TokenRow]
    """Token rows of all records, in order."""
    development: DevelopmentSet | None
    """What is held out of training; None where nothing is."""

    @property
    def trained(self) -> list[TokenRow]:
        """The rows that are trained on."""
        held_out = self.development.held_out if self.development else ()
        return [row for index, row in enumerate(self.rows) if index not in held_out]


def require_task(
    contract: Contract, records: Sequence[TrainingRecord], config: TrainingConfig
) -> None:
    """Refuses, before anything is looked for or loaded, what no base model could be trained on.

    Raises:
        UsageError: no records or one, or no such selection metric.
    """
    if not records:
        raise UsageError("there are no training records")
    if len(records) == 1:
        raise UsageError(
            "there is one training record, and from a single one nothing can be learned but to "
            "repeat it: give some hundreds"
        )
    known = (*METRICS, *contract.fields)
    if config.selection_metric not in known:
        raise UsageError(
            f"selection_metric = {config.selection_metric!r} is no metric or field of this "
            f"contract (known: {', '.join(known)})"
        )


def find_base_model_of_run(
    config: TrainingConfig, stopped: Mapping[str, JsonValue] | None
) -> BaseModel:
    """The base model of a run: the first of the settings that can be had.

    A stopped run goes on with the one that it began with, of the hub at the commit of then. Of
    several processes the main one chooses, as a hub that is slow to answer one of them would have
    it take another model.

    Args:
        config: the settings.
        stopped: the identity of the stopped run that is gone on with.

    Raises:
        BaseModelError: it cannot be had.
    """
    chosen = on_main_process(lambda: _choose(config, stopped or {}))
    if is_main_process():
        return chosen
    return find_base_model(chosen.name, revision=chosen.revision)


def _choose(config: TrainingConfig, stopped: Mapping[str, JsonValue]) -> BaseModel:
    for name in config.base_models:
        if name == stopped.get("base_model"):
            revision = cast("str | None", stopped.get("base_model_revision"))
            return find_base_model(name, revision=revision)
    return find_first_base_model(*config.base_models)


def prepare(
    contract: Contract,
    records: Sequence[TrainingRecord],
    config: TrainingConfig,
    *,
    base_model: BaseModel,
    tokenizer: Any,
) -> Prepared:
    """Makes the rows, checks them, and holds the development set out.

    Warnings of the preflight are shown, one for each kind.

    Raises:
        UsageError: no development set of that size, or none that the model's context can answer.
        BaseModelError: the base model's settings cannot be read.
        PreflightError: the records would not teach what they should.
    """
    limits = text_config(base_model)
    context: int | None = getattr(limits, "max_position_embeddings", None)
    rows = tokenize_records(tokenizer, records)
    findings = preflight(
        contract,
        records,
        rows,
        tokenizer,
        max_length=min(config.max_length, context or config.max_length),
        vocabulary=limits.vocab_size,
        prompt_format=config.prompt_format,
        constrained_serving=config.constrained_serving,
    )
    require_no_errors(findings)
    if is_main_process():
        for line in summary(findings):
            warnings.warn(f"preflight: {line}", stacklevel=3)
    development = None
    if config.development_rows:
        development = hold_out(
            contract,
            records,
            rows,
            count=config.development_rows,
            seed=config.seed,
            tokenizer=tokenizer,
            prompt_format=config.prompt_format,
            context=context,
        )
    return Prepared(base_model, tokenizer, rows, development)
