"""The contract's key order: objects written as their schema declares them."""

from __future__ import annotations

from schemalora.jsonvalue import JsonValue
from schemalora.schema import AnyNode, ArrayNode, Node, ObjectNode, UnionNode, matches

_ANY = AnyNode()


def ordered(node: Node, value: JsonValue) -> JsonValue:
    """The same value in canonical form.

    Every object's keys take the order of the schema, unknown keys last, and a whole number that is
    held as a float becomes an integer: values that are equal in JSON have one text.
    """
    if not isinstance(value, (dict, list)):
        return _shortest(value) if isinstance(value, float) else value
    if isinstance(node, UnionNode):
        branch = meant_branch(node, value)
        return ordered(branch or _ANY, value)
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        return _ordered_object(node, value)
    if isinstance(node, ArrayNode) and isinstance(value, list):
        return [ordered(node.item_at(place), item) for place, item in enumerate(value)]
    if isinstance(value, dict):
        return {name: ordered(_ANY, item) for name, item in value.items()}
    return [ordered(_ANY, item) for item in value]


def _ordered_object(node: ObjectNode, value: dict[str, JsonValue]) -> JsonValue:
    made: dict[str, JsonValue] = {}
    for name, child in node.declared:
        if name in value:
            item = value[name]
            made[name] = ordered(child, item) if isinstance(item, _CHANGING) else item
    if len(made) < len(value):
        for name, item in value.items():
            if name not in made:
                made[name] = ordered(node.child(name), item)
    return made


_CHANGING = (dict, list, float)
_EXACT = 1e15
"""Below this, the digits of a whole float are exact and no longer than its own notation."""


def _shortest(value: float) -> int | float:
    return int(value) if -_EXACT < value < _EXACT and value == int(value) else value


def keys_in_order(value: JsonValue, canonical: JsonValue) -> bool:
    """Whether a value has its keys in the same order as its canonical form."""
    if isinstance(value, dict) and isinstance(canonical, dict):
        return list(value) == list(canonical) and all(
            keys_in_order(item, canonical[name])
            for name, item in value.items()
            if isinstance(item, (dict, list))
        )
    if isinstance(value, list) and isinstance(canonical, list):
        return all(map(keys_in_order, value, canonical))
    return True


def meant_branch(node: UnionNode, value: JsonValue) -> Node | None:
    """The branch a container most likely belongs to: one it matches, else one with its keys."""
    kind = ObjectNode if isinstance(value, dict) else ArrayNode
    found = [one for one in (*node.branches, *node.hidden) if isinstance(one, (kind, UnionNode))]
    if len(found) > 1:
        fitting = [one for one in found if matches(one, value)]
        if fitting:
            return fitting[0]
        if isinstance(value, dict):
            return max(found, key=lambda one: _shared(one, value))
    return found[0] if found else None


def _shared(node: Node, value: dict[str, JsonValue]) -> int:
    if isinstance(node, UnionNode):
        if node.base is not None:  # choices in a row multiply: only what they share is looked at
            return _shared(node.base, value)
        return max((_shared(branch, value) for branch in node.branches), default=0)
    return sum(name in value for name in node.names) if isinstance(node, ObjectNode) else 0
