"""LoRA layers in two small products, where PEFT's own layer takes ten operations.

PEFT computes `result + lora_B(lora_A(dropout(x))) * scaling` one operation after the other and
casts between the types of the adapter and the base. When nothing is trained, and both have one
type, the same is a product with A and one fused multiply-add with B. For a small model on a CPU
the difference is a fifth of a forward pass.
"""

# peft and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

LayerForward = tuple[torch.nn.Module, Callable[..., torch.Tensor]]


def lora_forwards(model: Any) -> list[LayerForward]:
    """A model's plain LoRA layers, and how to compute each of them faster.

    Layers that are more than plain LoRA (DoRA, several active adapters, biases, another type than
    the base, layers that are not linear) are left out, and so to PEFT.

    Args:
        model: a causal LM, or a PEFT model around one.
    """
    found: list[LayerForward] = []
    for layer in model.modules():
        forward = _fused_forward(layer) if hasattr(layer, "lora_A") else None
        if forward is not None:
            found.append((layer, forward))
    return found


@contextmanager
def fused_lora(forwards: Sequence[LayerForward]) -> Generator[None]:
    """Computes layers as `lora_forwards` says, and puts PEFT's own way back after.

    The model must be in evaluation mode: dropout has no place here.
    """
    # Not by setattr: a module's own takes a hundred times as long, for every layer and call.
    for layer, forward in forwards:
        vars(layer)["forward"] = forward
    try:
        yield
    finally:
        for layer, _ in forwards:
            del vars(layer)["forward"]


def lora_linear(
    x: torch.Tensor, *, base: torch.nn.Module, a: torch.Tensor, b: torch.Tensor, scaling: float
) -> torch.Tensor:
    """`base(x) + scaling * x A^T B^T` (Hu et al., https://arxiv.org/abs/2106.09685).

    Args:
        x: shape (..., inputs).
        base: the frozen linear layer.
        a: shape (rank, inputs).
        b: shape (outputs, rank).
        scaling: alpha / rank.

    Returns:
        Shape (..., outputs).
    """
    result: torch.Tensor = base(x)
    low = torch.nn.functional.linear(x, a).flatten(0, -2)
    result.view(-1, result.shape[-1]).addmm_(low, b.t(), alpha=scaling)
    return result


def _fused_forward(layer: Any) -> Callable[..., torch.Tensor] | None:
    """How to compute a layer of PEFT's; None where only PEFT knows."""
    names = [name for name in layer.active_adapters if name in layer.lora_A]
    base = layer.base_layer
    if (
        len(names) != 1
        or "forward" in vars(layer)
        or layer.disable_adapters
        or layer.merged
        or layer.lora_variant
        or getattr(layer, "fan_in_fan_out", True)
        or not isinstance(base, torch.nn.Linear)
    ):
        return None
    a, b = layer.lora_A[names[0]], layer.lora_B[names[0]]
    if a.bias is not None or b.bias is not None or a.weight.dtype != base.weight.dtype:
        return None
    return partial(lora_linear, base=base, a=a.weight, b=b.weight, scaling=layer.scaling[names[0]])
