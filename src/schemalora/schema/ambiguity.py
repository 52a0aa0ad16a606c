"""How much work a validator has with a value: unions that contain themselves multiply it.

Validators try every branch of a union, and every branch again inside each of them: where a
recursive union's branches share keys, checking a value of depth d takes 2^d steps or more. The
steps can be counted without taking them, since a node and a part of the value always meet with the
same result.
"""

from __future__ import annotations

from schemalora.jsonvalue import JsonValue
from schemalora.schema.nodes import ArrayNode, NeverNode, Node, ObjectNode, StringNode, UnionNode

_MAX_NODES = 5_000


def is_ambiguous(root: Node) -> bool:
    """Whether some union with several containers can occur inside itself."""
    seen = _reachable(root)
    return len(seen) >= _MAX_NODES or any(
        isinstance(node, UnionNode) and len(_containers(node)) > 1 and _returns(node)
        for node in seen
    )


def _containers(node: UnionNode) -> list[Node]:
    parts = (*node.branches, *node.hidden)
    return [part for part in parts if isinstance(part, (ObjectNode, ArrayNode, UnionNode))]


def _returns(union: UnionNode) -> bool:
    return any(union in _reachable(child) for child in _children(union))


def _reachable(root: Node) -> set[Node]:
    seen: set[Node] = set()
    stack = [root]
    while stack and len(seen) < _MAX_NODES:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(_children(node))
    return seen


def _children(node: Node) -> list[Node]:
    found = [check.node for check in node.checks]
    match node:
        case UnionNode():
            found += [*node.branches, *node.hidden]
        case ObjectNode():
            found += [child for _, child in node.declared] + [node.rest]
        case ArrayNode():
            found += [*node.prefix, node.rest, *(contains.node for contains in node.contains)]
        case StringNode():
            found += [node.content] if node.content is not None else []
        case _:
            pass
    return found


def steps(root: Node, value: JsonValue) -> int:
    """How many times a validator that tries every branch looks at a part of the value."""
    return _steps(root, value, {})


def _steps(node: Node, value: JsonValue, known: dict[tuple[Node, int], int]) -> int:
    if not isinstance(value, (dict, list)):
        return 1
    key = (node, id(value))
    if key not in known:
        known[key] = _count(node, value, known)
    return known[key]


def _count(
    node: Node, value: dict[str, JsonValue] | list[JsonValue], known: dict[tuple[Node, int], int]
) -> int:
    total = 1 + sum(_steps(check.node, value, known) for check in node.checks)
    if isinstance(node, UnionNode):
        branches = (*node.branches, *node.hidden, *node.exclusive)
        return total + sum(_steps(branch, value, known) for branch in branches)
    if isinstance(node, ObjectNode) and isinstance(value, dict):
        for name, item in value.items():
            child = node.child(name)
            total += 1 if isinstance(child, NeverNode) else _steps(child, item, known)
    elif isinstance(node, ArrayNode) and isinstance(value, list):
        total += sum(_steps(node.item_at(i), item, known) for i, item in enumerate(value))
        for contains in node.contains:
            total += sum(_steps(contains.node, item, known) for item in value)
    return total
