"""Coverage cells: the value classes of each field that a data set must cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from schemalora.contract import Contract
from schemalora.jsonvalue import JsonValue, canonical_json, json_equal
from schemalora.schema import (
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    ObjectNode,
    UnionNode,
    join_path,
    matches,
)

_MAX_VALUES = 200
"""An enum with more values than this is one cell: no data set covers it value by value."""
_MAX_CELLS = 5_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One value class of one field."""

    path: str
    label: str
    """`"refund"`, `null`, `non-null`, `empty`, `non-empty`, or the name of a union branch."""
    keys: tuple[str, ...]
    accepts: Callable[[JsonValue], bool] = field(repr=False, compare=False)

    def matches(self, target: JsonValue) -> bool:
        """Whether the target's field has a value of this class."""
        for key in self.keys:
            if not isinstance(target, dict) or key not in target:
                return False
            target = target[key]
        return self.accepts(target)


def cells(contract: Contract) -> tuple[Cell, ...]:
    """The cells of a contract, in the order of its keys."""
    found: list[Cell] = []
    for cell in node_cells(contract.tree, (), ()):
        found.append(cell)
        if len(found) >= _MAX_CELLS:
            break
    return tuple(found)


def node_cells(node: Node, keys: tuple[str, ...], above: tuple[Node, ...]) -> Iterator[Cell]:
    """The cells of a node and of what lies below it; recursion is entered once."""
    if node in above:
        return
    path = join_path(keys)
    above = (*above, node)
    if isinstance(node, FiniteNode):
        if 1 < len(node.values) <= _MAX_VALUES:
            for value in node.values:
                yield Cell(path, canonical_json(value), keys, _equals(value))
    elif isinstance(node, ArrayNode):
        if node.min_items == 0 and node.max_items != 0:
            yield Cell(path, "empty", keys, lambda value: value == [])
            yield Cell(
                path, "non-empty", keys, lambda value: isinstance(value, list) and value != []
            )
    elif isinstance(node, ObjectNode):
        for name in node.names:
            child = node.child(name)
            if not isinstance(child, NeverNode):
                yield from node_cells(child, (*keys, name), above)
    elif isinstance(node, UnionNode):
        yield from _union_cells(node, keys, path, above)


def _union_cells(
    node: UnionNode, keys: tuple[str, ...], path: str, above: tuple[Node, ...]
) -> Iterator[Cell]:
    branches = [branch for branch in node.branches if not isinstance(branch, NeverNode)]
    others = [branch for branch in branches if not _is_null(branch)]
    if len(others) < len(branches):
        yield Cell(path, "null", keys, lambda value: value is None)
        if len(others) == 1 and not isinstance(others[0], FiniteNode):
            yield Cell(path, "non-null", keys, lambda value: value is not None)
    if len(others) > 1:
        for index, branch in enumerate(others):
            if not isinstance(branch, FiniteNode):
                label = branch.annotations.title or f"branch {index + 1}"
                yield Cell(path, label, keys, _matches(branch))
    for branch in others:
        yield from node_cells(branch, keys, above)


def _is_null(node: Node) -> bool:
    return isinstance(node, FiniteNode) and node.values == (None,)


def _equals(expected: JsonValue) -> Callable[[JsonValue], bool]:
    return lambda value: json_equal(value, expected)


def _matches(node: Node) -> Callable[[JsonValue], bool]:
    return lambda value: matches(node, value)
