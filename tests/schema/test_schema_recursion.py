"""Recursion at every keyword, references of every kind, and chains of choices."""

from __future__ import annotations

from typing import Any

import pytest

from schemalora.contract import Contract
from schemalora.errors import SchemaError
from schemalora.sampling import sample
from schemalora.schema import AnyNode, matches

D2019 = "https://json-schema.org/draft/2019-09/schema"
D2020 = "https://json-schema.org/draft/2020-12/schema"


def contract_of(schema: dict[str, Any], valid: list[Any], invalid: list[Any]) -> Contract:
    """The contract, once the tree and the parser agree with these verdicts and with samples."""
    contract = Contract.from_json_schema(schema)
    for values, verdict in ((valid, True), (invalid, False)):
        for value in values:
            assert matches(contract.tree, value) is verdict, value
            assert contract.parse(contract.encode(value)).compliant is verdict, value
    for target in sample(contract, 12, seed=0):
        assert matches(contract.tree, target)
    return contract


OWN_PARTS: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    (
        {"type": "object", "additionalProperties": {"$ref": "#"}},
        [{}, {"a": {"b": {}}}],
        [{"a": 1}, {"a": {"b": []}}, 1],
    ),
    ({"additionalProperties": {"$ref": "#"}}, [1, {"a": {"b": 2}}], []),
    (
        {"type": ["object", "integer"], "additionalProperties": {"$ref": "#"}},
        [1, {"a": 2, "b": {"c": 3}}],
        ["x", {"a": "x"}],
    ),
    ({"type": ["array", "null"], "contains": {"$ref": "#"}}, [None, [1, [None]]], [[1], [[]]]),
    ({"type": "array", "items": {"$ref": "#"}, "maxItems": 2}, [[], [[], [[]]]], [[1]]),
    (
        {"type": "object", "propertyNames": {"not": {"$ref": "#"}}},
        [{}, {"a": 1}],
        ["a"],
    ),
]


@pytest.mark.parametrize(("schema", "valid", "invalid"), OWN_PARTS)
def test_a_schema_may_be_its_own_part_at_any_keyword(
    schema: dict[str, Any], valid: list[Any], invalid: list[Any]
) -> None:
    contract_of(schema, valid, invalid)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object", "propertyNames": {"type": "integer"}, "minProperties": 1}, "too few"),
        ({"type": "array", "contains": {"$ref": "#"}}, "without end"),
        ({"oneOf": [True, {}, {"type": "string"}]}, "several schemas of a `oneOf`"),
    ],
)
def test_what_has_no_value_is_refused_at_once(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        Contract.from_json_schema(schema)


def test_every_type_but_one_is_not_any_type() -> None:
    types = ["boolean", "integer", "null", "number", "string", "array"]
    contract = contract_of({"type": types}, [1, 0.5, "a", None, [], True], [{}, {"a": 1}])
    assert not isinstance(contract.tree, AnyNode)
    assert isinstance(Contract.from_json_schema({"type": [*types, "object"]}).tree, AnyNode)


def test_definitions_may_be_named_after_generic_types() -> None:
    schema = {
        "type": "object",
        "properties": {"list": {"$ref": "#/definitions/List<A|B>"}, "$ref": {"const": "a b"}},
        "required": ["list", "$ref"],
        "definitions": {"List<A|B>": {"enum": [1, {"$ref": "x y"}]}},
    }
    valid = [{"list": 1, "$ref": "a b"}, {"list": {"$ref": "x y"}, "$ref": "a b"}]
    contract_of(schema, valid, [{"list": 2, "$ref": "a b"}, {"list": 1, "$ref": "a%20b"}])


def test_a_recursive_reference_means_the_schema_it_was_reached_through() -> None:
    tree = {
        "$id": "tree",
        "$recursiveAnchor": True,
        "type": "object",
        "properties": {"data": {"type": "integer"}},
        "additionalProperties": {"$recursiveRef": "#"},
    }
    schema = {
        "$schema": D2019,
        "$id": "https://example.com/strict",
        "$recursiveAnchor": True,
        "$ref": "tree",
        "maxProperties": 2,
        "$defs": {"tree": tree},
    }
    three: dict[str, Any] = {"a": {}, "b": {}, "c": {}}
    contract_of(schema, [{}, {"x": {"data": 1}}], [three, {"x": three}])


def test_a_dynamic_reference_may_lead_to_two_schemas_in_one_document() -> None:
    def kind(name: str, inner: dict[str, Any]) -> dict[str, Any]:
        defs = {"item": {"$dynamicAnchor": "item", **inner}}
        return {"$id": name, "$ref": "list", "$defs": defs}

    schema = {
        "$schema": D2020,
        "$id": "https://example.com/main",
        "type": "object",
        "properties": {"n": {"$ref": "numbers"}, "s": {"$ref": "strings"}},
        "required": ["n", "s"],
        "$defs": {
            "list": {
                "$id": "list",
                "type": "array",
                "items": {"$dynamicRef": "#item"},
                "$defs": {"item": {"$dynamicAnchor": "item"}},
            },
            "numbers": kind("numbers", {"type": "number"}),
            "strings": kind("strings", {"type": "string"}),
        },
    }
    contract_of(schema, [{"n": [1], "s": ["a"]}], [{"n": ["a"], "s": []}, {"n": [], "s": [1]}])


@pytest.mark.parametrize("named", [True, False])
def test_a_chain_of_conditions_is_no_product_of_them(named: bool) -> None:
    count = 14

    def condition(index: int) -> dict[str, Any]:
        only = {"required": ["kind"]} if named else {}
        return {
            "if": {"properties": {"kind": {"const": f"k{index}"}}, **only},
            "then": {"properties": {f"p{index}": {"type": "integer"}}, "required": [f"p{index}"]},
        }

    schema = {
        "type": "object",
        "properties": {"kind": {"enum": [f"k{index}" for index in range(count)]}},
        "required": ["kind"],
        "allOf": [condition(index) for index in range(count)],
    }
    contract_of(schema, [{"kind": "k3", "p3": 1}], [{"kind": "k3", "p4": 1}, {"kind": "x"}])
