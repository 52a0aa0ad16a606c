"""The contract's key order: objects written as their schema declares them."""

from __future__ import annotations

from schemalora.jsonvalue import JsonValue
from schemalora.schema import (
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
    matches,
)

_SCALARS = (FiniteNode, NumberNode, StringNode, NeverNode)


def ordered(node: Node, value: JsonValue) -> JsonValue:
    """The same value with every object's keys in the order of the schema, unknown keys last."""
    if not isinstance(value, (dict, list)):
        return value
    if isinstance(node, UnionNode):
        branch = meant_branch(node, value)
        return value if branch is None else ordered(branch, value)
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        names = [name for name in node.names if name in value]
        if len(names) < len(value):
            known = set(names)
            names += [name for name in value if name not in known]
        return {name: ordered(node.child(name), value[name]) for name in names}
    if isinstance(node, ArrayNode) and isinstance(value, list):
        return [ordered(node.item_at(place), item) for place, item in enumerate(value)]
    return value


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
        return max((_shared(branch, value) for branch in node.branches), default=0)
    return sum(name in value for name in node.names) if isinstance(node, ObjectNode) else 0
