"""The contract in words for the prompt: the shape, its allowed values, and what they mean.

The notation is close to what people write in comments, and costs few tokens: quotes, commas and
indentation are left out where nothing is lost.
"""

from __future__ import annotations

import re
from fractions import Fraction

from schemalora.contract.fields import alternatives, merged_annotations
from schemalora.contract.jsontext import MAX_DEPTH
from schemalora.jsonvalue import canonical_json
from schemalora.schema import (
    ROOT,
    AnyNode,
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    child_path,
)

_MAX_VALUES = 60
"""Allowed values that are written out; the rest of a longer enum is counted."""


def describe(root: Node) -> str:
    """The instructions that are derived from a contract's tree."""
    opening = root.annotations.description.strip()
    opening = f"{' '.join(opening.split())}\n" if opening else ""
    return f"{opening}Answer with JSON only:\n{_Describer().shape(root)}"


class _Describer:
    """Writes each object once; where it comes again, it is named by its first path."""

    def __init__(self) -> None:
        self._places: dict[ObjectNode, str] = {}
        self._open: dict[Node, str] = {}
        """The arrays and strings that are being written: one within itself is named."""
        self._depth = 0

    def shape(self, node: Node, path: str = ROOT, level: int = 0) -> str:
        """The alternatives of a node; what lies deeper than any completion may is left out."""
        if self._depth > MAX_DEPTH:
            return "..."
        self._depth += 1
        parts = [self._part(one, path, level) for one in alternatives(node)]
        self._depth -= 1
        return " | ".join(dict.fromkeys(parts)) or "nothing"

    def _part(self, node: Node, path: str, level: int) -> str:
        match node:
            case FiniteNode():
                return _values(node)
            case NumberNode():
                return _number(node)
            case StringNode() | ArrayNode():
                return self._recursive(node, path, level)
            case ObjectNode():
                return self._object(node, path, level)
            case _:  # anything, or a choice that was not opened
                return "any JSON"

    def _recursive(self, node: StringNode | ArrayNode, path: str, level: int) -> str:
        if node in self._open:
            return f"like {self._open[node]}"
        self._open[node] = path
        try:
            if isinstance(node, StringNode):
                return self._string(node, path, level)
            return self._array(node, path, level)
        finally:
            del self._open[node]

    def _string(self, node: StringNode, path: str, level: int) -> str:
        if node.content is not None:
            return f"string holding JSON {self.shape(node.content, path, level)}"
        notes = [*node.formats, *(f"/{pattern}/" for pattern in node.patterns)]
        length = _range(node.min_length or None, node.max_length)
        if length:
            notes.append(f"{length} characters")
        return "string" + (f" ({', '.join(notes)})" if notes else "")

    def _array(self, node: ArrayNode, path: str, level: int) -> str:
        items = [
            self.shape(item, child_path(path, place), level)
            for place, item in enumerate(node.prefix)
        ]
        if not isinstance(node.rest, NeverNode) and node.max_items != node.prefix_length:
            items.append(self.shape(node.rest, f"{path}[*]", level) + ", ...")
        notes = [_range(node.min_items or None, node.max_items)] if not node.prefix else []
        notes += ["unique"] if node.unique else []
        notes = [f"{note} items" if note != "unique" else note for note in notes if note]
        return f"[{', '.join(items)}]" + (f" ({', '.join(notes)})" if notes else "")

    def _object(self, node: ObjectNode, path: str, level: int) -> str:
        if node in self._places:
            title = node.annotations.title
            return f"{title} as in {self._places[node]}" if title else f"like {self._places[node]}"
        self._places[node] = path
        indent = " " * level
        lines = [
            indent + self._key(node, name, child, path, level + 1)
            for name, child in node.declared
            if not isinstance(child, NeverNode)
        ]
        for pattern in node.pattern_names:
            lines.append(f"{indent}keys like /{pattern}/")
        if not isinstance(node.rest, NeverNode) and not node.pattern_names:
            keys = self._names(node, path, level)
            if not lines:
                return f"{{{keys}: {self.shape(node.rest, f'{path}.*', level)}}}"
            if not isinstance(node.rest, AnyNode):
                lines.append(f"{indent}other {keys}: {self.shape(node.rest, path, level + 1)}")
        return "{\n" + "\n".join(lines) + f"\n{indent}}}" if lines else "{}"

    def _names(self, node: ObjectNode, path: str, level: int) -> str:
        shape = "string" if node.name_node is None else self.shape(node.name_node, path, level)
        return "keys" if shape == "string" else f"keys ({shape})"

    def _key(self, node: ObjectNode, name: str, child: Node, path: str, level: int) -> str:
        optional = "" if name in node.required else "?"
        shape = self.shape(child, child_path(path, name), level)
        described = merged_annotations(child).description
        note = f" # {' '.join(described.split())}" if described else ""
        if "\n" not in shape or not note:
            return f"{_key(name)}{optional}: {shape}{note}"
        # What an object is about stands where it opens, not where it closes.
        first, rest = shape.split("\n", 1)
        return f"{_key(name)}{optional}: {first}{note}\n{rest}"


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_RESERVED = frozenset(
    {"string", "number", "integer", "boolean", "null", "true", "false", "any", "nothing", "keys"}
)


def _word(text: str) -> str:
    """A key or an allowed string: bare where that cannot be mistaken, quoted elsewhere."""
    bare = _PLAIN.fullmatch(text) is not None and text not in _RESERVED
    return text if bare else canonical_json(text)


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else canonical_json(name)


def _values(node: FiniteNode) -> str:
    if node.values == (True, False):
        return "boolean"
    shown = [
        _word(value) if isinstance(value, str) else canonical_json(value)
        for value in node.values[:_MAX_VALUES]
    ]
    if len(node.values) > _MAX_VALUES:
        shown.append(f"... ({len(node.values)} values)")
    return " | ".join(shown)


def _number(node: NumberNode) -> str:
    notes: list[str] = []
    if node.minimum is not None:
        notes.append(f"{'>' if node.exclusive_minimum else '>='} {_plain(node.minimum)}")
    if node.maximum is not None:
        notes.append(f"{'<' if node.exclusive_maximum else '<='} {_plain(node.maximum)}")
    notes += [f"multiple of {_plain(multiple)}" for multiple in node.multiples]
    return ("integer" if node.integer else "number") + (f" ({', '.join(notes)})" if notes else "")


def _plain(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else str(float(value))


def _range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return str(low) if low == high else f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""
