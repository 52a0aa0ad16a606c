"""Rare corners of sampling: parts without a value, validators deep inside, odd names and bounds."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import random
import re
from collections.abc import Callable
from typing import Annotated, Any, Self, cast

import pytest
from pydantic import (
    AfterValidator,
    AmqpDsn,
    AnyUrl,
    BaseModel,
    Field,
    MongoDsn,
    PostgresDsn,
    TypeAdapter,
    UrlConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from schemalora.contract import Contract
from schemalora.errors import SamplingError
from schemalora.sampling import cells, sample
from schemalora.sampling.source import RandomSource
from schemalora.sampling.strings import draw_string
from schemalora.schema import StringNode

NO_STRING: dict[str, Any] = {"type": "string", "pattern": "^a$", "minLength": 3}


def targets_of(what: Any, count: int = 30) -> list[Any]:
    if isinstance(what, dict):
        contract = Contract.from_json_schema(cast("dict[str, Any]", what))
    else:
        contract = Contract.from_model(what)
    targets = list(sample(contract, count, seed=0))
    assert all(contract.parse(contract.encode(target)).compliant for target in targets)
    return targets


# -- parts that have no value, though nothing in the schema shows it


def test_optional_parts_without_a_value_are_left_out() -> None:
    assert targets_of({"type": "array", "items": NO_STRING}, 4) == [[]] * 4
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": NO_STRING, "b": {"type": "integer"}},
    }
    targets = targets_of(schema)
    assert {tuple(target) for target in targets} == {(), ("b",)}
    assert set(targets_of({"anyOf": [NO_STRING, {"enum": ["b", "c"]}]})) == {"b", "c"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": NO_STRING, "minItems": 1},
        {"type": "object", "properties": {"a": NO_STRING}, "required": ["a"]},
        {"anyOf": [NO_STRING, {"type": "string", "pattern": "^b$", "minLength": 4}]},
        {"type": "string", "pattern": "^(?=a)b$"},
        {"type": "integer", "minimum": 1, "maximum": 2, "multipleOf": 3},
        {"type": "number", "minimum": 0.1, "maximum": 0.2, "multipleOf": 0.3},
        {"items": {"const": 1}, "contains": {"const": 1}, "maxContains": 2, "minItems": 4}
        | {"type": "array"},
    ],
    ids=str,
)
def test_a_required_part_without_a_value_is_an_error(schema: dict[str, Any]) -> None:
    with pytest.raises(SamplingError, match="target 0, seed 0"):
        targets_of(schema, 1)


# -- values at the edge of what the schema allows


def test_few_items_may_be_wanted_by_contains() -> None:
    schema: dict[str, Any] = {
        "type": "array",
        "items": {"type": "integer"},
        "contains": {"const": 3},
    }
    targets = targets_of({**schema, "maxItems": 2})
    assert {len(target) for target in targets} == {1, 2}
    assert all(3 in target for target in targets)


@pytest.mark.parametrize("rest", [False, {"type": "string"}])
def test_a_place_of_the_prefix_may_be_what_an_array_contains(rest: Any) -> None:
    schema: dict[str, Any] = {
        "type": "array",
        "prefixItems": [{}],
        "items": rest,
        "contains": {"type": "integer"},
    }
    assert all(isinstance(target[0], int) for target in targets_of(schema))


def test_names_keep_to_every_rule_for_them() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z]*$"},
        "patternProperties": {"^[a-z-]{2}$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 2,
    }
    names = {name for target in targets_of(schema) for name in target}
    assert len(names) > 30
    assert all(re.fullmatch("[a-z]{2}", name) for name in names)


def test_names_under_which_nothing_may_stand_are_not_used() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "propertyNames": {"enum": ["a1", "a2", "b1", "b2"]},
        "patternProperties": {"^a": False},
        "additionalProperties": {"type": "integer"},
        "minProperties": 2,
    }
    assert {tuple(sorted(target)) for target in targets_of(schema)} == {("b1", "b2")}


def test_a_key_whose_absence_is_refused_is_drawn() -> None:
    schema: dict[str, Any] = {"type": "object", "not": {"properties": {"a": False}}}
    assert all("a" in target for target in targets_of(schema))


def test_an_example_that_breaks_its_own_schema_is_not_used() -> None:
    targets = targets_of({"type": "string", "examples": ["nope", "no"], "maxLength": 2})
    assert "no" in targets
    assert "nope" not in targets


def test_numbers_beyond_every_double() -> None:
    least = 10**309
    schema: dict[str, Any] = {"type": "number", "minimum": least, "multipleOf": 0.5}
    assert all(target >= least and isinstance(target, int) for target in targets_of(schema))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("^(?i:ab)+$", "(ab)+"),
        ("^(?=.*[A-Z].*)[A-Za-z]{3}$", "(?!.*[a-z]{3}).{3}"),
        ("^[^ -~]+$", "[^ -~]+"),
        ("^[(?<n]+$", r"[\(\?<n]+"),
    ],
)
def test_patterns(pattern: str, fits: str) -> None:
    texts = targets_of({"type": "string", "pattern": pattern})
    assert all(re.fullmatch(fits, text) for text in texts)


READERS: dict[str, Callable[[str], Any]] = {
    "base64url": base64.urlsafe_b64decode,
    "ipv4network": ipaddress.IPv4Network,
    "ipv4interface": ipaddress.IPv4Interface,
    "ipv6network": ipaddress.IPv6Network,
    "color": re.compile("#[0-9a-f]{6}").fullmatch,
    "multi-host-uri": TypeAdapter(PostgresDsn).validate_python,
    "binary": len,
}


@pytest.mark.parametrize("name", sorted(READERS))
def test_formats_are_read_by_what_they_are_named_after(name: str) -> None:
    source = RandomSource(random.Random(0))
    texts = {draw_string(StringNode(formats=(name,)), source) for _ in range(40)}
    assert len(texts) > 20
    assert all(READERS[name](text) for text in texts)


class Until(BaseModel):
    day: dt.date = Field(le=dt.date(2020, 1, 5))
    never: dt.date | None = Field(gt=dt.date(2024, 1, 2), lt=dt.date(2024, 1, 1))


def test_dates_with_a_last_day_only_or_none_at_all() -> None:
    targets = targets_of(Until)
    assert len({target["day"] for target in targets}) > 20
    assert all(target["never"] is None for target in targets)


# -- validators and serialisers that no schema shows


def _refuse(value: Any) -> Any:
    raise ValueError("never good enough")


def _absolute(value: str) -> str:
    assert value.startswith("/"), "must be absolute"
    return value


def _the_prime(value: int) -> int:
    assert value == 104_729, "must be the prime"
    return value


class Leaf(BaseModel):
    x: Annotated[str, AfterValidator(_refuse)]


class Inner(BaseModel):
    deep: Leaf
    y: Annotated[str, AfterValidator(_refuse)]


class Refusing(BaseModel):
    first: Annotated[Inner | None, AfterValidator(_refuse)]
    parts: list[Inner | Annotated[int, AfterValidator(_refuse)]] = Field(min_length=2)


class Paths(BaseModel):
    paths: list[Annotated[str, AfterValidator(_absolute)]] = Field(min_length=1)


class Prime(BaseModel):
    number: Annotated[int, Field(examples=[104_729]), AfterValidator(_the_prime)]


def test_validators_that_refuse_everything_at_every_depth_are_an_error() -> None:
    with pytest.raises(SamplingError, match="never good enough"):
        next(iter(sample(Contract.from_model(Refusing), 1, seed=0)))


def test_validated_items_are_redrawn_one_by_one() -> None:
    targets = targets_of(Paths)
    assert all(path.startswith("/") for target in targets for path in target["paths"])
    assert len({path for target in targets for path in target["paths"]}) > 15


def test_an_example_is_tried_where_a_validator_refuses_the_rest() -> None:
    assert targets_of(Prime, 3) == [{"number": 104_729}] * 3


class Unwritable(BaseModel):
    number: int

    @field_serializer("number")
    def _write(self, value: int) -> int:
        raise RuntimeError("cannot be written")


def test_a_serialiser_that_raises_does_not_stop_sampling() -> None:
    assert len({target["number"] for target in targets_of(Unwritable)}) > 20


class Versions(BaseModel):
    names: list[str] = Field(min_length=2)

    @field_validator("names")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        assert len(set(value)) == len(value), "must be distinct"
        return value


def test_a_list_is_redrawn_as_a_whole_where_it_is_refused_as_a_whole() -> None:
    assert all(len(set(target["names"])) >= 2 for target in targets_of(Versions))


# -- cells


def labels_of(schema: dict[str, Any]) -> list[str]:
    return [cell.label for cell in cells(Contract.from_json_schema(schema))]


def test_cells_of_mixed_choices() -> None:
    some = {"enum": ["a", "b"]}
    assert labels_of({"anyOf": [some, {"type": "null"}]}) == ["null", '"a"', '"b"']
    assert labels_of({"anyOf": [some, {"type": "integer"}]}) == [
        "number (branch 2)",
        '"a"',
        '"b"',
    ]
    assert labels_of({"anyOf": [{"const": "auto"}, {"type": "integer"}]}) == [
        '"auto"',
        "number (branch 2)",
    ]


def test_cells_are_limited_in_number() -> None:
    values = {"enum": list(range(190))}
    names = [f"field_{number}" for number in range(12)]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": dict.fromkeys(names, values),
        "required": names,
    }
    found = cells(Contract.from_json_schema(schema))
    assert len(found) == 2_000
    assert {cell.path for cell in found} == {f"$.{name}" for name in names[:11]}


def test_draws_in_vain_cost_no_budget():
    schema: dict[str, Any] = {
        "additionalProperties": {"dependentRequired": {}},
        "not": {"dependentRequired": {}, "properties": {"a": True, "b": False}},
    }
    assert all("b" in target for target in targets_of(schema, 20))


def test_a_union_deeper_than_is_left_gives_its_shallowest_branch():
    deep = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/u"}}}
    schema: dict[str, Any] = {
        "type": "array",
        "contains": {"$ref": "#/$defs/u"},
        "items": {"$ref": "#/$defs/u"},
        "$defs": {
            "u": {
                "anyOf": [
                    deep,
                    {
                        "type": "object",
                        "required": ["b"],
                        "properties": {
                            "b": {"type": "array", "minItems": 1, "items": {"type": "integer"}}
                        },
                    },
                ]
            },
        },
    }
    targets_of(schema, 40)


def test_base64_of_json_is_both():
    schema: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "string",
        "contentEncoding": "base64",
        "contentMediaType": "application/json",
    }
    for target in targets_of(schema):
        assert json.loads(base64.b64decode(target)) is not None


def test_a_key_that_demands_what_cannot_be_is_never_there() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {}, "c": False, "d": {"type": "integer"}},
        "dependentRequired": {"a": ["b"], "b": ["c"]},
        "additionalProperties": False,
    }
    contract = Contract.from_json_schema(schema, name="Demanding")
    values = list(sample(contract, 20, seed=0))
    assert {name for value in values if isinstance(value, dict) for name in value} == {"d"}


class Password(BaseModel):
    user: str
    password: str
    again: str

    @model_validator(mode="after")
    def check(self) -> Self:
        if self.password != self.again:
            raise ValueError("the passwords differ")
        return self


class Databases(BaseModel):
    documents: MongoDsn
    queue: AmqpDsn
    short: Annotated[AnyUrl, UrlConstraints(max_length=20, allowed_schemes=["foo"])]


@pytest.mark.parametrize("model", [Password, Databases])
def test_fields_that_must_be_equal_and_urls_of_unusual_schemes_are_found(
    model: type[BaseModel],
) -> None:
    contract = Contract.from_model(model)
    texts = {contract.encode(value) for value in sample(contract, 10, seed=0)}
    assert len(texts) > 5
    assert all(contract.parse(text).compliant for text in texts)
