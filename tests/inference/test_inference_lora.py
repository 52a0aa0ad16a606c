"""Fused LoRA layers give what PEFT's own give, and everything else is left to PEFT."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from inference.conftest import random_model
from inference.test_inference_decoding import decoded, reference, with_end
from schemalora.inference import Drafter
from schemalora.layers import replaced_forwards
from schemalora.lora import lora_forwards


def tuned_model(dtype=torch.float32, **changes):
    torch.manual_seed(5)
    config = {"r": 4, "lora_alpha": 6, "target_modules": "all-linear", "init_lora_weights": False}
    model = random_model(seed=3).to(dtype)
    return get_peft_model(model, LoraConfig(**{**config, **changes}), autocast_adapter_dtype=False)


def logits_of(model, ids):
    with torch.inference_mode():
        return model(ids).logits.float()


IDS = torch.arange(5, 35).view(2, 15)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.05)])
def test_the_logits_are_those_of_peft(dtype, tolerance):
    model = tuned_model(dtype).eval()
    expected = logits_of(model, IDS)
    layers = [layer for layer in model.modules() if hasattr(layer, "lora_A")]
    with replaced_forwards(lora_forwards(model)):
        assert all("forward" in vars(layer) for layer in layers)
        found = logits_of(model, IDS)
    assert not any("forward" in vars(layer) for layer in layers)
    with model.disable_adapter():
        base = logits_of(model, IDS)
        assert not lora_forwards(model)
    error = (found - expected).norm() / expected.norm()
    assert error < tolerance
    assert (base - expected).norm() / expected.norm() > 10 * tolerance


@pytest.mark.parametrize("changes", [{"use_dora": True}, {"lora_bias": True}])
def test_what_is_more_than_plain_lora_is_left_to_peft(changes):
    assert lora_forwards(tuned_model())
    assert not lora_forwards(tuned_model(**changes))


def test_two_adapters_and_merged_weights_are_left_to_peft():
    model = tuned_model().eval()
    model.add_adapter("other", LoraConfig(r=2, init_lora_weights=False))
    assert lora_forwards(model)
    model.base_model.set_adapter(["default", "other"])
    # The second adapter is on two of the seven linear layers of a block.
    both = {id(layer) for layer in model.modules() if "other" in getattr(layer, "lora_A", ())}
    assert both
    assert not both & {id(layer) for layer, _ in lora_forwards(model)}
    model.base_model.set_adapter("default")
    model.merge_adapter()
    assert not lora_forwards(model)


def test_unmerged_and_merged_are_decoded_as_token_by_token(prompts):
    model = tuned_model().eval()
    for one in (model, tuned_model().eval().merge_and_unload()):
        found = decoded(one, prompts, batch_size=3, drafter=Drafter())
        assert [with_end(row) for row in found] == reference(one, prompts)


def test_in_bfloat16_only_near_ties_are_decided_otherwise(prompts):
    model = tuned_model(torch.bfloat16).eval()
    found = [with_end(one) for one in decoded(model, prompts, batch_size=3, drafter=Drafter())]
    for prompt, ours, theirs in zip(prompts, found, reference(model, prompts), strict=True):
        if ours == theirs:
            continue
        place = next(
            i for i, pair in enumerate(zip(ours, theirs, strict=False)) if len({*pair}) > 1
        )
        logits = logits_of(model, torch.tensor([[*prompt, *ours[:place]]]))[0, -1]
        spread = logits.std()
        assert abs(logits[ours[place]] - logits[theirs[place]]) < 0.1 * spread
