"""Rare corners of pydantic models: hidden fields, lost branches, validators above everything."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import field
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, WrapValidator, create_model
from pydantic.dataclasses import dataclass
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from schemalora.contract import Contract
from schemalora.errors import SchemaError, UsageError
from schemalora.sampling import sample


@dataclass
class WithInit:
    given: int
    computed: int = field(default=7, init=False)


class Hidden(BaseModel):
    shown: int
    hidden: SkipJsonSchema[int] = 3
    half: int | SkipJsonSchema[None] = None


class HiddenAndRequired(BaseModel):
    hidden: SkipJsonSchema[int]


class LostBranch(BaseModel):
    either: Callable[[], int] | int
    neither: list[Callable[[], int] | type[int]] | None = None


class Node(BaseModel):
    day: dt.date
    amounts: tuple[Decimal, ...]
    by_number: dict[int, str]
    children: Annotated[list[Node], BeforeValidator(lambda value: value)]


class Wrapped(BaseModel):
    days: Annotated[set[dt.date], WrapValidator(lambda value, check: check(value))]


class Timed(TypedDict):
    at: dt.datetime


def goes_round(model: Any, text: str) -> Any:
    contract = Contract.from_model(model)
    outcome = contract.parse(text)
    assert outcome.violations == ()
    assert json.loads(contract.encode(outcome.instance)) == json.loads(text)
    for target in sample(contract, 8, seed=0):
        assert contract.parse(contract.encode(target)).compliant
    return contract


def test_what_a_class_sets_by_itself_is_not_on_the_wire() -> None:
    contract = goes_round(WithInit, '{"given":1}')
    assert [one.kind for one in contract.parse('{"given":1,"computed":7}').violations]


def test_hidden_fields_stay_out() -> None:
    contract = goes_round(Hidden, '{"shown":1,"half":2}')
    assert list(contract.fields) == ["$.shown", "$.half"]
    with pytest.raises(SchemaError, match="hidden") as caught:
        Contract.from_model(HiddenAndRequired)
    assert caught.value.path == "$.hidden"


def test_a_union_keeps_the_branches_that_json_can_reach() -> None:
    with pytest.raises(SchemaError) as caught:
        Contract.from_model(LostBranch)
    assert caught.value.path == "$.neither[*]"
    made = create_model("Kept", either=(Callable[[], int] | int, ...))
    assert Contract.from_model(made).parse('{"either":1}').compliant


def test_below_before_validators_in_recursive_models() -> None:
    leaf = {"day": "2024-01-01", "amounts": ["1.5"], "by_number": {"1": "a"}, "children": []}
    contract = goes_round(Node, json.dumps({**leaf, "children": [leaf]}))
    for wrong in ({"day": 5}, {"amounts": "x"}, {"by_number": {"x": "a"}}, {"extra": 1}):
        text = json.dumps({**leaf, "children": [{**leaf, **wrong}]})
        violations = contract.parse(text).violations
        assert len(violations) == 1
        assert violations[0].path.startswith("$.children[0].")


def test_below_wrap_validators() -> None:
    goes_round(Wrapped, '{"days":["2024-01-01","2024-02-29"]}')


def test_instances_that_are_dicts_are_written_by_the_model() -> None:
    contract = Contract.from_model(Timed)
    assert contract.encode({"at": dt.datetime(2024, 1, 1)}) == '{"at":"2024-01-01T00:00:00"}'
    assert Contract.from_model(list[dt.date]).encode([dt.date(2024, 1, 2)]) == '["2024-01-02"]'
    with pytest.raises(UsageError, match="cannot encode"):
        contract.encode({"at": object()})


def test_keys_with_an_order_of_their_own() -> None:
    contract = Contract.from_json_schema({"type": "object", "properties": {"a": {}, "b": {}}})
    assert contract.encode({"z": {"y": 1.0, "x": [2.0]}, "b": 1, "a": 2}) == (
        '{"a":2,"b":1,"z":{"y":1,"x":[2]}}'
    )
    assert not contract.in_order([{"a": 1}]) or contract.in_order([1])


def test_parsing_with_a_nearly_full_stack() -> None:
    contract = Contract.from_json_schema(
        {
            "$ref": "#/$defs/a",
            "$defs": {
                "a": {
                    "type": "array",
                    "items": {
                        "anyOf": [
                            {"$ref": "#/$defs/a"},
                            {"type": "object", "additionalProperties": {"$ref": "#/$defs/a"}},
                        ]
                    },
                }
            },
        }
    )
    text = "[" * 60 + "]" * 60

    def dive(levels: int) -> Any:
        return dive(levels - 1) if levels else contract.parse(text)

    for levels in (0, 400, 800, 900, 930):
        try:
            assert dive(levels).violations == () or dive(levels).violations[0].kind == "too_deep"
        except RecursionError:
            assert levels > 800
