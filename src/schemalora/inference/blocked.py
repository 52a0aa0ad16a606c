"""Linear layers over copies of their weights in oneDNN's blocked layout, for CPUs.

torch keeps a weight row by row, and every product brings it into the blocks that the processor's
kernel reads. A copy that lies in blocks already gives the same sums, bit by bit, in less time: the
fewer the tokens, the more. As the copy is written anyway, LoRA's A is put below the base's weight
and comes with its product. The price is memory: each weight is there twice.
"""

# torch is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch

from schemalora.layers import LayerForward
from schemalora.lora import LoraLinear


def blocked_forwards(
    model: Any, lora: Sequence[LayerForward], *, most_bytes: int
) -> list[LayerForward]:
    """A model's linear layers, and how to compute each of them over a blocked copy.

    Layers that are more than linear, lie elsewhere than on a CPU, or are not in bfloat16 are left
    out, as are all where torch has no oneDNN. The copies follow no change of the weights; so the
    layers that PEFT may change by itself, where an adapter is merged, are left out too.

    Args:
        model: a causal LM.
        lora: what `lora_forwards` found; those that are not blocked come back as they are.
        most_bytes: what the copies may take, give or take their padding; a layer that does not fit
            into what is left of it is left out.
    """
    found = list(lora)
    if not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        return found
    for place, (layer, forward) in enumerate(lora):
        if isinstance(forward, LoraLinear) and _suits(forward.base):
            size = forward.base.weight.nbytes + forward.a.nbytes
            if size <= most_bytes:
                most_bytes -= size
                found[place] = layer, BlockedLora.of(forward)
    covered = _not_called({layer for layer, _ in lora}, model)
    for name, layer in model.named_modules():
        if type(layer) is not torch.nn.Linear or layer in covered or ".lora_" in name:
            continue
        if _suits(layer) and layer.weight.nbytes <= most_bytes:
            most_bytes -= layer.weight.nbytes
            found.append((layer, BlockedLinear(_in_blocks(layer.weight), layer.bias)))
    return found


def _not_called(lora: set[torch.nn.Module], model: Any) -> set[torch.nn.Module]:
    """Base layers that are not called, as something else computes them, or that may change."""
    return {
        layer.base_layer
        for layer in model.modules()
        if hasattr(layer, "base_layer")
        and (layer in lora or "forward" in vars(layer) or getattr(layer, "merged", False))
    }


@dataclass(frozen=True, slots=True)
class BlockedLinear:
    """`x W^T + bias`."""

    weight: torch.Tensor
    """Shape (outputs, inputs), in blocks."""
    bias: torch.Tensor | None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs)."""
        return _linear()(x, self.weight, self.bias, "none", [], "")


@dataclass(frozen=True, slots=True)
class BlockedLora:
    """`LoraLinear` in two products: one with the base's weight and A, one with B."""

    both: BlockedLinear
    """Weight and A, shape (outputs + rank, inputs)."""
    outputs: int
    b: torch.Tensor
    """B transposed, shape (rank, outputs)."""
    scaling: float

    @classmethod
    def of(cls, lora: LoraLinear) -> BlockedLora:
        """Copies a layer's weights."""
        bias = cast("torch.Tensor | None", lora.base.bias)
        if bias is not None:
            bias = torch.cat([bias, bias.new_zeros(len(lora.a))]).detach()
        weight = torch.cat([lora.base.weight, lora.a])
        both = BlockedLinear(_in_blocks(weight), bias)
        return cls(both, len(lora.b), lora.b.detach().t(), lora.scaling)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs)."""
        wide = self.both(x.flatten(0, -2))
        result, low = wide[:, : self.outputs], wide[:, self.outputs :]
        result.addmm_(low, self.b, alpha=self.scaling)
        return result.view(*x.shape[:-1], -1)


def _suits(layer: torch.nn.Linear) -> bool:
    weight = layer.weight
    # A forward of its own is one that hooks of accelerate left there; weights of other classes are
    # quantised.
    plain = type(weight) is torch.nn.Parameter and "forward" not in vars(layer)
    return plain and weight.dtype == torch.bfloat16 and weight.device.type == "cpu"


# How many rows of x the blocks are chosen for. Blocks for 1 and for 256 rows were equally fast at
# all sizes from 1 to 317.
_ROWS = 256


def _in_blocks(weight: torch.Tensor) -> torch.Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _ROWS)


@cache
def _linear() -> Any:
    # Found once: looking the operation up takes as long as a small product.
    return torch.ops.mkldnn._linear_pointwise.default
