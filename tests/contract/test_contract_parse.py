"""Parsing: exact about what is wrong and where, total over every string."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

import zoo
from made_up import VALUES
from schemalora.contract import VIOLATION_KINDS, Contract
from schemalora.contract.jsontext import MAX_DEPTH, MAX_LENGTH, depth
from schemalora.contract.size import MOST_EXPLAINED
from schemalora.jsonvalue import canonical_json

TICKET = Contract.from_model(zoo.Ticket)
BARE = Contract.from_dict(TICKET.to_dict())
GOOD: dict[str, Any] = {
    "intent": "refund",
    "priority": "low",
    "entities": {"order_id": "ORD-12345", "product": None},
    "needs_clarification": True,
    "clarifying_question": "Which one?",
}
TEXT = json.dumps(GOOD)


def changed(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


def found(contract: Contract, text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.path) for one in contract.parse(text).violations]


def without(name: str) -> str:
    return json.dumps({key: value for key, value in GOOD.items() if key != name})


BROKEN = [
    (changed(intent="complain"), [("not_in_enum", "$.intent")]),
    (changed(intent=3), [("wrong_type", "$.intent")]),
    (changed(intent=None), [("null_not_allowed", "$.intent")]),
    (changed(needs_clarification="yes"), [("wrong_type", "$.needs_clarification")]),
    (changed(needs_clarification=1), [("wrong_type", "$.needs_clarification")]),
    (changed(clarifying_question=["a"]), [("wrong_type", "$.clarifying_question")]),
    (changed(entities=None), [("null_not_allowed", "$.entities")]),
    (changed(entities=[]), [("wrong_type", "$.entities")]),
    (changed(entities={"order_id": "A"}), [("missing_key", "$.entities.product")]),
    (
        changed(entities={"order_id": "A", "product": None, "colour": 1}),
        [("extra_key", "$.entities.colour")],
    ),
    (without("priority"), [("missing_key", "$.priority")]),
    (changed(**{"odd key": 1}), [("extra_key", '$["odd key"]')]),
    ("[]", [("wrong_type", "$")]),
    ("null", [("null_not_allowed", "$")]),
    (
        changed(intent="x", priority=None, entities={}),
        [
            ("not_in_enum", "$.intent"),
            ("null_not_allowed", "$.priority"),
            ("missing_key", "$.entities.order_id"),
            ("missing_key", "$.entities.product"),
        ],
    ),
    (TEXT[:-1] + ', "intent": "refund"}', [("duplicate_key", "$.intent")]),
    (TEXT.replace('"product"', '"order_id"'), None),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("contract", [TICKET, BARE], ids=["model", "schema"])
def test_violations_have_kind_path_and_order(
    contract: Contract, text: str, expected: list[tuple[str, str]] | None
) -> None:
    if expected is None:
        expected = [
            ("duplicate_key", "$.entities.order_id"),
            ("missing_key", "$.entities.product"),
        ]
        if contract is TICKET:  # pydantic sees the last of the two values
            assert set(found(contract, text)) == {*expected}
            return
    assert found(contract, text) == expected
    assert contract.parse(text).value is None
    assert contract.parse(text).instance is None
    assert contract.parse(text).valid_json


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        (f"```json\n{TEXT}\n```", "fenced"),
        (f"```\n{TEXT}\n```", "fenced"),
        (f"Here you go:\n```json\n{TEXT}\n```\nBye", "fenced"),
        (f"Sure! {TEXT}", "prose_around"),
        (f"{TEXT}\n\nHope this helps.", "prose_around"),
        (f"{TEXT}{TEXT}", "prose_around"),
        (TEXT[:-1], "truncated"),
        (TEXT[:30], "truncated"),
        ('{"a', "truncated"),
        ('{"a":', "truncated"),
        ('{"a": tr', "truncated"),
        ('{"a": 1.', "truncated"),
        ('{"a": "b\\', "truncated"),
        ('{"a": "b\\u00', "truncated"),
        ("[1, 2", "truncated"),
        ("[", "truncated"),
        (TEXT.replace('"', "'"), "single_quotes"),
        ("{'a': 1}", "single_quotes"),
        ('{"a": 1,}', "trailing_comma"),
        ("[1, 2, ]", "trailing_comma"),
        ("[1, [2,], 3]", "trailing_comma"),
        ("NaN", "other"),
        ('{"a": Infinity}', "other"),
        ("I cannot help with that.", "other"),
        ("{a: 1}", "other"),
        ("01", "prose_around"),
        ("True", "other"),
        ('{"a": "line\nbreak"}', "other"),
        ("\ufeff{}", "prose_around"),
    ],
)
def test_not_json_has_a_cause(text: str, cause: str) -> None:
    outcome = TICKET.parse(text)
    assert [(one.kind, one.path, one.cause) for one in outcome.violations] == [
        ("not_json", "$", cause)
    ]
    assert not outcome.valid_json
    assert outcome.json is None


def test_white_space_around_is_no_matter() -> None:
    assert TICKET.parse(f"\n\t {TEXT}\r\n").compliant
    assert not TICKET.parse(f"\u00a0{TEXT}").compliant


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("[" * 100_000, "too_deep", "$"),
        ("[" * 100_000 + "]" * 100_000, "too_deep", "$"),
        ('{"a":' * 50_000, "too_deep", "$"),
        ("x" * (MAX_LENGTH + 1), "too_large", "$"),
        ("9" * 500_000, "too_large", "$"),
        (f'{{"a": [0, -{"9" * 5000}]}}', "too_large", "$.a[1]"),
        ("1e999", "too_large", "$"),
        ('{"a": 1.0e4000}', "too_large", "$.a"),
        ("1" * 400 + ".5", "too_large", "$"),
    ],
)
@pytest.mark.parametrize("contract", [TICKET, BARE], ids=["model", "schema"])
def test_bounds(contract: Contract, text: str, kind: str, path: str) -> None:
    started = time.process_time()
    outcome = contract.parse(text)
    assert [(one.kind, one.path) for one in outcome.violations] == [(kind, path)]
    assert time.process_time() - started < 5


def test_depth_counts_brackets_outside_strings() -> None:
    assert depth('{"[[[": "\\"[[", "b": [[]]}') == 3
    inside = json.dumps({"a": "[" * 1000})
    assert Contract.from_json_schema({"type": "object"}).parse(inside).compliant
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert Contract.from_json_schema({}).parse(deepest).compliant


@pytest.mark.parametrize("text", [changed(clarifying_question="\ud800"), '"\ud800"', "\udfff"])
def test_lone_surrogates_are_no_text(text: str) -> None:
    for contract in (TICKET, BARE, Contract.from_json_schema({"type": "string"})):
        assert not contract.parse(text).compliant


@settings(max_examples=600, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=80) | st.text('{}[]":,.0123eE-+truefalsn \\"\'`'))
def test_parsing_never_raises(text: str) -> None:
    for contract in (TICKET, BARE):
        outcome = contract.parse(text)
        assert outcome.compliant == (not outcome.violations)
        assert {one.kind for one in outcome.violations} <= set(VIOLATION_KINDS)
        try:
            json.loads(text, parse_constant=pytest.fail)
        except (ValueError, RecursionError, pytest.fail.Exception):
            assert not outcome.valid_json


CONTRACTS = [Contract.from_model(model) for model in zoo.MODELS]
CONTRACTS += [Contract.from_json_schema(schema) for schema in zoo.SCHEMAS.values()]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CONTRACTS), VALUES)
def test_any_json_value_has_an_outcome(contract: Contract, value: Any) -> None:
    outcome = contract.parse(canonical_json(value))
    assert outcome.valid_json
    assert outcome.json == value
    assert outcome == contract.parse(canonical_json(value)) or outcome.instance is not None
    assert outcome.violations == contract.parse(canonical_json(value)).violations


class Dangerous(BaseModel):
    a: str = Field(pattern=r"^(a+)+$")


@pytest.mark.parametrize(
    "contract",
    [
        Contract.from_model(Dangerous),
        Contract.from_json_schema(
            {
                "type": "object",
                "properties": {"a": {"type": "string", "pattern": "^(?=(a+)+$)(a+)+$"}},
                "patternProperties": {"^(b+)+$": {}},
            }
        ),
    ],
    ids=["model", "schema"],
)
def test_no_pattern_hangs(contract: Contract) -> None:
    started = time.process_time()
    assert not contract.parse(json.dumps({"a": "a" * 5000 + "!", "b" * 5000 + "!": 1})).compliant
    assert time.process_time() - started < 5


class Left(BaseModel):
    x: Left | Right | None


class Right(BaseModel):
    x: Left | Right | None
    y: int


@pytest.mark.parametrize("levels", [4, 12, 40, 120])
@pytest.mark.parametrize("bare", [False, True])
def test_recursive_unions_take_bounded_time(levels: int, bare: bool) -> None:
    contract = Contract.from_model(Left)
    contract = Contract.from_dict(contract.to_dict()) if bare else contract
    value: Any = 7
    for level in range(levels):
        value = {"x": value} if level % 2 else {"x": value, "y": 1}
    started = time.process_time()
    outcome = contract.parse(json.dumps(value))
    assert not outcome.compliant
    assert contract.in_order(value)
    assert time.process_time() - started < 10
    if levels == 4:
        assert [(one.kind, one.path) for one in outcome.violations] == [("wrong_type", "$.x.x.x.x")]


class Raising(BaseModel):
    a: int

    @field_validator("a")
    @classmethod
    def _raise(cls, value: int) -> int:
        if value == 1:
            raise ValueError("not one")
        if value == 2:
            raise RuntimeError("broken validator")
        return value


def test_validators_are_reported_as_such() -> None:
    contract = Contract.from_model(Raising)
    assert found(contract, '{"a": 1}') == [("validator", "$.a")]
    assert "not one" in contract.parse('{"a": 1}').violations[0].message
    assert found(contract, '{"a": 2}') == [("validator", "$")]
    assert contract.parse('{"a": 3}').instance == Raising(a=3)


UNION = Contract.from_model(zoo.Owner)
OWNER = {
    "pet": {"kind": "cat", "lives": 3},
    "plain": {"kind": "dog", "tricks": ["sit"]},
    "many": ["a", {"kind": "cat", "lives": 1}],
    "either": None,
    "float_or_int": 1.5,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"pet": {"kind": "cat", "lives": 30}}, ("constraint", "$.pet.lives")),
        ({"pet": {"kind": "cow"}}, ("not_in_enum", "$.pet.kind")),
        ({"pet": {"lives": 3}}, ("missing_key", "$.pet.kind")),
        ({"pet": {"kind": "cat", "lives": 3, "kin": 1}}, ("extra_key", "$.pet.kin")),
        ({"plain": {"kind": "dog", "tricks": [1]}}, ("wrong_type", "$.plain.tricks[0]")),
        ({"plain": {"kind": "cat"}}, ("missing_key", "$.plain.lives")),
        ({"plain": 3}, ("wrong_type", "$.plain")),
        ({"many": ["a", 4]}, ("wrong_type", "$.many[1]")),
        ({"either": []}, ("wrong_type", "$.either")),
        ({"float_or_int": None}, ("null_not_allowed", "$.float_or_int")),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_of_a_union_the_branch_that_is_meant_is_reported(
    change: dict[str, Any], expected: tuple[str, str], bare: bool
) -> None:
    contract = Contract.from_dict(UNION.to_dict()) if bare else UNION
    assert contract.parse(json.dumps(OWNER)).compliant
    assert found(contract, json.dumps({**OWNER, **change})) == [expected]


def test_formats_are_checked_whatever_the_draft() -> None:
    for draft in ("http://json-schema.org/draft-04/schema#", None):
        schema: dict[str, Any] = {"type": "string", "format": "uuid"}
        if draft:
            schema["$schema"] = draft
        contract = Contract.from_json_schema(schema)
        assert found(contract, '"no uuid"') == [("constraint", "$")]
        assert contract.parse('"3f2504e0-4f89-41d3-9a0c-0305e82c3301"').compliant


def test_an_empty_model_and_an_odd_key() -> None:
    contract = Contract.from_model(zoo.Aliased)
    good = {"userName": "a", "in": 1, "reading": 2, "first": "b", "hidden": 3, "odd key $.[0]": "c"}
    assert contract.parse(json.dumps(good)).compliant
    for wrong in ("user_name", "writing", "second"):
        assert ("extra_key", f"$.{wrong}") in found(contract, json.dumps({**good, wrong: 1}))
    del good["odd key $.[0]"]
    assert found(contract, json.dumps(good)) == [("missing_key", '$["odd key $.[0]"]')]


def test_every_name_that_stands_twice_is_told_once_in_order():
    names = [f"k{place // 2}" for place in range(2 * 3_000)] + ["k7", "single"]
    text = "{" + ",".join(f'"{name}":1' for name in names) + "}"
    contract = Contract.from_json_schema({"type": "object"})
    assert found(contract, text) == [("duplicate_key", f"$.k{place}") for place in range(3_000)]


@pytest.mark.parametrize(
    "contract",
    [
        Contract.from_model(list[int | bool]),
        Contract.from_json_schema({"type": "array", "items": {"type": ["integer", "boolean"]}}),
    ],
    ids=["model", "schema"],
)
def test_of_a_huge_invalid_value_the_errors_are_not_collected(contract: Contract):
    few, many = ["x"] * (MOST_EXPLAINED - 1), ["x"] * MOST_EXPLAINED
    assert len(contract.parse(json.dumps(few)).violations) == len(few)
    outcome = contract.parse(json.dumps(many))
    assert [(one.kind, one.path) for one in outcome.violations] == [("constraint", "$")]
    assert "too many to say where" in outcome.violations[0].message
    assert outcome.json == many
    assert contract.parse(json.dumps([1] * (2 * MOST_EXPLAINED))).compliant
