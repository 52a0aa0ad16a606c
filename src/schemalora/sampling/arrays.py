"""Draws arrays: how many items, which of them for `contains`, and none twice where that counts."""

from __future__ import annotations

from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue, freeze
from schemalora.sampling.drawing import RETRIES, Drawing
from schemalora.schema import ArrayNode, NeverNode, Node

_MAX_EXTRA_ITEMS = 3


class ArrayDrawer:
    """Draws arrays for a generator."""

    def __init__(self, generator: Drawing) -> None:
        self._generator = generator

    def draw(self, node: ArrayNode, depth: int) -> list[JsonValue]:
        if node.contains:
            return self._array_with_contents(node, depth)
        count = self._count(node, depth)
        if node.unique:
            return self._unique_items(node, count, depth)
        items: list[JsonValue] = []
        for place in range(count):
            try:
                items.append(self._generator.draw_below(node.item_at(place), depth - 1))
            except SamplingError:
                if place < node.min_items:
                    raise
                break
        return items

    def _count(self, node: ArrayNode, depth: int) -> int:
        """How many items: all places of a tuple, else empty or a few, evenly often."""
        least = node.min_items
        most = node.max_items if node.max_items is not None else None
        usual = max(least, node.prefix_length) + (
            0 if isinstance(node.rest, NeverNode) else _MAX_EXTRA_ITEMS
        )
        most = usual if most is None else min(most, usual)
        if depth <= 0 or not self._generator.has_budget or most <= least:
            return min(least, most) if most < least else least
        most = self._growable(node, least, most, depth)
        if most <= least:
            return least
        if least == 0 and not self._generator.source.index(2, (node, "empty")):
            return 0
        return self._generator.source.integer(max(least, 1), most)

    def _growable(self, node: ArrayNode, least: int, most: int, depth: int) -> int:
        """How many items can be drawn within the depth that is left."""
        for place in range(least, min(most, node.prefix_length + 1)):
            if not self._generator.heights.fits(node.item_at(place), depth - 1):
                return place
        return most

    def _unique_items(self, node: ArrayNode, count: int, depth: int) -> list[JsonValue]:
        items: list[JsonValue] = []
        seen: set[object] = set()
        for place in range(count):
            for _ in range(RETRIES):
                item = self._generator.draw_below(node.item_at(place), depth - 1)
                if freeze(item) not in seen:
                    seen.add(freeze(item))
                    items.append(item)
                    break
            else:
                if place >= node.prefix_length and len(items) >= node.min_items:
                    break
        return items

    def _array_with_contents(self, node: ArrayNode, depth: int) -> list[JsonValue]:
        """Some items of each `contains`, then as many others as the length wants."""
        wanted: list[Node] = []
        for contains in node.contains:
            more = 0 if contains.maximum is not None else self._generator.source.integer(0, 1)
            wanted += [contains.merged] * (contains.minimum + more)
        others = max(0, self._count(node, depth) - len(wanted))
        total = len(wanted) + max(others, node.min_items - len(wanted))
        if node.max_items is not None:
            total = min(total, max(node.max_items, 0))
        items: list[JsonValue] = []
        first = max(0, min(node.prefix_length, total - len(wanted)))
        for place in range(total):
            inside = 0 <= place - first < len(wanted)
            inner = wanted[place - first] if inside else node.item_at(place)
            if inside and place < node.prefix_length and isinstance(node.item_at(place), NeverNode):
                inner = node.item_at(place)
            items.append(self._generator.draw_below(inner, depth - 1))
        return items
