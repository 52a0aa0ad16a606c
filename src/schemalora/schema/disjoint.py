"""Whether nodes are evidently disjoint, so that a `oneOf` of them needs no check of each value."""

from __future__ import annotations

from collections.abc import Sequence

from schemalora.jsonvalue import JsonValue, freeze, type_name
from schemalora.schema.nodes import (
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
)


def are_disjoint(nodes: Sequence[Node]) -> bool:
    """Whether no value can match two of the nodes; False where that cannot be seen easily.

    Values and tags are looked at all at once, for a `oneOf` may have thousands of branches; what
    they do not tell apart is compared pair by pair, up to the first pair that may overlap.
    """
    nodes = [node for node in nodes if not isinstance(node, NeverNode)]
    if _differ([node.values for node in nodes if isinstance(node, FiniteNode)], len(nodes)):
        return True
    objects = [node for node in nodes if isinstance(node, ObjectNode)]
    if len(objects) == len(nodes) > 0 and any(
        _tells_apart(name, objects) for name in objects[0].names[:_MOST_TAGS]
    ):
        return True
    return all(
        _apart(left, right) for place, left in enumerate(nodes) for right in nodes[place + 1 :]
    )


_MOST_TAGS = 20
"""A key that tells branches apart is looked for among so many of the first branch."""


def _tells_apart(name: str, objects: Sequence[ObjectNode]) -> bool:
    """Whether every branch has the key, each with other constants."""
    if not all(name in node.required for node in objects):
        return False
    children = [node.child(name) for node in objects]
    return _differ([one.values for one in children if isinstance(one, FiniteNode)], len(objects))


def _differ(sets: Sequence[Sequence[JsonValue]], wanted: int) -> bool:
    """Whether there are as many sets of values as are wanted, and no value is in two."""
    if len(sets) != wanted:
        return False
    frozen = [{freeze(value) for value in values} for values in sets]
    return len(set[object]().union(*frozen)) == sum(map(len, frozen))


def _apart(left: Node, right: Node) -> bool:
    left_types, right_types = _types(left), _types(right)
    if left_types and right_types and not left_types & right_types:
        return True
    if isinstance(left, FiniteNode) and isinstance(right, FiniteNode):
        return not {freeze(v) for v in left.values} & {freeze(v) for v in right.values}
    if isinstance(left, ObjectNode) and isinstance(right, ObjectNode):
        return any(
            _constants_differ(left.child(name), right.child(name))
            for name in left.names
            if name in left.required and name in right.required
        )
    return False


def _constants_differ(left: Node, right: Node) -> bool:
    if not isinstance(left, FiniteNode) or not isinstance(right, FiniteNode):
        return False
    return not {freeze(v) for v in left.values} & {freeze(v) for v in right.values}


def _types(node: Node) -> frozenset[str]:
    """The types a node may have; empty where that is not plain to see."""
    if isinstance(node, FiniteNode):
        return frozenset(type_name(value) for value in node.values)
    if isinstance(node, UnionNode) and node.origin == "type" and not node.hidden:
        parts = [_types(branch) for branch in node.branches]
        return frozenset[str]().union(*parts) if all(parts) else frozenset()
    names = [name for kind, name in _TYPE_OF_NODE.items() if isinstance(node, kind)]
    return frozenset(names)


_TYPE_OF_NODE: dict[type[Node], str] = {
    StringNode: "string",
    NumberNode: "number",
    ArrayNode: "array",
    ObjectNode: "object",
}
