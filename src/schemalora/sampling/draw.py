"""Draws JSON values from a node tree."""

from __future__ import annotations

import random

from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue
from schemalora.schema import (
    AnyNode,
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
)

_WORDS = "amber basin cedar delta ember fjord grove harbor indigo juniper kettle lantern meadow nickel orchard pebble quartz river saddle timber umber violet willow yonder zephyr".split()


class Drawer:
    """Draws values of one tree."""

    def __init__(self, root: Node, rng: random.Random) -> None:
        self._root = root
        self._rng = rng

    def draw(self) -> JsonValue:
        """One value."""
        return self._draw(self._root, 6)

    def _draw(self, node: Node, depth: int) -> JsonValue:
        rng = self._rng
        match node:
            case FiniteNode():
                return node.values[rng.randrange(len(node.values))]
            case UnionNode():
                branches = [one for one in node.branches if not isinstance(one, NeverNode)]
                if depth <= 0:
                    flat = [b for b in branches if not isinstance(b, (ObjectNode, ArrayNode))]
                    branches = flat or branches
                return self._draw(branches[rng.randrange(len(branches))], depth)
            case NumberNode():
                low = int(node.minimum) if node.minimum is not None else 0
                high = int(node.maximum) if node.maximum is not None else low + 100
                return rng.randint(low, max(low, high))
            case StringNode():
                return " ".join(
                    _WORDS[rng.randrange(len(_WORDS))] for _ in range(1 + rng.randrange(3))
                )
            case ArrayNode():
                most = node.max_items if node.max_items is not None else node.min_items + 3
                count = rng.randint(node.min_items, most) if depth > 0 else node.min_items
                return [self._draw(node.item_at(i), depth - 1) for i in range(count)]
            case ObjectNode():
                return {
                    name: self._draw(node.child(name), depth - 1)
                    for name in node.names
                    if name in node.required or (depth > 0 and rng.randrange(2))
                }
            case AnyNode():
                return [None, True, 1, "amber"][rng.randrange(4)]
            case _:
                raise SamplingError("no value")
