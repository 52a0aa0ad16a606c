"""Under the constraint no object has a key twice, and no completion is led to where it must."""

import json

import numpy as np
import pytest

from inference.conftest import VOCABULARY
from schemalora.contract import Contract
from schemalora.inference import Constraint, DecodingOptions, Drafter, decode, decode_by_generate
from schemalora.inference.choosing import unpack_mask
from schemalora.inference.free_keys import Place

FLAG = {"type": "boolean"}
ANY = {"type": "object", "additionalProperties": FLAG, "minProperties": 3}
NAMED = {
    "type": "object",
    "properties": {"a": {"type": "null"}},
    "required": ["a"],
    "additionalProperties": {"anyOf": [FLAG, {"type": "object", "additionalProperties": FLAG}]},
}
PATTERN = {
    "type": "object",
    "patternProperties": {"^[ab]{1,2}$": FLAG},
    "additionalProperties": False,
}
ENUM = {
    "type": "object",
    "propertyNames": {"enum": ["red", "reddish", "green"]},
    "additionalProperties": FLAG,
    "minProperties": 3,
}
QUOTED = {
    "type": "object",
    "patternProperties": {'^["\\\\\n]$': FLAG},
    "additionalProperties": False,
}


def constraint_of(schema, tokenizer):
    return Constraint(Contract.from_json_schema(schema), tokenizer, vocabulary=VOCABULARY)


def mask_after(constraint, tokenizer, text):
    """The state behind a text that is allowed, and which tokens may follow."""
    state = constraint.start()
    assert state.accept(*tokenizer.encode(text, add_special_tokens=False)), text
    mask = np.zeros((1, constraint.mask_words), dtype=np.int32)
    state.fill_mask(mask[0])
    return state, unpack_mask(mask, VOCABULARY)[0]


def allows(constraint, tokenizer, text, *then):
    """Which of some tokens may follow a text, by the mask and by the state alike."""
    state, mask = mask_after(constraint, tokenizer, text)
    allowed = []
    for token in tokenizer.convert_tokens_to_ids(list(then)):
        taken = state.accept(token)
        state.rollback(taken)
        # The mask also sees that nothing else is left; the state takes one token after the other.
        assert taken or not mask[token]
        allowed.append(bool(mask[token]))
    return allowed


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('{"a":1,"a"', True),
        ('{"a":1,"a', False),
        ('{"a":1,"aa":2}', False),
        ('{"a":{"a":{"b":1}},"b":2}', False),
        ('{"a":{"a":1,"b":1,"a"', True),
        ('[{"a":1},{"a":1}]', False),
        ('{"a":["a","a"],"b":"a"}', False),
        ('{"a":["{","a"],"a"', True),
        ('{"a":"\\"a\\",","a"', True),
        (r'{"a\"":1,"a\\":2}', False),
        (r'{"a\"":1,"a\"":2}', True),
        (r'{"\u0061', True),
        (r'{"\u000a', True),
        (r'{"\n":1,"\u001f":2,"\\":3}', False),
        (r'{"é":1,"é"', True),
        (r'{"a":"\u0061"}', False),
    ],
)
def test_a_key_that_comes_twice_is_seen_however_the_text_is_cut(text, refused):
    raw = text.encode()
    for size in (1, 2, 3, 5, 100):
        place = Place()
        for start in range(0, len(raw), size):
            place = place.after(raw[start : start + size])
        assert place.refused == refused


@pytest.mark.parametrize(
    ("schema", "text", "then", "allowed"),
    [
        (ANY, '{"no', ('":', '"', "w"), [True, True, True]),
        (ANY, '{"no":true,"no', ('":', '"', "w"), [False, False, True]),
        (ANY, '{"no":true,"n', ("o", "ow"), [True, True]),
        (NAMED, '{"a":null,"', ("a", "b"), [True, True]),
        (NAMED, '{"a":null,"b":true,"b', ('":', "c"), [False, True]),
        (NAMED, '{"a":null,"b":{"b', ('":',), [True]),
        (NAMED, '{"a":null,"b":{"b":true,"b', ('":',), [False]),
        (NAMED, '{"a":null,"b":{"b":true},"b', ('":',), [False]),
        (NAMED, '{"a":null,"\\', ("u", "n"), [True, True]),
        (PATTERN, '{"a":true', (",", "},", "}"), [True, False, True]),
        (PATTERN, '{"aa":true,"ab":true,"a', ('":', "a", "b"), [True, False, False]),
        (PATTERN, '{"aa":true,"ab":true,"a":true,"', ("a", "b"), [False, True]),
        (PATTERN, '{"aa":true,"ab":true,"a":true', (',"', "}"), [True, True]),
        (ENUM, '{"red":true,"red', ('":', "d"), [False, True]),
        (ENUM, '{"red":true,"reddish":true,"', ("re", "red", "g"), [False, False, True]),
        (ENUM, '{"red":true,"green":true,"reddish":true', (",", ',"', "}"), [False, False, True]),
        (QUOTED, '{"\\"":true,"\\', ('"', "\\", "n", "u"), [False, True, True, False]),
        (QUOTED, '{"\\"":true,"\\\\":true,"\\n":true', (",", "}"), [False, True]),
    ],
)
def test_what_may_follow(schema, text, then, allowed, tokenizer):
    assert allows(constraint_of(schema, tokenizer), tokenizer, text, *then) == allowed


def test_what_leads_to_no_key_is_never_forced(tokenizer):
    only = {**PATTERN, "patternProperties": {"^only$": FLAG}}
    constraint = constraint_of(only, tokenizer)
    state, mask = mask_after(constraint, tokenizer, '{"only":true')
    assert [tokenizer.decode(token) for token in np.flatnonzero(mask)] == ["}"]
    assert state.forced() == []


@pytest.mark.parametrize("schema", [ANY, NAMED, PATTERN, ENUM, QUOTED])
def test_random_logits_reach_every_key_and_none_twice(schema, tokenizer):
    contract = Contract.from_json_schema(schema)
    constraint = constraint_of(schema, tokenizer)
    favoured = tokenizer.convert_tokens_to_ids(
        ['"', '":', ",", ',"', "a", "b", "true", "}", "\\", "n", "red", "d", "green"]
    )
    order = constraint.closing_order().numpy()
    rng = np.random.default_rng(3)
    mask = np.zeros((1, constraint.mask_words), dtype=np.int32)
    most = 0
    for _ in range(6):
        state, tokens = constraint.start(), []
        while not state.ended:
            assert len(tokens) < 100
            step = state.forced()
            if not step:
                state.fill_mask(mask[0])
                allowed = unpack_mask(mask, VOCABULARY)[0]
                assert allowed.any()
                likely = [token for token in favoured if allowed[token]]
                step = [int(rng.choice(likely or np.flatnonzero(allowed)))]
                if len(tokens) > 50:
                    step = [int(np.where(allowed, order, -np.inf).argmax())]
            for token in step:
                assert state.accept(token)
                tokens.append(token)
        text = tokenizer.decode(tokens)
        assert contract.parse(text).compliant, text
        most = max(most, len(json.loads(text)))
    assert most >= 3


@pytest.mark.parametrize("schema", [ANY, PATTERN, ENUM])
def test_drafts_and_batches_change_nothing(schema, prompts, llama, tokenizer):
    constraint = constraint_of(schema, tokenizer)
    options = {"stop_ids": frozenset({2}), "max_new_tokens": 40, "constraint": constraint}
    plain = list(decode_by_generate(llama, prompts, DecodingOptions(**options, batch_size=6)))
    drafter = Drafter(tokenizer)
    drafter.learn_all(one.tokens for one in plain)
    # A draft that would write a key twice.
    twice = '{"aa":true,"aa":true,"aa":true,"red":true,"red":true}'
    drafter.learn(tokenizer.encode(twice, add_special_tokens=False))
    drafted = DecodingOptions(**options, batch_size=4, drafter=drafter, pass_tokens=1e9)
    found = {one.index: one for one in decode(llama, prompts, drafted)}
    assert [found[index].tokens for index in range(len(prompts))] == [one.tokens for one in plain]


def test_a_contract_without_free_keys_follows_no_text(tokenizer):
    closed = {"type": "object", "properties": {"a": FLAG}, "additionalProperties": False}
    assert constraint_of(closed, tokenizer).free_keys is None
    assert constraint_of(ANY, tokenizer).free_keys == "any"
    assert constraint_of(ENUM, tokenizer).free_keys == "limited"


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("^x-[a-z]+$", "any"),
        ("^n", "any"),
        (r"^\d\d*$", "any"),
        (r"^\+$", "limited"),
        ("^[a-c]{2}$", "limited"),
        ("^(?:ab|c+)$", "limited"),
        ("^a|b$", "limited"),
    ],
)
def test_keys_that_cannot_run_out_are_known(pattern, kind, tokenizer):
    schema = {**PATTERN, "patternProperties": {pattern: FLAG}}
    assert constraint_of(schema, tokenizer).free_keys == kind


def test_more_keys_than_there_are_end_in_an_error(prompts, llama, tokenizer):
    short = {**PATTERN, "patternProperties": {"^a$": {"const": 1}}, "minProperties": 2}
    options = DecodingOptions(
        stop_ids=frozenset({2}), max_new_tokens=40, constraint=constraint_of(short, tokenizer)
    )
    for one in decode(llama, prompts[:2], options):
        assert one.finish_reason == "error"
