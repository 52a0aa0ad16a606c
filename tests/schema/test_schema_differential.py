"""The tree against an independent validator, over schemas and values that Hypothesis makes up."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from made_up import SCHEMAS, VALUES
from schemalora.errors import SchemaError
from schemalora.schema import matches, read_schema


@settings(max_examples=600, deadline=None)
@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=6))
def test_tree_means_what_the_schema_means(schema: Any, values: list[Any]) -> None:
    reference = jsonschema_rs.Draft202012Validator(schema)
    tree = read_schema(schema)
    for value in values:
        assert matches(tree, value) == reference.is_valid(value), (schema, value)


@pytest.mark.parametrize("name", sorted(zoo.SCHEMAS))
@settings(max_examples=25, deadline=None)
@given(value=VALUES)
def test_tree_of_a_zoo_schema_means_what_it_means(name: str, value: Any) -> None:
    schema = zoo.SCHEMAS[name]
    reference = jsonschema_rs.validator_for(schema, validate_formats=True)
    assert matches(read_schema(schema), value) == reference.is_valid(value)


UNEVALUATED = [
    {
        "allOf": [{"properties": {"a": {"type": "integer"}}}],
        "properties": {"b": {}},
        "unevaluatedProperties": False,
    },
    {
        "anyOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 1}}}],
        "unevaluatedProperties": {"type": "string"},
    },
    {
        "$ref": "#/$defs/x",
        "unevaluatedProperties": False,
        "$defs": {"x": {"properties": {"a": {}}}},
    },
    {"prefixItems": [{"type": "integer"}], "unevaluatedItems": {"type": "string"}},
    {"allOf": [{"prefixItems": [{}, {}]}], "unevaluatedItems": False},
]


@pytest.mark.parametrize("schema", UNEVALUATED, ids=range(len(UNEVALUATED)))
@settings(max_examples=80, deadline=None)
@given(value=VALUES)
def test_unevaluated_keywords_accept_nothing_invalid(schema: Any, value: Any) -> None:
    if matches(read_schema(schema), value):
        assert jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def test_a_schema_that_is_no_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match="points to nothing"):
        read_schema({"properties": {"a": {"$ref": "#/$defs/none"}}})
