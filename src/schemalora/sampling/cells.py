"""Coverage cells: the value classes of each field that a data set must cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from schemalora.contract import Contract
from schemalora.contract.fields import alternatives, is_null
from schemalora.jsonvalue import JsonValue, canonical_json, freeze
from schemalora.schema import (
    ROOT,
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    ObjectNode,
    StringNode,
    UnionNode,
    child_path,
    matches,
)

_MAX_VALUES = 200
"""An enum with more values than this is no set of cells: no data set covers it value by value."""
_MAX_CELLS = 2_000
_MAX_LEVELS = 8

Keys = tuple[str | None, ...]
"""Keys from the root; None stands for any item of an array."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value class of one field."""

    path: str
    """`$.intent`; `$.tags[*]` where any item counts."""
    label: str
    """`"refund"`, `null`, `non-null`, `empty`, `non-empty`, `absent`, `present`, or a branch."""
    keys: Keys = field(repr=False)
    accepts: Callable[[JsonValue], bool] = field(repr=False, compare=False)

    def matches(self, target: JsonValue) -> bool:
        """Whether the target has a value of this class in that field."""
        return any(self.accepts(value) for value in _reach(target, self.keys))


def _reach(value: JsonValue, keys: Keys) -> Iterator[JsonValue]:
    if not keys:
        yield value
    elif keys[0] is None:
        for item in value if isinstance(value, list) else ():
            yield from _reach(item, keys[1:])
    elif isinstance(value, dict) and keys[0] in value:
        yield from _reach(value[keys[0]], keys[1:])


def cells(contract: Contract) -> tuple[Cell, ...]:
    """The cells of a contract, in the order of its keys."""
    found: dict[tuple[str, str], Cell] = {}
    for cell in _cells(contract.tree, _Place(), ()):
        found.setdefault((cell.path, cell.label), cell)
        if len(found) >= _MAX_CELLS:
            break
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Place:
    keys: Keys = ()
    path: str = ROOT

    def key(self, name: str) -> _Place:
        return _Place((*self.keys, name), child_path(self.path, name))

    def item(self) -> _Place:
        return _Place((*self.keys, None), f"{self.path}[*]")

    def cell(self, label: str, accepts: Callable[[JsonValue], bool]) -> Cell:
        return Cell(self.path, label, self.keys, accepts)


def _cells(node: Node, place: _Place, above: tuple[Node, ...]) -> Iterator[Cell]:
    """The cells of a node and of what lies below it; recursion is entered once."""
    if node in above or len(above) > _MAX_LEVELS:
        return
    above = (*above, node)
    if isinstance(node, UnionNode):
        yield from _union_cells(node, place, above)
    elif isinstance(node, FiniteNode):
        yield from _value_cells(node, place)
    elif isinstance(node, ArrayNode):
        yield from _array_cells(node, place, above)
    elif isinstance(node, ObjectNode):
        for name, child in node.declared:
            if isinstance(child, NeverNode):
                continue
            if name not in node.required:
                yield place.cell("absent", _lacks(name))
                yield place.key(name).cell("present", _anything)
            yield from _cells(child, place.key(name), above)


def _value_cells(node: FiniteNode, place: _Place) -> Iterator[Cell]:
    if 1 < len(node.values) <= _MAX_VALUES:
        for value in node.values:
            yield place.cell(canonical_json(value), _equals(value))


def _array_cells(node: ArrayNode, place: _Place, above: tuple[Node, ...]) -> Iterator[Cell]:
    if node.min_items == 0 and node.max_items != 0 and not node.contains:
        yield place.cell("empty", _is_empty)
        yield place.cell("non-empty", _is_not_empty)
    if not node.prefix:
        yield from _cells(node.rest, place.item(), above)


def _union_cells(node: UnionNode, place: _Place, above: tuple[Node, ...]) -> Iterator[Cell]:
    parts = alternatives(node)
    others = [part for part in parts if not is_null(part)]
    if len(others) < len(parts) and others:
        yield place.cell("null", _is_null_value)
        if not any(isinstance(part, FiniteNode) and len(part.values) > 1 for part in others):
            yield place.cell("non-null", _is_not_null_value)
    if len(others) > 1 and not _is_one_type(others):
        for label, branch in _labelled(others):
            yield place.cell(label, _matches(branch))
    for part in others:
        yield from _cells(part, place, above)


def _is_one_type(others: list[Node]) -> bool:
    """Whether the branches are two notations of one value, as pydantic writes a Decimal."""
    return any(isinstance(part, StringNode) and "decimal" in part.formats for part in others)


def _labelled(others: list[Node]) -> Iterator[tuple[str, Node]]:
    """Branches under names that tell them apart: titles, else their place among the branches."""
    titles = Counter(part.annotations.title for part in others)
    for place, part in enumerate(others):
        title = part.annotations.title
        if isinstance(part, FiniteNode) and len(part.values) > 1:
            continue  # its values are cells already
        unique = title and titles[title] == 1
        yield title if unique else _kind(part, place), part


def _kind(node: Node, place: int) -> str:
    if isinstance(node, FiniteNode):
        return canonical_json(node.values[0])
    name = type(node).__name__.removesuffix("Node").lower()
    return f"{name} (branch {place + 1})"


def _is_null_value(value: JsonValue) -> bool:
    return value is None


def _is_not_null_value(value: JsonValue) -> bool:
    return value is not None


def _is_empty(value: JsonValue) -> bool:
    return value == []


def _is_not_empty(value: JsonValue) -> bool:
    return isinstance(value, list) and value != []


def _anything(value: JsonValue) -> bool:
    return True


def _lacks(name: str) -> Callable[[JsonValue], bool]:
    return lambda value: isinstance(value, dict) and name not in value


def _equals(expected: JsonValue) -> Callable[[JsonValue], bool]:
    frozen = freeze(expected)
    return lambda value: freeze(value) == frozen


def _matches(node: Node) -> Callable[[JsonValue], bool]:
    return lambda value: matches(node, value)
