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
    elif isinstance(node, ArrayNode) and node.max_items == 0:
        yield []
    elif isinstance(node, ObjectNode) and (node.names or _is_empty(node)):
        yield from _objects(node, depth)
    elif not isinstance(node, NeverNode):
        raise _ManyError


def _is_bounded(node: NumberNode) -> bool:
    return node.minimum is not None and node.maximum is not None


def _is_empty(node: ObjectNode) -> bool:
    closed = isinstance(node.rest, NeverNode) and not node.pattern_names
    return closed or node.max_properties == 0


def _objects(node: ObjectNode, depth: int) -> Iterator[JsonValue]:
    keys: list[list[tuple[str, JsonValue] | None]] = []
    for name, child in node.declared:
        options = [(name, value) for value in itertools.islice(_values(child, depth - 1), 50)]
        absent = [] if name in node.required else [None]
        keys.append([*absent, *options])
    for chosen in itertools.product(*keys):
        yield dict(pair for pair in chosen if pair is not None)
