"""Packed, shared, refilled or drafted: the output is what one row alone would give."""

import json

import jsonschema_rs
import pytest
import torch

from inference.conftest import ARCHITECTURES, random_model
from schemalora.contract import Contract
from schemalora.inference import (
    Constraint,
    DecodingOptions,
    Drafter,
    attention,
    batch,
    decode,
    decode_by_generate,
    decoding,
    vocabulary_size,
)

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
    # Passes are told to be dear, so that drafts are as long as can be.
    dear = {"stop_ids": STOP, "max_new_tokens": LENGTH, "pass_tokens": 1e9}
    options = {**dear, **options}
    found = {one.index: one for one in decode(model, prompts, DecodingOptions(**options))}
    assert sorted(found) == list(range(len(prompts)))
    return [found[index] for index in range(len(prompts))]


def with_end(completion):
    return [*completion.tokens, *([2] if completion.finish_reason == "stop" else [])]


@pytest.fixture(params=["copied", "attended to"])
def shared_prefix(request, monkeypatch):
    """The two ways to compute what all prompts begin with once: the prompts' own is short."""
    if request.param == "attended to":
        monkeypatch.setattr(decoding, "_LONGEST_COPIED", 0)
    return request.param


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_equals_token_by_token_greedy_decoding(architecture, prompts, shared_prefix):
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
    drafter = Drafter()
    # Half of the drafts are right, half go astray in the middle.
    for number, row in enumerate(expected):
        drafter.learn(row if number % 2 else [*row[:9], 77, *row[9:]])
    found = decoded(model, prompts, batch_size=3, drafter=drafter)
    assert [with_end(one) for one in found] == expected
    assert sum(one.drafted for one in found) > LENGTH
    plain = decoded(model, prompts, batch_size=3)
    assert sum(one.passes for one in found) < 0.7 * sum(one.passes for one in plain)


SCHEMA = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["refund", "cancel", "tech_support"]},
        "order_id": {"type": ["string", "null"], "maxLength": 12},
        "items": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 99},
            "maxItems": 3,
        },
        "urgent": {"type": "boolean"},
    },
    "required": ["intent", "order_id", "items", "urgent"],
    "additionalProperties": False,
}

CONTRACT = Contract.from_json_schema(SCHEMA)


@pytest.mark.parametrize("architecture", ["llama", "mistral_with_a_window"])
def test_constrained_decoding_equals_masked_generate(architecture, prompts, tokenizer):
    model = random_model(architecture)
    constraint = Constraint(CONTRACT, tokenizer, vocabulary=vocabulary_size(model))
    options = {"stop_ids": STOP, "max_new_tokens": 60, "constraint": constraint}
    expected = list(decode_by_generate(model, prompts, DecodingOptions(**options, batch_size=6)))
    for batch_size, drafter in ((1, None), (4, None), (4, Drafter(tokenizer))):
        if drafter is not None:
            drafter.learn_all(one.tokens for one in expected[::2])
        found = decoded(model, prompts, **options, batch_size=batch_size, drafter=drafter)
        assert [one.tokens for one in found] == [one.tokens for one in expected]
        assert [one.finish_reason for one in found] == [one.finish_reason for one in expected]
    validator = jsonschema_rs.validator_for(SCHEMA)
    for one in found:
        assert one.finish_reason == "stop"
        assert validator.is_valid(json.loads(tokenizer.decode(one.tokens)))
        assert one.forced >= 15


def test_the_prefix_is_computed_once(prompts, llama, shared_prefix, monkeypatch):
    fed = []

    def watched(model, cache, feeds, wanted):
        fed.append(sum(len(feed.tokens) for feed in feeds))
        return attention.forward(model, cache, feeds, wanted)

    monkeypatch.setattr(decoding, "forward", watched)
    monkeypatch.setattr(batch, "forward", watched)
    decoder = decoding.Decoder(llama, DecodingOptions(stop_ids=STOP, max_new_tokens=1))
    decoder.share(prompts)
    prefix = fed.pop()
    assert not fed
    assert prefix > 10
    for _ in range(2):  # the second call finds the cache of the first
        assert len(list(decoder.run(prompts))) == len(prompts)
        assert sum(fed) == sum(len(prompt) - prefix for prompt in prompts)
        fed.clear()


def test_rows_keep_what_they_have_when_memory_runs_out(prompts, llama, shared_prefix, monkeypatch):
    expected = decoded(llama, prompts, batch_size=6)
    passes = []

    def forward_in_little_memory(model, cache, feeds, wanted):
        passes.append(len(feeds))
        if len(feeds) > 2:
            raise torch.OutOfMemoryError("not enough")
        return attention.forward(model, cache, feeds, wanted)

    monkeypatch.setattr(batch, "forward", forward_in_little_memory)
    found = decoded(llama, prompts, batch_size=6)
    assert [one.tokens for one in found] == [one.tokens for one in expected]
    assert max(passes) == 6


def test_what_memory_held_is_remembered(prompts, llama, monkeypatch):
    expected = decoded(llama, prompts, batch_size=6)
    options = DecodingOptions(stop_ids=STOP, max_new_tokens=LENGTH, batch_size=6)
    decoder = decoding.Decoder(llama, options)
    decoder.share(prompts)
    refused = []

    def forward_in_little_memory(model, cache, feeds, wanted):
        if cache.rows > 3:
            refused.append(cache.rows)
            raise torch.OutOfMemoryError("not enough")
        return attention.forward(model, cache, feeds, wanted)

    monkeypatch.setattr(batch, "forward", forward_in_little_memory)
    for _ in range(2):
        found = {one.index: one.tokens for one in decoder.run(prompts)}
        assert [found[index] for index in range(len(prompts))] == [one.tokens for one in expected]
    assert refused == [6]


def test_prompts_that_do_not_share_the_start_are_decoded_without_it(prompts, llama, shared_prefix):
    others = [[*prompt[1:3], 7, *prompt] for prompt in prompts[:3]]
    options = DecodingOptions(stop_ids=STOP, max_new_tokens=LENGTH, batch_size=3)
    decoder = decoding.Decoder(llama, options)
    decoder.share(prompts)
    for asked in (prompts, others, prompts):
        found = {one.index: one.tokens for one in decoder.run(asked)}
        expected = [one.tokens for one in decoded(llama, asked, batch_size=3)]
        assert [found[index] for index in range(len(asked))] == expected


def test_memory_that_nobody_wrote_is_not_read(prompts, llama, monkeypatch):
    """Fresh memory may hold anything; NaN would survive a mask."""
    expected = decoded(llama, prompts, batch_size=3)
    fresh = torch.Tensor.new_empty
    made = []

    def spoilt(self, *size, **kwargs):
        made.append(size)
        return fresh(self, *size, **kwargs).fill_(float("nan"))

    monkeypatch.setattr(torch.Tensor, "new_empty", spoilt)
    found = decoded(llama, prompts, batch_size=3)
    assert made
    assert [one.tokens for one in found] == [one.tokens for one in expected]


def test_the_memory_budget_limits_the_rows(prompts, llama, monkeypatch):
    seen = []

    def watched(model, cache, feeds, wanted):
        seen.append(cache.rows)
        return attention.forward(model, cache, feeds, wanted)

    expected = decoded(llama, prompts, batch_size=6)
    monkeypatch.setattr(batch, "forward", watched)
    per_token = 2 * 3 * 2 * 8 * 4  # keys and values, layers, key heads, head size, float32
    longest = max(len(prompt) for prompt in prompts) + LENGTH
    found = decoded(llama, prompts, batch_size=6, memory_bytes=3 * longest * per_token)
    assert [one.tokens for one in found] == [one.tokens for one in expected]
    assert 1 < max(seen) <= 4


def test_a_long_prompt_goes_in_pieces(prompts, llama):
    expected = decoded(llama, prompts, batch_size=3)
    found = decoded(llama, prompts, batch_size=3, prefill_tokens=11)
    assert [one.tokens for one in found] == [one.tokens for one in expected]


def test_the_model_is_left_as_it_was(prompts, llama):
    llama.train()
    before = llama.config._attn_implementation
    for _ in decode(llama, prompts, DecodingOptions(stop_ids=STOP, max_new_tokens=2)):
        assert llama.training
        assert llama.config._attn_implementation == before
    llama.eval()


def test_logprobs_are_those_of_the_chosen_tokens(prompts, llama):
    found = decoded(llama, prompts, logprobs=True, drafter=Drafter())
    for prompt, one in zip(prompts, found, strict=True):
        with torch.inference_mode():
            logits = llama(torch.tensor([[*prompt, *one.tokens]])).logits[0, len(prompt) - 1 : -1]
        expected = logits.log_softmax(-1)[range(len(one.tokens)), list(one.tokens)]
        assert torch.allclose(torch.tensor(one.logprobs), expected, atol=1e-4)


def test_the_adapter_can_be_switched_off(prompts):
    from peft import LoraConfig, get_peft_model

    model = random_model()
    base = decoded(model, prompts)
    tuned = get_peft_model(model, LoraConfig(r=4, init_lora_weights=False)).eval()
    assert [one.tokens for one in decoded(tuned, prompts, adapter=False)] == [
        one.tokens for one in base
    ]
    expected = reference(tuned, prompts)
    assert [with_end(one) for one in decoded(tuned, prompts)] == expected
    assert expected != [with_end(one) for one in base]


def test_a_completion_that_nothing_can_change_needs_no_pass(prompts, llama, tokenizer):
    constraint = Constraint(
        Contract.from_json_schema({"const": "ok"}), tokenizer, vocabulary=vocabulary_size(llama)
    )
    for one in decoded(llama, prompts, constraint=constraint):
        assert tokenizer.decode(one.tokens) == '"ok"'
        assert one.passes == 0


def test_the_token_limit_is_said(prompts, llama, tokenizer):
    constraint = Constraint(CONTRACT, tokenizer, vocabulary=vocabulary_size(llama))
    for options in ({}, {"constraint": constraint}, {"drafter": Drafter()}):
        for one in decoded(llama, prompts, **{"max_new_tokens": 7, **options}):
            assert one.finish_reason == "length"
            assert len(one.tokens) == 7


def test_a_constrained_completion_is_closed_before_the_limit(prompts, tokenizer):
    schema = {
        "type": "object",
        "properties": {
            "story": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "more": {"type": ["object", "null"]},
            "last": {"type": "number"},
        },
        "required": ["story", "tags", "more", "last"],
        "additionalProperties": False,
    }
    contract = Contract.from_json_schema(schema)
    options = {"max_new_tokens": 80, "closing_tokens": 40}
    cut = 0
    for seed in range(3):
        # Random weights tell stories without an end.
        model = random_model(seed=seed)
        constraint = Constraint(contract, tokenizer, vocabulary=vocabulary_size(model))
        drafter = Drafter(tokenizer)
        plain = decoded(model, prompts, constraint=constraint, **options)
        drafter.learn_all(one.tokens for one in plain)
        drafted = decoded(model, prompts, constraint=constraint, drafter=drafter, **options)
        assert [one.tokens for one in drafted] == [one.tokens for one in plain]
        for one in plain:
            assert contract.parse(tokenizer.decode(one.tokens)).compliant
            assert len(one.tokens) <= 80
            if len(one.tokens) > 40:
                assert one.finish_reason == "length"
                cut += 1
    assert cut
