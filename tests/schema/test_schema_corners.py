"""Rare corners of schemas: inner ids, wide choices, depth, and what words say of them."""

from __future__ import annotations

from typing import Any

import pytest

from schemalora.contract import Contract
from schemalora.errors import SchemaError
from schemalora.schema import matches


def nested(inner: Any, around: dict[str, Any], keyword: str, levels: int) -> Any:
    for _ in range(levels):
        inner = {**around, keyword: inner}
    return inner


@pytest.mark.parametrize(
    ("schema", "path", "reason"),
    [
        ({"required": ["a"], "propertyNames": {"pattern": "^b"}}, "$", "too few"),
        ({"minProperties": 1, "propertyNames": False}, "$", "too few"),
        ({"properties": {"o": {}, "a": {}, "b": False}, "required": ["a", "b"]}, "$.b", "false"),
    ],
)
def test_objects_without_a_value(schema: dict[str, Any], path: str, reason: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Contract.from_json_schema({"type": "object", **schema})
    assert caught.value.path == path
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "schema",
    [
        nested({}, {"type": "array", "minItems": 1}, "items", 45),
        nested({}, {"type": "array"}, "contains", 45),
        nested({}, {"type": "string", "contentMediaType": "application/json"}, "contentSchema", 45),
    ],
    ids=["items", "contains", "content"],
)
def test_what_is_nested_too_deep_is_refused_as_such(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="more than 40 levels deep"):
        Contract.from_json_schema(schema)


def test_a_reference_is_relative_to_the_id_around_it() -> None:
    inner = {"$id": "inner/a.json", "$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}
    schema: dict[str, Any] = {
        "$id": "https://example.com/root.json",
        "type": "object",
        "properties": {"a": inner, "b": {"$ref": "inner/a.json"}},
        "$defs": {"n": {"type": "string"}},
    }
    contract = Contract.from_json_schema(schema)
    for text, good in (('{"a":1}', True), ('{"a":"x"}', False), ('{"b":1}', True)):
        assert contract.parse(text).compliant is good
    assert matches(contract.tree, {"a": 1, "b": 2})
    assert not matches(contract.tree, {"a": "x"})


def test_no_infinite_number_matches() -> None:
    tree = Contract.from_json_schema({"type": "number"}).tree
    assert matches(tree, 1e308)
    assert not matches(tree, float("inf"))


def test_keys_that_must_be_absent_are_no_fields() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": False, "b": {"type": "integer"}},
    }
    contract = Contract.from_json_schema(schema)
    assert list(contract.fields) == ["$.b"]
    assert "a" not in contract.instructions.split()


def test_keys_that_match_a_pattern_are_named_by_it() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    assert "keys like /^x-/" in Contract.from_json_schema(schema).instructions


def test_a_choice_of_too_many_is_not_told_in_full_but_not_wrongly_either() -> None:
    wide: list[Any] = [
        {"type": "integer", "minimum": 3 * n, "maximum": 3 * n + 1} for n in range(260)
    ]
    wide.append({"anyOf": [{"type": "string"}, {"type": "null"}]})
    contract = Contract.from_json_schema({"anyOf": wide})
    assert contract.instructions.endswith("| any JSON")
    assert "string" in contract.fields["$"].kinds
    assert contract.parse("null").compliant


def test_work_within_contains_counts_too() -> None:
    """A recursive choice of lists and objects is told apart, or given up, but never hangs."""
    schema: dict[str, Any] = {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {
                "anyOf": [
                    {"type": "array", "contains": {"$ref": "#/$defs/a"}, "minContains": 0},
                    {"type": "array", "items": {"$ref": "#/$defs/a"}},
                    {"type": "object", "additionalProperties": {"$ref": "#/$defs/a"}},
                ]
            }
        },
    }
    contract = Contract.from_json_schema(schema)
    assert contract.parse("[" * 10 + "]" * 10).compliant
    violations = contract.parse("[" * 60 + "]" * 60).violations
    assert [one.kind for one in violations] in ([], ["too_deep"])
