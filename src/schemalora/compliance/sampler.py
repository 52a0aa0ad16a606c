"""A bounded sample of a stream that does not depend on the order of the stream."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

_T = TypeVar("_T")


class KeySampler(Generic[_T]):
    """Keeps the items with the smallest keys; with hashes as keys, that is a random sample.

    Args:
        limit: how many items are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[tuple[int, str, _T]] = []
        self.total = 0
        """How many items there were."""

    def wants(self, key: int) -> bool:
        """Counts an item and says whether it would be kept; asked once for each item."""
        self.total += 1
        return len(self._heap) < self._limit or (self._limit > 0 and -key > self._heap[0][0])

    def keep(self, key: int, row_id: str, item: _T) -> None:
        """Keeps an item, once there are too many in place of the one with the largest key."""
        entry = (-key, row_id, item)
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heapreplace(self._heap, entry)

    def items(self) -> list[_T]:
        """The kept items, sorted by row id."""
        return [item for _, _, item in sorted(self._heap, key=lambda entry: entry[1])]
