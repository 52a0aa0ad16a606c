"""Trained LoRA layers give the outputs and the gradients of PEFT's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from schemalora.layers import replaced_forwards
from schemalora.lora import lora_forwards


class Net(nn.Module):
    """Two linear layers, one with a bias, over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(24, 40)
        self.two = nn.Linear(40, 16, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(torch.tanh(self.one(x)))


def tuned(dtype: torch.dtype = torch.float32, **changes: Any) -> Any:
    torch.manual_seed(0)
    net = Net().to(dtype)
    settings = {"r": 4, "lora_alpha": 6, "target_modules": ["one", "two"]}
    config = LoraConfig(**{**settings, "init_lora_weights": False, **changes})
    return get_peft_model(net, config).train()  # pyright: ignore[reportArgumentType]


def outputs_and_gradients(net: Any, x: torch.Tensor) -> list[torch.Tensor]:
    trained = [one for one in net.parameters() if one.requires_grad]
    x = x.clone().requires_grad_()
    output = net(x)
    weights = torch.linspace(-1, 1, output.numel()).view(output.shape)
    return [output, *torch.autograd.grad((output.float() * weights).sum(), [x, *trained])]


@pytest.mark.parametrize("shape", [(5, 24), (2, 7, 24)], ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_outputs_and_gradients_are_those_of_peft(
    shape: tuple[int, ...], dtype: torch.dtype, tolerance: float
):
    torch.manual_seed(1)
    x = torch.randn(shape, dtype=dtype)
    net = tuned(dtype)
    expected = outputs_and_gradients(net, x)
    forwards = lora_forwards(net, trained=True)
    assert len(forwards) == 2
    with replaced_forwards(forwards):
        found = outputs_and_gradients(net, x)
    assert len(found) == 1 + 1 + 4
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert (ours - theirs).norm() <= tolerance * theirs.norm()


def test_the_numerical_gradient_agrees():
    torch.manual_seed(2)
    net = tuned().double()
    x = torch.randn(3, 24, dtype=torch.float64, requires_grad=True)
    trained = [one for one in net.parameters() if one.requires_grad]
    with replaced_forwards(lora_forwards(net, trained=True)):
        assert torch.autograd.gradcheck(lambda x, *_: net(x), (x, *trained))


@pytest.mark.parametrize(
    "changes",
    [{"lora_dropout": 0.1}, {"use_dora": True}, {"lora_bias": True}],
    ids=["dropout", "DoRA", "bias"],
)
def test_what_is_more_than_plain_lora_is_left_to_peft(changes: dict[str, Any]):
    assert not lora_forwards(tuned(**changes), trained=True)


def test_a_base_layer_with_a_forward_of_its_own_is_left_to_peft():
    net = tuned()
    base = net.base_model.model.one.base_layer
    base.forward = base.forward  # as hooks that move weights between devices do
    assert len(lora_forwards(net, trained=True)) == 1
    assert len(lora_forwards(net)) == 1


def test_a_base_that_is_trained_is_left_to_peft():
    net = tuned()
    for one in net.parameters():
        one.requires_grad_(True)
    assert not lora_forwards(net, trained=True)


@pytest.mark.parametrize("bias", ["all", "lora_only"])
def test_a_base_bias_that_is_trained_gets_its_gradient(bias: str):
    torch.manual_seed(3)
    x = torch.randn(5, 24)
    net = tuned(bias=bias)
    expected = outputs_and_gradients(net, x)
    with replaced_forwards(lora_forwards(net, trained=True)):
        found = outputs_and_gradients(net, x)
    assert len(found) == 1 + 1 + 4 + 1
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
