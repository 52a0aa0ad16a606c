"""Draws arrays: how many items, which of them for `contains`, and none twice where that counts."""

from __future__ import annotations

from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue, freeze
from schemalora.sampling.drawing import RETRIES, Drawing
from schemalora.schema import ArrayNode, NeverNode, Node, matches

_MAX_EXTRA_ITEMS = 3
_MAX_STRETCH = 9


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
            0 if isinstance(node.rest, NeverNode) else self._most_extra
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

    @property
    def _most_extra(self) -> int:
        return _MAX_EXTRA_ITEMS + min(self._generator.stretch, _MAX_STRETCH)

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
            if isinstance(contains.merged, NeverNode):
                continue  # a place of the prefix has to match, which the caller checks
            wanted += [contains.merged] * (contains.minimum + more)
        others = max(0, self._count(node, depth) - len(wanted))
        total = len(wanted) + max(others, node.min_items - len(wanted))
        if node.max_items is not None:
            total = min(total, max(node.max_items, 0))
        items: list[JsonValue] = []
        first = max(0, min(node.prefix_length, total - len(wanted)))
        for place in range(total):
            inside = 0 <= place - first < len(wanted)
            if inside and not isinstance(node.item_at(place), NeverNode):
                items.append(self._generator.draw_below(wanted[place - first], depth - 1))
            else:
                items.append(self._other_item(node, place, depth))
        return items

    def _other_item(self, node: ArrayNode, place: int, depth: int) -> JsonValue:
        """An item that does not count as one more where only so many may match a `contains`."""
        limited = [one.node for one in node.contains if one.maximum is not None]
        item = self._generator.draw_below(node.item_at(place), depth - 1)
        for _ in range(RETRIES):
            if not any(matches(one, item) for one in limited):
                break
            item = self._generator.draw_below(node.item_at(place), depth - 1)
        return item
