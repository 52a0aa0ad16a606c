"""From our settings to those of PEFT and TRL."""

# transformers, trl and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportPrivateImportUsage=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers.integrations import get_reporting_integration_callbacks
from trl import SFTConfig

from schemalora.base_model import preferred_device, torch_dtype_of
from schemalora.errors import UsageError
from schemalora.training.config import TrainingConfig
from schemalora.training.optimizer import require_optimizer
from schemalora.training.passed_through import refuse_decided


def lora_config(config: TrainingConfig) -> LoraConfig:
    """PEFT's settings.

    Raises:
        UsageError: PEFT refuses a setting of the table `peft`, or it is one that is decided
            elsewhere or cannot be trained in bfloat16.
    """
    modules = config.target_modules
    settings: dict[str, Any] = {
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "target_modules": "all-linear" if modules == ("all-linear",) else list(modules),
        "use_rslora": config.rslora,
        "use_dora": config.dora,
        "bias": "none",
        "task_type": "CAUSAL_LM",
    }
    refuse_decided("peft", config.peft, {**_defaults(LoraConfig), **settings})
    _refuse_trained_base_in_bfloat16(config)
    for name in ("r", "lora_alpha", "lora_dropout"):
        # PEFT computes with them when it makes the layers, after the weights have been loaded.
        if not isinstance(config.peft.get(name, 1), (int, float)):
            raise UsageError(f"peft.{name} must be a number, not {config.peft[name]!r}")
    try:
        return LoraConfig(**{**settings, **config.peft})
    except (TypeError, ValueError) as error:
        raise UsageError(f"PEFT's LoraConfig refuses the settings: {error}") from error


def _refuse_trained_base_in_bfloat16(config: TrainingConfig) -> None:
    # What is trained is kept in float32. LoRA casts its inputs; the base's own layers do not.
    # float16 has autocast for them, and 4-bit layers are among layers in float32.
    if config.quantization != "none" or torch_dtype_of(config.dtype) != torch.bfloat16:
        return
    for name, unset in (("bias", "none"), ("modules_to_save", None)):
        if config.peft.get(name, unset) != unset:
            raise UsageError(
                f"peft.{name} = {config.peft[name]!r} trains weights of the base model, which "
                "bfloat16 is too coarse for: set dtype = 'float32'"
            )


def sft_config(config: TrainingConfig, folder: Path) -> SFTConfig:
    """TRL's settings, with checkpoints in `folder`.

    Raises:
        UsageError: TRL or transformers refuses a setting, such as one of the table `trl`, or it is
            one that is decided elsewhere, accelerate is set to another precision, or a package is
            missing that the optimizer or `report_to` needs.
    """
    dtype = torch_dtype_of(config.dtype)
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "seed": config.seed,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "optim": config.optimizer,
        "max_grad_norm": config.max_grad_norm,
        "max_length": None,
        "gradient_checkpointing": config.gradient_checkpointing,
        # The weights are in the compute type already and `schemalora.lora` multiplies in it, so
        # autocast would only add casts. Over 4-bit layers PEFT multiplies, which without autocast
        # it does in the float32 of the adapter; and float16's comes with the loss scaler.
        "bf16": config.quantization == "nf4" and dtype == torch.bfloat16,
        "fp16": dtype == torch.float16,
        "use_cpu": preferred_device() == "cpu",
        "logging_steps": config.logging_steps,
        "save_steps": config.save_steps,
        # One at a time: `RunFolder.publish` moves each away and keeps the last two.
        "save_total_limit": None,
        "report_to": list(config.report_to) or "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "logging_nan_inf_filter": False,
        "train_sampling_strategy": "group_by_length" if config.group_by_length else "random",
        "length_column_name": "length",
        "remove_unused_columns": False,
    }
    refuse_decided("trl", config.trl, {**_defaults(SFTConfig), **settings})
    try:
        arguments = SFTConfig(**{**settings, **config.trl})
    except (TypeError, ValueError, ImportError) as error:
        raise UsageError(f"TRL's SFTConfig refuses the settings: {error}") from error
    _refuse_other_precision(arguments.mixed_precision, dtype)
    _take_one_gpu(arguments)
    require_optimizer(arguments)
    _require_trackers(arguments.report_to)
    return arguments


def _take_one_gpu(arguments: Any) -> None:
    # A process that sees several would have them share its batches, batch_size times as many rows,
    # over copies of the model that the replaced forwards do not know (and that TRL refuses).
    # Several GPUs are for several processes, where this is 1 already.
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1


def _require_trackers(report_to: Any) -> None:
    # The trainer would make them too, but after the weights have been loaded.
    try:
        for tracker in get_reporting_integration_callbacks(report_to):
            if isinstance(tracker, type):
                tracker()
    except (ValueError, RuntimeError, ImportError) as error:
        raise UsageError(f"report_to = {', '.join(report_to)}: {error}") from error


def _refuse_other_precision(mixed: str, dtype: torch.dtype) -> None:
    # From accelerate's config file or ACCELERATE_MIXED_PRECISION.
    agreeing = {torch.float16: ("fp16",), torch.bfloat16: ("no", "bf16")}.get(dtype, ("no",))
    if mixed not in agreeing:
        raise UsageError(
            f"accelerate is set to mixed_precision {mixed!r}, and dtype is "
            f"{str(dtype).removeprefix('torch.')!r}: set accelerate's mixed_precision to 'no' and "
            "choose the compute type by dtype"
        )


def _defaults(settings: type[LoraConfig | SFTConfig]) -> dict[str, Any]:
    return {one.name: one.default for one in fields(settings)}
