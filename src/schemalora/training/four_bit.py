"""4-bit weights that gradients go through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch


def keep_differentiable(model: torch.nn.Module) -> None:
    """Keeps bitsandbytes from laying out 4-bit weights for inference.

    On a CPU with AVX512-BF16 a layer's first pass in eval mode turns its weights, for good, to a
    layout whose product has no gradient: from then on a training run learns nothing and says
    nothing. The switch is an attribute of `Linear4bit`, the only one that bitsandbytes offers.

    Args:
        model: one that goes on training; layers of other kinds are left alone.
    """
    for layer in cast("Iterable[Any]", model.modules()):
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
