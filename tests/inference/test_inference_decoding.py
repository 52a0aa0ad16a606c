"""Packed, shared, refilled or drafted: the output is what one row alone would give."""

import pytest
import torch
from inference.conftest import ARCHITECTURES, random_model

from schemalora.inference import DecodingOptions, Drafter, decode

LENGTH = 24
STOP = frozenset({2})


def reference(model, prompts, *, length=LENGTH):
    """Token-by-token greedy decoding by transformers, one prompt at a time."""
    out = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        generated = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=length,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=2,
        )
        out.append(generated[0, len(prompt) :].tolist())
    return out


def decoded(model, prompts, **options):
    options = {"stop_ids": STOP, "max_new_tokens": LENGTH, **options}
    found = {one.index: one for one in decode(model, prompts, DecodingOptions(**options))}
    assert sorted(found) == list(range(len(prompts)))
    return [found[index] for index in range(len(prompts))]


def with_end(completion):
    return [*completion.tokens, *([2] if completion.finish_reason == "stop" else [])]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_equals_token_by_token_greedy_decoding(architecture, prompts):
    model = random_model(architecture)
    expected = reference(model, prompts)
    assert len({tuple(row) for row in expected}) == len(expected)
    for batch_size in (1, 2, 16):
        found = decoded(model, prompts, batch_size=batch_size)
        assert [with_end(one) for one in found] == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_drafts_change_nothing_but_the_number_of_passes(architecture, prompts):
    model = random_model(architecture)
    expected = reference(model, prompts)
    drafter = Drafter(threshold=0.0)
    # Half of the drafts are right, half go astray in the middle.
    for number, row in enumerate(expected):
        drafter.learn(row if number % 2 else [*row[:9], 77, *row[9:]])
    found = decoded(model, prompts, batch_size=3, drafter=drafter)
    assert [with_end(one) for one in found] == expected
    assert sum(one.drafted for one in found) > LENGTH
    plain = decoded(model, prompts, batch_size=3)
    assert sum(one.passes for one in found) < 0.7 * sum(one.passes for one in plain)
