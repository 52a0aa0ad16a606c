"""Linear layers over blocked copies of their weights give the same bits."""

import pytest
import torch
from torch import nn

from inference.conftest import random_model
from inference.test_inference_lora import IDS, logits_of, tuned_model
from schemalora.inference import DecodingOptions, Drafter
from schemalora.inference.blocked import BlockedLinear, BlockedLora, blocked_forwards
from schemalora.inference.decoding import Decoder
from schemalora.layers import replaced_forwards
from schemalora.lora import LoraLinear, lora_forwards

pytestmark = pytest.mark.skipif(
    not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    reason="torch's oneDNN computes no bfloat16 here",
)

PLENTY = 2**40


def linears_of(model):
    named = [one for one in model.named_modules() if type(one[1]) is nn.Linear]
    return {layer for name, layer in named if ".lora_" not in name}


def test_the_logits_of_an_adapter_are_the_same_bits():
    model = tuned_model(torch.bfloat16).eval()
    lora = lora_forwards(model)
    with replaced_forwards(lora):
        expected = logits_of(model, IDS)
    blocked = blocked_forwards(model, lora, most_bytes=PLENTY)
    assert [layer for layer, _ in blocked[: len(lora)]] == [layer for layer, _ in lora]
    assert all(isinstance(forward, BlockedLora) for _, forward in blocked[: len(lora)])
    with replaced_forwards(blocked):
        assert torch.equal(logits_of(model, IDS), expected)
    assert not any("forward" in vars(layer) for layer in model.modules())


@pytest.mark.parametrize("adapter", [False, True], ids=["base model", "adapter switched off"])
def test_the_logits_of_a_base_model_are_the_same_bits(adapter):
    base = random_model(seed=3).to(torch.bfloat16).eval()
    expected = logits_of(base, IDS)
    model = tuned_model(torch.bfloat16).eval() if adapter else base
    if adapter:
        model.disable_adapter_layers()
    blocked = blocked_forwards(model, lora_forwards(model), most_bytes=PLENTY)
    assert {layer for layer, _ in blocked} == linears_of(model)
    with replaced_forwards(blocked):
        assert torch.equal(logits_of(model, IDS), expected)


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_a_bias_and_a_scale_are_kept(rows):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.only = nn.Linear(48, 80, bias=True)

        def forward(self, x):
            return self.only(x)

    from peft import LoraConfig, get_peft_model

    torch.manual_seed(4)
    config = LoraConfig(r=3, lora_alpha=7, target_modules=["only"], init_lora_weights=False)
    model = get_peft_model(Net().to(torch.bfloat16), config, autocast_adapter_dtype=False).eval()
    x = torch.randn(2, rows, 48, dtype=torch.bfloat16)
    lora = lora_forwards(model)
    with torch.inference_mode():
        theirs = model(x)
        with replaced_forwards(lora):
            fused = model(x)
        with replaced_forwards(blocked_forwards(model, lora, most_bytes=PLENTY)):
            found = model(x)
    assert torch.equal(found, fused)
    assert (found - theirs).norm() / theirs.norm() < 0.02


def test_float32_is_left_alone():
    model = tuned_model().eval()
    lora = lora_forwards(model)
    assert blocked_forwards(model, lora, most_bytes=PLENTY) == lora
    assert blocked_forwards(random_model(seed=3), [], most_bytes=PLENTY) == []


def test_the_copies_keep_within_their_memory():
    model = tuned_model(torch.bfloat16).eval()
    lora = lora_forwards(model)
    assert blocked_forwards(model, lora, most_bytes=0) == lora
    head = model.get_output_embeddings()
    room = sum(layer.weight.nbytes for layer in linears_of(model) - {head})
    room += sum(forward.a.nbytes for _, forward in lora)
    assert head.weight.nbytes > room
    blocked = blocked_forwards(model, lora, most_bytes=room)
    assert all(isinstance(forward, BlockedLora) for _, forward in blocked)
    assert {layer for layer, _ in blocked} == {layer for layer, _ in lora}
    some = blocked_forwards(model, lora, most_bytes=room // 2)
    assert {layer for layer, _ in some} == {layer for layer, _ in lora}
    assert {type(forward) for _, forward in some} == {BlockedLora, LoraLinear}


def test_a_layer_with_a_forward_of_its_own_keeps_it():
    model = random_model(seed=3).to(torch.bfloat16)
    layer = next(iter(linears_of(model)))
    layer.forward = lambda x: nn.Linear.forward(layer, x)
    found = {one for one, _ in blocked_forwards(model, [], most_bytes=PLENTY)}
    assert found == linears_of(model) - {layer}


def test_weights_that_peft_may_change_are_not_copied():
    model = tuned_model(torch.bfloat16).eval()
    outside = linears_of(model) - {
        layer.base_layer for layer in model.modules() if hasattr(layer, "base_layer")
    }
    model.merge_adapter()
    assert not lora_forwards(model)
    assert {one for one, _ in blocked_forwards(model, [], most_bytes=PLENTY)} == outside


def test_base_layers_that_training_computes_itself_are_not_copied():
    model = tuned_model(torch.bfloat16)
    outside = linears_of(model) - {
        layer.base_layer for layer in model.modules() if hasattr(layer, "base_layer")
    }
    with replaced_forwards(lora_forwards(model, trained=True)):
        assert not lora_forwards(model)
        assert {one for one, _ in blocked_forwards(model, [], most_bytes=PLENTY)} == outside


def test_an_outer_replacement_is_put_back():
    model = random_model(seed=3).to(torch.bfloat16)
    layer = next(iter(linears_of(model)))
    outer = BlockedLinear(layer.weight, None)
    with replaced_forwards([(layer, outer)]):
        with replaced_forwards(blocked := [(layer, BlockedLinear(layer.weight, None))]):
            assert layer.forward is blocked[0][1]
        assert layer.forward is outer
    assert "forward" not in vars(layer)


@pytest.mark.parametrize("adapter", [True, False], ids=["adapter", "switched off"])
def test_rows_are_decoded_the_same_with_and_without(prompts, adapter):
    model = tuned_model(torch.bfloat16).eval()
    found = []
    for faster in (True, False):
        options = DecodingOptions(
            stop_ids=frozenset({2}),
            max_new_tokens=24,
            batch_size=3,
            drafter=Drafter(),
            adapter=adapter,
        )
        decoder = Decoder(model, options, faster_weights=faster)
        kinds = {type(forward) for _, forward in decoder._layers}
        assert bool(kinds & {BlockedLora, BlockedLinear}) == faster
        decoder.share(prompts)
        rows = {one.index: one.tokens for one in decoder.run(prompts)}
        found.append([rows[index] for index in range(len(prompts))])
    assert found[0] == found[1]
    assert any(found[0])
