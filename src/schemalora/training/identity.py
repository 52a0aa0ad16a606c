"""What a run is: what decides its result, and what may differ when it is gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from schemalora.base_model import BaseModel, torch_dtype_of
from schemalora.contract import Contract
from schemalora.errors import RunFolderError
from schemalora.formatting import template_hash
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import TrainingRecord
from schemalora.tokenizer_pin import tokenizer_hash
from schemalora.training.config import TrainingConfig
from schemalora.training.ranks import process_count

# These decide nothing of the weights: where the log goes and how often, what is refused beforehand.
# Of the fallback what matters is which base model was found.
_OF_NO_MATTER = frozenset(
    ("save_steps", "logging_steps", "report_to", "max_length", "constrained_serving",
     "fallback_base_model")
)  # fmt: skip

# What helps a run that was stopped by a lost loss or a full memory. The rows of an optimizer step
# stay as they are: the place in the epoch and in the schedule is counted in them.
_MENDABLE = frozenset(
    ("learning_rate", "dtype", "batch_size", "gradient_accumulation", "gradient_checkpointing")
)

_HINTS = {
    "base_model": "set base_model to the one of then, without a fallback",
    "dtype": "set dtype to the one of then, or name another",
    "processes": "start as many processes as then",
    "rows_per_step": (
        "rows_per_step is batch_size x gradient_accumulation x processes: raise one as the other "
        "is lowered"
    ),
}


def run_identity(
    contract: Contract,
    records: Sequence[TrainingRecord],
    config: TrainingConfig,
    *,
    base_model: BaseModel,
    tokenizer: Any,
    stopped: Mapping[str, JsonValue] | None = None,
) -> dict[str, JsonValue]:
    """What decides the result of a run, as JSON gives it back.

    Args:
        contract: what completions must satisfy.
        records: the training records.
        config: the settings.
        base_model: the base model that was found.
        tokenizer: its tokenizer.
        stopped: the identity of the stopped run that it will be compared with, whose hash of the
            tokenizer may be of an older kind.
    """
    processes = process_count()
    content = hashlib.sha256()
    for record in records:
        content.update(canonical_json(record.to_dict()).encode("utf-8", "surrogatepass"))
    settings = config.to_dict()
    table = {name: value for name, value in config.trl.items() if name not in _OF_NO_MATTER}
    hash_of_then = cast("str | None", stopped.get("tokenizer") if stopped else None)
    identity: dict[str, JsonValue] = {
        **{name: value for name, value in settings.items() if name not in _OF_NO_MATTER},
        "trl": table,
        "contract": contract.fingerprint,
        "records": len(records),
        "records_sha256": content.hexdigest(),
        "base_model": base_model.name,
        "base_model_revision": base_model.revision,
        "tokenizer": tokenizer_hash(tokenizer, like=hash_of_then),
        "template": template_hash(tokenizer),
        "dtype": str(torch_dtype_of(config.dtype)).removeprefix("torch."),
        "processes": processes,
        "rows_per_step": config.batch_size * config.gradient_accumulation * processes,
    }
    # A tuple of the tables `trl` and `peft` comes back from the run's file as a list.
    return json.loads(canonical_json(identity))


def mends(config: TrainingConfig) -> frozenset[str]:
    """The settings that a stopped run may be gone on with in another value.

    Not a dtype that `auto` found on another machine: that is no decision of anybody.
    """
    return _MENDABLE - {"dtype"} if config.dtype == "auto" else _MENDABLE


def changes(
    before: dict[str, JsonValue], now: dict[str, JsonValue], *, allowed: Collection[str] = ()
) -> dict[str, JsonValue]:
    """What a stopped run is to go on with otherwise than before.

    Args:
        before: the identity of the stopped run.
        now: that of the run that would go on.
        allowed: what may differ.

    Returns:
        Name to [value before, value now]; None stands for a setting that was not given.

    Raises:
        RunFolderError: something else differs; names it, with both values.
    """
    different = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    refused = [name for name in different if name not in allowed]
    if refused:
        shown = ", ".join(f"{name} ({before.get(name)} → {now.get(name)})" for name in refused)
        hints = "".join(f"; {_HINTS[name]}" for name in refused if name in _HINTS)
        raise RunFolderError(
            f"the stopped run had other settings: {shown}{hints}; resume with the same, or choose "
            "a new folder"
        )
    return {name: [before.get(name), now.get(name)] for name in different}
