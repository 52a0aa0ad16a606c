"""How deep the shallowest value of a node is: what keeps generation of recursive schemas finite.

A scalar and an empty container have height 0; an object is one higher than the highest of its
required keys. A node without a height has no finite value at all.
"""

from __future__ import annotations

from schemalora.schema.matching import matches
from schemalora.schema.nodes import (
    ArrayNode,
    NeverNode,
    Node,
    ObjectNode,
    StringNode,
    UnionNode,
)

MAX_HEIGHT = 40
"""A node whose shallowest value is deeper than this counts as having none."""


class Heights:
    """The heights of the nodes of one tree, each found once."""

    def __init__(self) -> None:
        self._fits: dict[tuple[Node, int], bool] = {}
        self._heights: dict[Node, int | None] = {}

    def height(self, node: Node) -> int | None:
        """The height of the node's shallowest value, or None where it has no finite value."""
        if node not in self._heights:
            self._heights[node] = next(
                (depth for depth in range(MAX_HEIGHT + 1) if self.fits(node, depth)), None
            )
        return self._heights[node]

    def fits(self, node: Node, depth: int) -> bool:
        """Whether the node has a value at most `depth` high."""
        if depth < 0:
            return False
        key = (node, depth)
        if key not in self._fits:
            self._fits[key] = self._find(node, depth)
        return self._fits[key]

    def _find(self, node: Node, depth: int) -> bool:
        match node:
            case NeverNode():
                return False
            case UnionNode():
                possible = node.base is None or self.fits(node.base, depth)
                return possible and any(self.fits(branch, depth) for branch in node.some())
            case StringNode():
                return node.content is None or self.fits(node.content, depth - 1)
            case ArrayNode():
                return self._array_fits(node, depth)
            case ObjectNode():
                return self._object_fits(node, depth)
            case _:
                return True

    def _array_fits(self, node: ArrayNode, depth: int) -> bool:
        wanted = min(node.min_items, node.prefix_length + 1)
        needed = [node.item_at(place) for place in range(wanted)]
        for contains in node.contains:
            # What the items behind the prefix cannot be, a place of the prefix may still be.
            if contains.minimum > 0 and not (
                node.prefix and isinstance(contains.merged, NeverNode)
            ):
                needed.append(contains.merged)
        return all(self.fits(item, depth - 1) for item in needed)

    def _object_fits(self, node: ObjectNode, depth: int) -> bool:
        needed = node.demanded_by(node.required)
        if node.name_node is not None:
            if not all(matches(node.name_node, name) for name in needed):
                return False
            if node.min_properties > len(needed) and not self.fits(node.name_node, 1):
                return False
        if not all(self.fits(node.child(name), depth - 1) for name in needed):
            return False
        missing = node.min_properties - len(needed)
        if missing <= 0:
            return True
        optional = [name for name in node.names if name not in needed]
        missing -= sum(self.fits(node.child(name), depth - 1) for name in optional)
        return missing <= 0 or bool(node.pattern_names) or self.fits(node.rest, depth - 1)
