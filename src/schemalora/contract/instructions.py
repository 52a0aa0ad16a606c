"""A short description of the contract for the prompt."""

from __future__ import annotations

from schemalora.contract.fields import alternatives
from schemalora.jsonvalue import canonical_json
from schemalora.schema import (
    AnyNode,
    ArrayNode,
    FiniteNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
)


def describe(root: Node) -> str:
    """The instructions that are derived from a contract's tree."""
    return "Answer with one JSON value of this shape, and nothing else:\n" + _shape(root, 0, ())


def _shape(node: Node, level: int, above: tuple[Node, ...]) -> str:
    parts = [_part(one, level, above) for one in alternatives(node)]
    return " | ".join(dict.fromkeys(parts))


def _part(node: Node, level: int, above: tuple[Node, ...]) -> str:
    match node:
        case FiniteNode():
            return (
                " | ".join(canonical_json(v) for v in node.values)
                if node.values != (True, False)
                else "true | false"
            )
        case NumberNode():
            return "integer" if node.integer else "number"
        case StringNode():
            return "string" + (f" ({', '.join(node.formats)})" if node.formats else "")
        case ArrayNode():
            return f"[{_shape(node.rest, level, above)}, ...]"
        case ObjectNode():
            return _object(node, level, above)
        case AnyNode():
            return "any JSON value"
        case _:
            return "nothing"


def _object(node: ObjectNode, level: int, above: tuple[Node, ...]) -> str:
    if node in above:
        return node.annotations.title or "the same shape again"
    indent = "  " * (level + 1)
    lines = []
    for name in node.names:
        child = node.child(name)
        note = f"  // {child.annotations.description}" if child.annotations.description else ""
        optional = "" if name in node.required else " (may be left out)"
        lines.append(
            f"{indent}{canonical_json(name)}: {_shape(child, level + 1, (*above, node))}{optional}{note}"
        )
    return "{\n" + "\n".join(lines) + "\n" + "  " * level + "}"
