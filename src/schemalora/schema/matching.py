"""Whether a value matches a node: the tree's own meaning, used to choose between branches."""

from __future__ import annotations

import math
from fractions import Fraction

from schemalora.jsonvalue import JsonValue, freeze, json_equal
from schemalora.schema.formats import format_holds
from schemalora.schema.nodes import (
    AnyNode,
    ArrayNode,
    FiniteNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
)
from schemalora.schema.patterns import searcher

Known = dict[tuple[Node, int], bool]
"""What is known of a node and a container: without it, recursive unions take exponential time."""


def matches(node: Node, value: JsonValue) -> bool:
    """Whether the value is one that the node describes."""
    return _matches(node, value, {})


def _matches(node: Node, value: JsonValue, known: Known) -> bool:
    # Few frames a level: values may be nested as deep as a completion may be.
    key = (node, id(value))
    if key in known and isinstance(value, (dict, list)):
        return known[key]
    holds = _fits(node, value, known)
    for check in node.checks:
        holds = holds and not _matches(check.node, value, known)
    known[key] = holds
    return holds


def _fits(  # noqa: PLR0911  (one for each kind of node)
    node: Node, value: JsonValue, known: Known
) -> bool:
    match node:
        case FiniteNode():
            return any(json_equal(value, one) for one in node.values)
        case UnionNode():
            return _fits_union(node, value, known)
        case NumberNode():
            return not isinstance(value, bool) and (
                isinstance(value, (int, float)) and number_fits(node, value)
            )
        case StringNode():
            return isinstance(value, str) and string_fits(node, value)
        case ArrayNode():
            return isinstance(value, list) and _fits_array(node, value, known)
        case ObjectNode():
            return isinstance(value, dict) and _fits_object(node, value, known)
        case _:
            return isinstance(node, AnyNode)


def _fits_union(node: UnionNode, value: JsonValue, known: Known) -> bool:
    if node.base is not None and not _matches(node.base, value, known):
        return False
    found = 0
    for branch in node.exclusive:
        found += _matches(branch, value, known)
    if node.exclusive and found != 1:
        return False
    for branch in (*node.branches, *node.hidden):  # noqa: SIM110  (`any` takes a frame a level)
        if _matches(branch, value, known):
            return True
    return False


def number_fits(node: NumberNode, value: float) -> bool:
    """Whether a finite number lies within the node's bounds, exactly."""
    if not math.isfinite(value):
        return False
    exact = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    if node.integer and exact.denominator != 1:
        return False
    if node.minimum is not None and (
        exact < node.minimum or (node.exclusive_minimum and exact == node.minimum)
    ):
        return False
    if node.maximum is not None and (
        exact > node.maximum or (node.exclusive_maximum and exact == node.maximum)
    ):
        return False
    return all((exact / multiple).denominator == 1 for multiple in node.multiples)


def string_fits(node: StringNode, value: str) -> bool:
    """Whether a string has the node's length, patterns and formats."""
    if len(value) < node.min_length:
        return False
    if node.max_length is not None and len(value) > node.max_length:
        return False
    return all(searcher(pattern)(value) for pattern in node.patterns) and all(
        format_holds(name, value) for name in node.formats
    )


def _fits_array(node: ArrayNode, value: list[JsonValue], known: Known) -> bool:
    if len(value) < node.min_items:
        return False
    if node.max_items is not None and len(value) > node.max_items:
        return False
    if node.unique and len({freeze(item) for item in value}) < len(value):
        return False
    for index, item in enumerate(value):
        if not _matches(node.item_at(index), item, known):
            return False
    for contains in node.contains:
        found = 0
        for item in value:
            found += _matches(contains.node, item, known)
        if found < contains.minimum or (contains.maximum is not None and found > contains.maximum):
            return False
    return True


def _fits_object(node: ObjectNode, value: dict[str, JsonValue], known: Known) -> bool:
    if len(value) < node.min_properties or not node.required <= value.keys():
        return False
    if node.max_properties is not None and len(value) > node.max_properties:
        return False
    if node.name_node is not None and not all(matches(node.name_node, name) for name in value):
        return False
    for name, needed in node.dependent_required.items():
        if name in value and not all(other in value for other in needed):
            return False
    for name, item in value.items():  # noqa: SIM110  (`all` takes a frame a level)
        if not _matches(node.child(name), item, known):
            return False
    return True
