"""The optimizer and its schedule, made once before anything is loaded: some cannot be made."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

from typing import Any

import torch
from transformers import Trainer, get_scheduler
from trl import SFTConfig

from schemalora.errors import UsageError

# Steps of the schedule that is tried; no schedule is refused for their number.
_STEPS = 1000


def require_optimizer(arguments: SFTConfig) -> None:
    """Makes the optimizer and the schedule of the settings, over one parameter.

    The trainer makes them when training begins: after the weights have been loaded, in a folder
    that is then taken.

    Args:
        arguments: the settings as TRL has taken them.

    Raises:
        UsageError: a package is missing, or an argument is; names the optimizer or the schedule.
    """
    try:
        optimizer = _over_one_parameter(arguments)
    except (ImportError, ValueError, TypeError, RuntimeError) as error:
        raise UsageError(f"optimizer = {_name(arguments.optim)!r}: {error}") from error
    options: Any = arguments.lr_scheduler_kwargs
    try:
        get_scheduler(
            arguments.lr_scheduler_type,
            optimizer,
            num_warmup_steps=arguments.get_warmup_steps(_STEPS),
            num_training_steps=_STEPS,
            scheduler_specific_kwargs=options,
        )
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"the schedule {_name(arguments.lr_scheduler_type)!r} with trl.lr_scheduler_kwargs = "
            f"{options!r}: {error}"
        ) from error


def _over_one_parameter(arguments: SFTConfig) -> torch.optim.Optimizer:
    parameter = torch.nn.Parameter(torch.zeros(1, device=arguments.device))
    plain = torch.optim.SGD([parameter], lr=arguments.learning_rate)
    try:
        kind, options = Trainer.get_optimizer_cls_and_kwargs(arguments)
    except ValueError:
        if not _needs_the_model(arguments):
            raise
        return plain
    groups: list[dict[str, Any]] = [{"params": [parameter], "weight_decay": arguments.weight_decay}]
    # What is no class takes the whole model.
    return kind(groups, **options) if isinstance(kind, type) else plain


def _needs_the_model(arguments: SFTConfig) -> bool:
    name = _name(arguments.optim)
    with_targets = name.startswith(("galore", "apollo")) and arguments.optim_target_modules
    return bool(with_targets) or name in ("lomo", "adalomo")


def _name(choice: Any) -> str:
    """A choice as it is written in the settings: transformers makes enumerations of some."""
    return str(getattr(choice, "value", choice))
