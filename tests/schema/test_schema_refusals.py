"""Schemas that cannot be used are refused by name, place and reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from schemalora.contract import Contract
from schemalora.errors import SchemaError
from schemalora.jsonvalue import JsonValue
from schemalora.sampling import sample
from schemalora.schema import child_path, join_path
from schemalora.schema.members import draft_of
from schemalora.schema.paths import split_path

REFUSED: list[tuple[Any, str, str]] = [
    ({"$ref": "#"}, "$", "no end"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, "$", "no end"),
    (
        {
            "properties": {"x": {"$ref": "#/$defs/a"}},
            "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}},
        },
        "$.x",
        "no end",
    ),
    ({"items": {"$ref": "#/nowhere"}}, "$[*]", "points to nothing"),
    ({"properties": {"a": {"$ref": "other.json"}}}, "$.a", "not fetched"),
    ({"properties": {"a b": {"pattern": "("}}}, '$["a b"]', "pattern"),
    ({"type": "integer", "minimum": 3, "maximum": 2}, "$", "between 3 and 2"),
    ({"type": "integer", "exclusiveMinimum": 2.5, "maximum": 2.5}, "$", "2.5"),
    ({"type": "string", "minLength": 3, "maxLength": 2}, "$", "characters"),
    ({"type": "array", "minItems": 3, "maxItems": 2}, "$", "items"),
    ({"type": "object", "required": ["a", "b"], "maxProperties": 1}, "$", "keys"),
    ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "$", "no type"),
    ({"enum": [1, 2], "type": "string"}, "$", "enum"),
    ({"not": {}}, "$", "false"),
    ({"type": "object", "required": ["a"], "properties": {"a": False}}, "$.a", "false"),
    ({"type": "array", "minItems": 1, "items": False}, "$[0]", "false"),
    ({"type": "array", "contains": False}, "$[*]", "false"),
    ({"type": "string", "contentSchema": False}, "$", "false"),
    (
        {"anyOf": [False, {"type": "object", "required": ["a"], "properties": {"a": False}}]},
        "$",
        "false",
    ),
    (
        {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#"}}},
        "$.x",
        "without end",
    ),
    ({"type": "object", "minProperties": 1, "additionalProperties": False}, "$", "too few"),
    ({"type": "nonsense"}, "$", "not a valid JSON Schema"),
    ({"properties": {"a": {"minLength": "3"}}}, "$", "minLength"),
    (["no"], "$", "object or a boolean"),
    ({"a": {1, 2}}, "$", "no JSON value"),
    (False, "$", "false"),
]


@pytest.mark.parametrize(("schema", "path", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_refused(schema: Any, path: str, reason: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Contract.from_json_schema(schema)
    assert reason in caught.value.reason
    assert caught.value.path.startswith(path)


def test_a_reference_to_no_schema() -> None:
    with pytest.raises(SchemaError, match="no schema"):
        Contract.from_json_schema({"items": {"$ref": "#/title"}, "title": "a"})


def test_the_boolean_true_takes_anything() -> None:
    assert Contract.from_json_schema(True).parse("[1]").compliant  # pyright: ignore


@pytest.mark.parametrize(
    ("schema", "draft"),
    [
        ({}, 2020),
        (True, 2020),
        ({"items": [{}]}, 7),
        ({"minimum": 1, "exclusiveMinimum": True}, 4),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, 4),
        ({"$schema": "http://json-schema.org/draft-06/schema"}, 6),
        ({"$schema": "https://json-schema.org/draft/2019-09/schema"}, 2019),
        ({"$schema": "https://example.com/my-own"}, 2020),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, 4),
        ({"type": "nonsense"}, 2020),
    ],
)
def test_drafts(schema: Any, draft: int) -> None:
    assert draft_of(schema) == draft


@pytest.mark.parametrize("keys", [(), ("a", 0, "b c"), ("", 'q"uo.te[0]', 12), ("é-1",), ("1a",)])
def test_paths_go_round(keys: tuple[str | int, ...]) -> None:
    assert split_path(join_path(keys)) == keys


def test_paths_as_people_write_them() -> None:
    assert join_path(["entities", "order_id"]) == "$.entities.order_id"
    assert child_path("$.a", 3) == "$.a[3]"
    assert child_path("$", "a b") == '$["a b"]'


def chain(length: int, link: Callable[[JsonValue], JsonValue]) -> dict[str, JsonValue]:
    """Definitions each of which refers to the next."""
    links = {f"d{i}": link({"$ref": f"#/$defs/d{i + 1}"}) for i in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**links, f"d{length}": {"type": "integer"}}}


@pytest.mark.parametrize("levels", [200, 50_000])
def test_a_schema_nested_without_measure_is_refused(levels: int) -> None:
    schema: JsonValue = {"type": "integer"}
    for _ in range(levels):
        schema = {"items": schema}
    with pytest.raises(SchemaError, match="nested deeper than 160 levels of JSON"):
        Contract.from_json_schema(cast("dict[str, JsonValue]", schema), name="Deep")


def test_a_chain_of_choices_longer_than_the_stack_is_refused() -> None:
    schema = chain(3_000, lambda inner: {"anyOf": [inner, {"const": "x"}]})
    with pytest.raises(SchemaError, match="a chain of references"):
        Contract.from_json_schema(schema, name="Chain")


def test_instructions_end_where_no_completion_goes() -> None:
    schema = chain(1_000, lambda inner: {"type": "object", "properties": {"a": inner}})
    contract = Contract.from_json_schema(schema, name="Chain")
    assert "..." in contract.instructions
    assert len(contract.instructions.splitlines()) < 200
    assert all(contract.parse(contract.encode(value)).compliant for value in sample(contract, 3))
