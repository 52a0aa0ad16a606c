"""Redraws what a validator refused, and leaves the rest of the value as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from schemalora.contract.ordering import meant_branch
from schemalora.contract.outcome import Violation
from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue
from schemalora.sampling.generator import Generator
from schemalora.schema import ArrayNode, Node, ObjectNode, UnionNode
from schemalora.schema.paths import split_path

_PATIENCE = 60
"""Attempts at one place, after which what contains it is redrawn as well."""


def redrawn(
    root: Node,
    value: JsonValue,
    violations: Sequence[Violation],
    generator: Generator,
    attempt: int,
) -> JsonValue:
    """The value with the places of its violations drawn anew.

    Args:
        root: the node of the whole value.
        value: what was refused; it is changed where it can be.
        violations: why it was refused.
        generator: draws the new parts.
        attempt: from 1; the more attempts, the wider the search.
    """
    if attempt % 25 == 0:
        return generator.draw(effort=attempt)
    places = dict.fromkeys(split_path(violation.path) for violation in violations)
    for place in places:
        up = attempt // _PATIENCE
        value = _redraw(root, value, place[: max(0, len(place) - up)], generator, attempt)
    return value


def _redraw(
    node: Node, value: JsonValue, keys: tuple[str | int, ...], generator: Generator, attempt: int
) -> JsonValue:
    if keys:
        child = _child(node, value, keys[0])
        if child is not None:
            key = keys[0]
            inside = cast("dict[str | int, JsonValue]", value)
            inside[key] = _redraw(child, inside[key], keys[1:], generator, attempt)
            return value
    try:
        return generator.draw(node, effort=attempt)
    except SamplingError:
        return value


def _child(node: Node, value: JsonValue, key: str | int) -> Node | None:
    """The node of a key or place that the value has, or None."""
    while isinstance(node, UnionNode):
        branch = meant_branch(node, value)
        if branch is None:
            return None
        node = branch
    if isinstance(node, ObjectNode) and isinstance(value, dict) and key in value:
        return node.child(cast(str, key))
    if isinstance(node, ArrayNode) and isinstance(value, list) and isinstance(key, int):
        return node.item_at(key) if key < len(value) else None
    return None
