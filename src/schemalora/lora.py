"""LoRA layers in two small products, where PEFT's own layer takes ten operations.

PEFT computes `result + lora_B(lora_A(dropout(x))) * scaling` one operation after the other, in the
adapter's type, and casts between it and the base's. The same is a product with A and one fused
multiply-add with B in the base's type. For a small model on a CPU the difference is a fifth of a
forward pass, and more than that of a training step, where the adapter is kept in float32.
"""

# peft and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from schemalora.layers import LayerForward


def lora_forwards(model: Any, *, trained: bool = False) -> list[LayerForward]:
    """A model's plain LoRA layers, and how to compute each of them faster.

    Layers that are more than plain LoRA (DoRA, several active adapters, biases, layers that are not
    linear) are left out, and so to PEFT; for inference also those of another type than the base,
    in training those with dropout or a base that is trained, too.

    Args:
        model: a causal LM, or a PEFT model around one.
        trained: whether gradients will be asked for.
    """
    found: list[LayerForward] = []
    for layer in model.modules():
        name = _plain_adapter(layer) if hasattr(layer, "lora_A") else None
        if name is None:
            continue
        forward = _trained_forward(layer, name) if trained else _fused_forward(layer, name)
        if forward is not None:
            found.append((layer, forward))
    return found


@dataclass(frozen=True, slots=True)
class LoraLinear:
    """`base(x) + scaling * x A^T B^T` (Hu et al., https://arxiv.org/abs/2106.09685)."""

    base: torch.nn.Linear
    """The frozen linear layer."""
    a: torch.Tensor
    """Shape (rank, inputs)."""
    b: torch.Tensor
    """Shape (outputs, rank)."""
    scaling: float
    """alpha / rank."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs)."""
        flat = x.flatten(0, -2)
        # Not through the module, whose call alone takes as long as A's product.
        result = torch.nn.functional.linear(flat, self.base.weight, self.base.bias)
        result.addmm_(torch.nn.functional.linear(flat, self.a), self.b.t(), alpha=self.scaling)
        return result.view(*x.shape[:-1], -1)


class TrainedLoraLinear(torch.autograd.Function):
    """`LoraLinear` with gradients for x, A and B, all products in the type of the base.

    As under autocast, A and B are rounded to that type for the products and their gradients come
    back in their own.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        """Shapes as in `LoraLinear`; weight (outputs, inputs), bias (outputs,) or None."""
        flat = x.flatten(0, -2)
        a, b = a.to(weight.dtype), b.to(weight.dtype)
        low = flat @ a.t()
        result = torch.nn.functional.linear(flat, weight, bias).addmm_(low, b.t(), alpha=scaling)
        ctx.save_for_backward(flat, low, weight, a, b)
        ctx.scaling = scaling
        return result.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients in the order of the arguments of `forward`."""
        flat, low, weight, a, b = ctx.saved_tensors
        outer = gradients[0].flatten(0, -2)
        inner = (outer @ b).mul_(ctx.scaling)
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = (outer @ weight).addmm_(inner, a).view(*gradients[0].shape[:-1], -1)
        return for_x, None, None, inner.t() @ flat, (outer.t() @ low).mul_(ctx.scaling), None


def _plain_adapter(layer: Any) -> str | None:
    """The one adapter of a layer of PEFT's that is nothing but LoRA; None where there is more."""
    names = [name for name in layer.active_adapters if name in layer.lora_A]
    if (
        len(names) != 1
        or "forward" in vars(layer)
        or layer.disable_adapters
        or layer.merged
        or layer.lora_variant
        or getattr(layer, "fan_in_fan_out", True)
        or type(layer.base_layer) is not torch.nn.Linear
        or "forward" in vars(layer.base_layer)  # as hooks of accelerate leave it
        or not layer.base_layer.weight.is_floating_point()  # quantised
        or layer.lora_A[names[0]].bias is not None
        or layer.lora_B[names[0]].bias is not None
    ):
        return None
    return names[0]


def _fused_forward(layer: Any, name: str) -> LoraLinear | None:
    a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
    if a.dtype != layer.base_layer.weight.dtype:
        return None
    return LoraLinear(layer.base_layer, a, b, layer.scaling[name])


def _trained_forward(layer: Any, name: str) -> Callable[..., torch.Tensor] | None:
    base, a, b = layer.base_layer, layer.lora_A[name], layer.lora_B[name]
    scaling, dropout = layer.scaling[name], layer.lora_dropout[name]
    base_is_trained = any(one.requires_grad for one in base.parameters())
    if base_is_trained or not isinstance(dropout, torch.nn.Identity):
        return None

    def forward(x: torch.Tensor) -> torch.Tensor:
        # Autograd turns the gradients of A and B to their own type.
        output: torch.Tensor = TrainedLoraLinear.apply(
            x.to(base.weight.dtype), base.weight, base.bias, a.weight, b.weight, scaling
        )  # pyright: ignore[reportAssignmentType]  (typed as Any | None)
        return output

    return forward
