"""Rare corners of the strategies: taken names, enums within choices, no decoder at hand."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from pydantic import BeforeValidator, create_model

from schemalora.contract import Contract
from schemalora.jsonvalue import JsonValue
from schemalora.strategies import NearMiss, capabilities, instances, near_misses
from schemalora.strategies.capabilities import decoder_accepts

UNEXPECTED: dict[str, Any] = {
    "type": "object",
    "properties": {"unexpected": {"type": "integer"}, "unexpected_2": {"type": "integer"}},
    "required": ["unexpected"],
    "additionalProperties": False,
}


def test_an_extra_key_has_a_name_that_is_not_taken() -> None:
    contract = Contract.from_json_schema(UNEXPECTED)
    extra: set[str] = set()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(near_misses(contract))
    def collect(miss: NearMiss) -> None:
        if miss.kind == "extra_key":
            extra.add(miss.path)

    collect()
    assert extra == {"$.unexpected_3"}


def constraints_of(schema: dict[str, Any]) -> set[str]:
    return {one.constraint for one in capabilities(Contract.from_json_schema(schema))}


def test_only_what_breaks_an_enum_breaks_it() -> None:
    schema = {"anyOf": [{"enum": ["amber", "b"]}, {"type": "string", "minLength": 13}]}
    assert {"allowed values", "at least 13 characters"} <= constraints_of(schema)

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(near_misses(schema))
    def check(miss: NearMiss) -> None:
        assert miss.kind != "not_in_enum" or miss.completion in ('""', '"no such value"')

    check()


def test_a_multiple_that_every_integer_is_constrains_nothing() -> None:
    assert not any(
        "multiple" in one for one in constraints_of({"type": "integer", "multipleOf": 1})
    )
    assert "multiple of 3" in constraints_of({"type": "integer", "multipleOf": 3})


def test_without_a_decoder_only_parsing_enforces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    contract = Contract.from_json_schema(UNEXPECTED)
    rows = capabilities(contract)
    assert rows
    assert {row.decoder for row in rows} == {None}
    assert {row.enforced_by for row in rows} == {"parsing"}


def test_a_schema_the_decoder_cannot_read_has_none() -> None:
    pytest.importorskip("llguidance")
    assert decoder_accepts({"type": "integer", "maximum": 10**400}) is None
    assert decoder_accepts({"$ref": "#/nowhere"}) is None


FORGIVING = Annotated[list[int], BeforeValidator(lambda value: [0] if value != [0] else value)]


def test_where_everything_is_forgiven_only_the_text_can_be_broken() -> None:
    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(near_misses(FORGIVING))  # pyright: ignore[reportArgumentType]  (a type, not a class)
    def check(miss: NearMiss) -> None:
        assert miss.kind in ("not_json", "too_deep", "duplicate_key")

    check()


def test_a_value_of_thousands_of_parts_is_not_too_much_for_hypothesis() -> None:
    names = [f"k{i}" for i in range(1_500)]
    schema = {
        "type": "object",
        "properties": {name: {"type": ["string", "integer"]} for name in names},
        "required": names,
    }
    contract = Contract.from_json_schema(schema, name="Wide")
    seen: list[str] = []

    @settings(max_examples=5, database=None, deadline=None, derandomize=True)
    @given(instances(contract))
    def check(value: JsonValue) -> None:
        assert contract.parse(contract.encode(value)).compliant
        seen.append(contract.encode(value))

    check()
    assert len(set(seen)) > 1


def test_every_field_of_a_wide_model_is_reported() -> None:
    model = create_model("Wide", **{f"f{i}": (int, ...) for i in range(150)})  # pyright: ignore
    found = capabilities(Contract.from_model(model))
    assert {f"$.f{i}" for i in range(150)} <= {one.path for one in found}
    assert all(one.parsing for one in found)
