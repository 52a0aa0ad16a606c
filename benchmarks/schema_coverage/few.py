"""Which models have fewer instances than are asked for: none can be asked to give more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from schemalora.contract import Contract
from schemalora.jsonvalue import JsonValue, canonical_json
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

_DEEPEST = 6


class _ManyError(Exception):
    """There are more than can be listed."""


def most_instances(contract: Contract, wanted: int) -> int:
    """How many distinct instances there are over the declared keys, at most `wanted`."""
    found: set[str] = set()
    try:
        for value in _values(contract.tree, _DEEPEST):
            found.add(canonical_json(value))
            if len(found) >= wanted:
                break
    except _ManyError:
        return wanted
    return len(found)


def _values(node: Node, depth: int) -> Iterator[JsonValue]:
    if depth < 0:
        raise _ManyError
    for value in _unchecked(node, depth):
        if matches(node, value):
            yield value


def _unchecked(node: Node, depth: int) -> Iterator[JsonValue]:
    if isinstance(node, FiniteNode):
        yield from node.values
    elif isinstance(node, UnionNode):
        for branch in (*node.branches, *node.hidden):
            yield from _values(branch, depth)
    elif isinstance(node, NumberNode) and node.integer and _is_bounded(node):
        yield from range(int(node.minimum or 0), int(node.maximum or 0) + 1)
    elif isinstance(node, StringNode) and node.max_length == 0:
        yield ""
    elif isinstance(node, ArrayNode):
        yield from _arrays(node, depth)
    elif isinstance(node, ObjectNode) and (node.names or _is_empty(node)):
        yield from _objects(node, depth)
    elif not isinstance(node, NeverNode):
        raise _ManyError


def _is_bounded(node: NumberNode) -> bool:
    return node.minimum is not None and node.maximum is not None


def _is_empty(node: ObjectNode) -> bool:
    closed = isinstance(node.rest, NeverNode) and not node.pattern_names
    return closed or isinstance(node.name_node, NeverNode) or node.max_properties == 0


def _arrays(node: ArrayNode, depth: int) -> Iterator[JsonValue]:
    most = node.max_items
    if isinstance(node.rest, NeverNode):
        most = node.prefix_length if most is None else min(most, node.prefix_length)
    elif node.unique and isinstance(node.rest, FiniteNode) and not node.prefix_length:
        most = len(node.rest.values)
    if most is None:
        raise _ManyError
    for count in range(node.min_items, most + 1):
        places = [list(_some(node.item_at(place), depth)) for place in range(count)]
        yield from map(list, itertools.product(*places))


def _some(node: Node, depth: int) -> Iterator[JsonValue]:
    """As many values of a part as can matter."""
    return itertools.islice(_values(node, depth - 1), 50)


def _objects(node: ObjectNode, depth: int) -> Iterator[JsonValue]:
    keys: list[list[tuple[str, JsonValue] | None]] = []
    for name, child in node.declared:
        options = [(name, value) for value in _some(child, depth)]
        absent = [] if name in node.required else [None]
        keys.append([*absent, *options])
    for chosen in itertools.product(*keys):
        yield dict(pair for pair in chosen if pair is not None)
