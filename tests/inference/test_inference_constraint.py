"""Whatever the logits, what the grammar lets through satisfies the contract."""

import numpy as np
import pytest
from pydantic import BaseModel

from inference.conftest import VOCABULARY
from schemalora.contract import Contract
from schemalora.errors import SchemaError
from schemalora.formatting import encode_completion
from schemalora.inference import Constraint
from schemalora.inference.choosing import unpack_mask
from schemalora.sampling import sample
from zoo import MODELS, SCHEMAS

# What only Python code decides is beyond any grammar: validators, dates that must lie in the past
# or have a zone, the digits of a Decimal, keys that must spell a number.
PYTHON_DECIDES = {"Temporal", "Typed", "Validated", "Containers"}

REFUSED = {
    "Typed": {("format", "$.v6"), ("contentSchema", "$.embedded"), ("format", "$.base64")},
    "Containers": {("uniqueItems", "$.unique"), ("uniqueItems", "$.frozen")},
    "array": {("uniqueItems", "$")},
    "contains": {("contains", "$")},
    "formats": {("format", "$.regex")},
    "patterns of strings": {("pattern", "$.password")},
    "content": {("contentSchema", "$")},
}


def zoo():
    for model in MODELS:
        contract = Contract.from_model(model)
        yield pytest.param(contract, id=contract.name)
    for name, schema in SCHEMAS.items():
        yield pytest.param(Contract.from_json_schema(schema, name=name), id=name)


CONTRACTS = list(zoo())
ENFORCED = [param for param in CONTRACTS if param.id not in REFUSED]


def compiled(contract, tokenizer, **options):
    return Constraint(contract, tokenizer, vocabulary=VOCABULARY, **options)


def random_walk(constraint, rng, closers, *, limit=150):
    """A completion of random logits that now and then likes to close what is open.

    Beyond the limit it is closed as decoding closes it; 100 tokens more must be enough.
    """
    state, tokens = constraint.start(), []
    order = constraint.closing_order().numpy()
    mask = np.zeros((1, constraint.mask_words), dtype=np.int32)
    while not state.ended:
        assert len(tokens) < limit + 150
        forced = state.forced()
        if not forced:
            state.fill_mask(mask[0])
            allowed = unpack_mask(mask, VOCABULARY)[0]
            assert allowed.any()
            closing = closers[allowed[closers]]
            likely = closing if len(closing) and rng.random() < 0.4 else np.flatnonzero(allowed)
            forced = [int(likely[rng.integers(len(likely))])]
            if len(tokens) > limit:
                forced = [int(np.where(allowed, order, -np.inf).argmax())]
        for token in forced:
            if token == 2:
                return tokens
            assert state.accept(token)
            tokens.append(token)
    assert not state.failed
    return tokens


@pytest.fixture(scope="module")
def closers(tokenizer):
    texts = ('"', "]", "}", '"}', '"]', ",", '",', '","', "}}", "]}", "null", "0", ":", '":')
    return np.array([tokenizer.convert_tokens_to_ids(text) for text in texts])


def check_random_logits(contract, tokenizer, closers, *, rows, seed):
    constraint = compiled(contract, tokenizer)
    rng = np.random.default_rng(seed)
    for _ in range(rows):
        completion = tokenizer.decode(random_walk(constraint, rng, closers))
        outcome = contract.parse(completion)
        assert outcome.valid_json, completion
        if contract.name not in PYTHON_DECIDES:
            assert outcome.compliant, completion


@pytest.mark.parametrize("contract", ENFORCED)
def test_random_logits_give_compliant_completions(contract, tokenizer, closers):
    check_random_logits(contract, tokenizer, closers, rows=5, seed=7)


@pytest.mark.parametrize("contract", ENFORCED)
def test_what_closes_most_comes_to_a_short_and_valid_end(contract, tokenizer):
    """A number has no end of its own, so what follows it must come before another digit."""
    constraint = compiled(contract, tokenizer)
    order, state, tokens = constraint.closing_order().numpy(), constraint.start(), []
    mask = np.zeros((1, constraint.mask_words), dtype=np.int32)
    while not state.ended:
        state.fill_mask(mask[0])
        allowed = unpack_mask(mask, VOCABULARY)[0]
        token = int(np.where(allowed, order, -np.inf).argmax())
        if token == 2:
            break
        assert state.accept(token)
        tokens.append(token)
        assert len(tokens) < 400, tokenizer.decode(tokens)
    outcome = contract.parse(tokenizer.decode(tokens))
    assert outcome.valid_json
    if contract.name not in PYTHON_DECIDES:
        assert outcome.compliant
    shortest = min(
        len(encode_completion(tokenizer, contract.encode(target)))
        for target in sample(contract, 20, 3)
    )
    assert len(tokens) < 3 * shortest + 20


@pytest.mark.slow
@pytest.mark.parametrize("contract", ENFORCED)
def test_ten_thousand_rows_of_random_logits(contract, tokenizer, closers):
    check_random_logits(contract, tokenizer, closers, rows=10_000 // len(ENFORCED) + 1, seed=11)


@pytest.mark.parametrize("contract", ENFORCED)
def test_right_answers_are_never_forbidden_and_tokens_are_those_of_training(contract, tokenizer):
    if contract.name in PYTHON_DECIDES:
        pytest.skip("the sampler and the grammar see less than Python does")
    constraint = compiled(contract, tokenizer)
    for target in sample(contract, 4, 3):
        *tokens, _ = encode_completion(tokenizer, contract.encode(target))
        state, place = constraint.start(), 0
        while place < len(tokens):
            forced = state.forced()
            assert forced == tokens[place : place + len(forced)]
            for token in forced or [tokens[place]]:
                assert state.accept(token), contract.encode(target)
                place += 1


@pytest.mark.parametrize("contract", [param for param in CONTRACTS if param.id in REFUSED])
def test_what_cannot_be_enforced_is_refused_or_reported(contract, tokenizer):
    with pytest.raises(SchemaError, match=r"cannot enforce '\w+'.* @ \$"):
        compiled(contract, tokenizer)
    gaps = compiled(contract, tokenizer, best_effort=True).gaps
    assert {(gap.keyword, gap.path) for gap in gaps} == REFUSED[contract.name]


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        (
            {"properties": {"a": {"const": 1}}, "minProperties": 1, "additionalProperties": True},
            "minProperties",
        ),
        ({"propertyNames": {"maxLength": 3}, "additionalProperties": True}, "propertyNames"),
        (
            {
                "patternProperties": {"^a": {"const": 1}, "b$": {"const": 1}},
                "additionalProperties": False,
            },
            "patternProperties",
        ),
    ],
)
def test_what_keys_demand_beyond_the_grammar_is_a_gap(schema, keyword, tokenizer):
    contract = Contract.from_json_schema({"type": "object", **schema})
    with pytest.raises(SchemaError, match=rf"cannot enforce '{keyword}'.* @ \$"):
        compiled(contract, tokenizer)
    constraint = compiled(contract, tokenizer, best_effort=True)
    assert [str(gap) for gap in constraint.gaps] == [f"{keyword} @ $"]
    assert constraint.start().accept(*tokenizer.encode('{"a":1}', add_special_tokens=False))


def test_no_white_space_and_the_order_of_the_contract(tokenizer):
    class Pair(BaseModel):
        zeta: bool
        alpha: bool

    state = compiled(Contract.from_model(Pair), tokenizer).start()
    assert tokenizer.decode(state.forced()).startswith('{"z')
    for text in ('{ "zeta"', '{"alpha"'):
        tokens = tokenizer.encode(text, add_special_tokens=False)
        taken = sum(state.accept(token) for token in tokens[:2])
        state.rollback(taken)
        assert taken < 2


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "format": "date"}, '"2024-02-29"', '"2023-02-29"'),
        ({"type": "string", "format": "date-time"}, '"2024-02-29T00:00:00Z"', '"2024-02-29T00:00"'),
        ({"type": "number"}, "-12.5", "1e999"),
        ({"type": "array", "items": {"type": "null"}, "maxItems": 1}, "[null]", "[null,null]"),
        ({"type": "integer", "not": {"const": 3}, "minimum": 0, "maximum": 9}, "4", "3"),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "null"}, "b": {"type": "null"}},
                "dependentRequired": {"a": ["b"]},
                "additionalProperties": False,
            },
            '{"a":null,"b":null}',
            '{"a":null}',
        ),
        (
            {"patternProperties": {"^_": False}, "additionalProperties": {"type": "null"}},
            '{"a":null}',
            '{"_a":null}',
        ),
        (
            {"properties": {"a": False}, "additionalProperties": {"type": "null"}},
            '{"b":null}',
            '{"a":null}',
        ),
        (
            {
                "propertyNames": {"enum": ["x", "xy"]},
                "patternProperties": {"^x$": {"const": 1}},
                "additionalProperties": {"const": 2},
            },
            '{"xy":2,"x":1}',
            '{"x":2}',
        ),
    ],
)
def test_what_the_engine_alone_would_let_pass(schema, good, bad, tokenizer):
    contract = Contract.from_json_schema({"type": "object", **schema})
    assert contract.parse(good).compliant
    assert not contract.parse(bad).compliant
    constraint = compiled(contract, tokenizer)
    for text, wanted in ((good, True), (bad, False)):
        state = constraint.start()
        tokens = tokenizer.encode(text, add_special_tokens=False)
        mask = np.zeros((1, constraint.mask_words), dtype=np.int32)
        ok = all(state.accept(token) for token in tokens)
        if ok and not state.ended:
            state.fill_mask(mask[0])
            ok = bool(unpack_mask(mask, VOCABULARY)[0, 2])
        assert ok == wanted
