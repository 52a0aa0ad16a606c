"""From our settings to those of PEFT and TRL."""

# trl and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportPrivateImportUsage=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from trl import SFTConfig

from schemalora.base_model import preferred_device, torch_dtype_of
from schemalora.errors import UsageError
from schemalora.training.config import TrainingConfig

# Settings of TRL that would undo what `train` does, and what to do instead.
_NOT_PASSED_THROUGH = {
    "output_dir": "the run's folder is the argument output_dir of `train`",
    "packing": "batches of like length leave little padding, and packed rows would see each other",
    "load_best_model_at_end": "set development_rows: the best adapter by its answers is kept",
    "eval_strategy": "set development_rows: answers are scored, not the loss",
    "max_length": "it is a setting of its own: max_length",
}


def lora_config(config: TrainingConfig) -> LoraConfig:
    """PEFT's settings.

    Raises:
        UsageError: PEFT refuses a setting of the table `peft`.
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
    try:
        return LoraConfig(**{**settings, **config.peft})
    except (TypeError, ValueError) as error:
        raise UsageError(f"PEFT's LoraConfig refuses the settings: {error}") from error


def sft_config(config: TrainingConfig, folder: Path) -> SFTConfig:
    """TRL's settings, with checkpoints in `folder`.

    Raises:
        UsageError: TRL or transformers refuses a setting, such as one of the table `trl`, or it is
            one that is decided elsewhere.
    """
    for name, reason in _NOT_PASSED_THROUGH.items():
        if config.trl.get(name):
            raise UsageError(f"trl.{name} cannot be passed through: {reason}")
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
    try:
        return SFTConfig(**{**settings, **config.trl})
    except (TypeError, ValueError, ImportError) as error:
        raise UsageError(f"TRL's SFTConfig refuses the settings: {error}") from error
