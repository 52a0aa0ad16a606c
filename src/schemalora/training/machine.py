"""Settings against the machine: what it cannot run is refused before hours are spent."""

# torch is typed in part only:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import importlib.util
import warnings

import torch

from schemalora.errors import UsageError
from schemalora.training.config import TrainingConfig


def check_machine(config: TrainingConfig) -> None:
    """Refuses settings that need a GPU, or a package, that is not there.

    What an optimizer needs beside a GPU, `require_optimizer` finds.

    Raises:
        UsageError: naming the setting and what to put in its place.
    """
    cuda = torch.cuda.is_available()
    if config.optimizer.startswith("paged_") and not cuda:
        plain = config.optimizer.removeprefix("paged_").removesuffix("_32bit")
        instead = plain if plain.endswith("_8bit") else "adamw_torch"
        raise UsageError(
            f"optimizer = {config.optimizer!r} needs a CUDA GPU, and there is none: use {instead!r}"
        )
    if config.attention == "flash_attention_2" and not cuda:
        raise UsageError(
            "attention = 'flash_attention_2' needs a CUDA GPU, and there is none: use 'auto'"
        )
    if config.attention == "flash_attention_2" and importlib.util.find_spec("flash_attn") is None:
        raise UsageError(
            "attention = 'flash_attention_2' needs the package flash-attn, which is not installed: "
            "use 'sdpa'"
        )
    if config.dtype == "float16" and not cuda:
        raise UsageError(
            "dtype = 'float16' trains with a loss scaler, which needs a CUDA GPU, and there is "
            "none: use 'auto'"
        )
    if config.quantization == "nf4" and importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError(
            "quantization = 'nf4' needs the package bitsandbytes, which is not installed: "
            "pip install bitsandbytes"
        )
    emulated = cuda and not torch.cuda.is_bf16_supported(including_emulation=False)
    if config.dtype == "bfloat16" and emulated:
        warnings.warn(
            "dtype = 'bfloat16' is emulated by this GPU, far slower than float16: use 'auto'",
            stacklevel=2,
        )
