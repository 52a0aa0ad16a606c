"""One forward pass over rows of different lengths, without padding between them.

The new tokens of all rows lie one behind the other in a single sequence, so the linear layers,
where nearly all the time goes, see no padding, and a row may bring one token, a draft of eight, or
its whole prompt. Only attention knows rows: each row has its own slots in the cache, in which
slot = position, so a rejected draft is simply overwritten. The prompt prefix that all rows share is
kept once and attended to by all of them.

Works with every model of transformers that takes its attention from the attention interface.
"""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


@dataclass(frozen=True, slots=True)
class Feed:
    """What one row brings to a forward pass."""

    row: int
    """Row of the cache."""
    tokens: Sequence[int]
    """The new tokens, shape (n,)."""
    start: int
    """Slot of the first of them; the position is `prefix length + slot`."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows whose attention is computed together, padded to the longest of them."""

    rows: slice | torch.Tensor
    """Rows of the cache, b of them; a slice where they lie together, which needs no copy."""
    tokens: torch.Tensor
    """Index into the packed tokens, shape (b, t); padding points at any token."""
    positions: torch.Tensor
    """Position of each query, shape (b, t)."""
    size: tuple[int, int]
    """(b, t)"""
    length: int
    """Slots that are looked at."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the heads of queries lie, so that each is copied once on its way in and out."""

    queries: Sequence[torch.Tensor]
    """For each group, index into (packed tokens * heads) in the order b, heads, t."""
    outputs: torch.Tensor
    """Index from packed tokens * heads into all groups' queries, one group behind the other."""


@dataclass(slots=True)
class PackedStep:
    """Where the tokens of one forward pass belong."""

    ids: torch.Tensor
    """Token ids, shape (1, n)."""
    positions: torch.Tensor
    """Their positions, shape (1, n)."""
    rows: torch.Tensor
    """Their cache rows, shape (n,)."""
    slots: torch.Tensor
    """Their slots, shape (n,)."""
    groups: list[Group]
    lines: torch.Tensor
    """For each packed token, shape (3, n): where its feed's line begins among the groups' padded
    tokens, how wide the line is, and how far in it the token stands."""
    prefix_length: int
    longest: int
    """Slots that any row looks at."""
    _layouts: dict[int, _Layout] = field(default_factory=dict[int, _Layout])
    _masks: dict[tuple[int, int | None], torch.Tensor] = field(
        default_factory=dict[tuple[int, int | None], torch.Tensor]
    )

    def layout(self, heads: int) -> _Layout:
        """Where a layer of so many heads of queries finds and leaves them."""
        layout = self._layouts.get(heads)
        if layout is None:
            head = torch.arange(heads, device=self.ids.device)
            begin, width, within = self.lines[:, :, None]
            layout = self._layouts[heads] = _Layout(
                queries=[
                    (group.tokens[:, None, :] * heads + head[:, None]).flatten()
                    for group in self.groups
                ],
                outputs=(begin * heads + head * width + within).flatten(),
            )
        return layout

    def mask(self, group: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        """What the queries of a group must not see, additive, shape (b, 1, 1, t, prefix + length).

        Args:
            group: index of the group.
            window: sliding window in positions, counting the query's own; None sees everything.
            dtype: of the scores.
        """
        mask = self._masks.get((group, window))
        if mask is None:
            one = self.groups[group]
            keys = torch.arange(self.prefix_length + one.length, device=self.ids.device)
            queries = one.positions[:, None, None, :, None]
            hidden = keys > queries
            if window is not None:
                hidden = hidden | (keys <= queries - window)
            lowest = torch.finfo(dtype).min
            mask = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
            mask = self._masks[group, window] = mask.masked_fill_(hidden, lowest)
        return mask


# Slots that are zeroed together.
_CLEARED_AT_ONCE = 32


class _PackedLayer(CacheLayerMixin):
    """Keys and values of one layer, shape (rows, heads, slots, head size)."""

    is_sliding = False

    def __init__(self, owner: PackedCache) -> None:
        super().__init__()
        self._owner = owner
        self._cleared = 0
        """How many slots of every row hold numbers."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        rows, slots, opening = self._owner.rows, self._owner.slots, self._owner.opening
        self._cleared = 0
        self.keys = key_states.new_empty(rows, key_states.shape[1], slots, key_states.shape[3])
        self.values = value_states.new_empty(
            rows, value_states.shape[1], slots, value_states.shape[3]
        )
        if opening is not None:
            self._clear(opening.slots)
            source = opening.layers[self._owner.layers.index(self)]
            assert isinstance(source, _PackedLayer)
            assert source.keys is not None
            assert source.values is not None
            self.keys[:, :, : opening.slots] = source.keys
            self.values[:, :, : opening.slots] = source.values
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        step = self._owner.step
        assert step is not None
        assert self.keys is not None
        assert self.values is not None
        if step.longest > self._cleared:
            self._clear(step.longest)
        self.keys[step.rows, :, step.slots] = key_states[0].transpose(0, 1)
        self.values[step.rows, :, step.slots] = value_states[0].transpose(0, 1)
        return self.keys, self.values

    def _clear(self, slots: int) -> None:
        """Zeros more slots: what was never written is masked, but 0 * NaN would not be 0.

        Not all at once, as most rows stay far from the token limit: memory that nobody touches
        costs nothing.
        """
        assert self.keys is not None
        assert self.values is not None
        fresh = slice(self._cleared, max(slots, self._cleared + _CLEARED_AT_ONCE))
        self.keys[:, :, fresh] = 0
        self.values[:, :, fresh] = 0
        self._cleared = fresh.stop

    def copy_row(self, source: int, target: int) -> None:
        """Copies one row over another, as far as anything was written."""
        assert self.keys is not None
        assert self.values is not None
        for numbers in (self.keys, self.values):
            numbers[target, :, : self._cleared] = numbers[source, :, : self._cleared]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return query_length, 0

    def get_seq_length(self) -> int:
        return 0

    def get_max_length(self) -> int:
        return self._owner.slots


class PackedCache(Cache):
    """The cache of a batch: `rows` times `slots`, behind a prefix that all rows share.

    Args:
        rows: how many rows it holds at once.
        slots: tokens per row, prefix not counted.
        prefix: a filled cache of one row, whose tokens come before every row's own.
        opening: a filled cache of one row, which is copied to the first slots of every row; no row
            may write there.
    """

    def __init__(
        self,
        *,
        rows: int,
        slots: int,
        prefix: PackedCache | None = None,
        opening: PackedCache | None = None,
    ) -> None:
        super().__init__(layer_class_to_replicate=partial(_PackedLayer, self))  # pyright: ignore[reportArgumentType]  (any factory)
        self.rows = rows
        self.slots = slots
        self.prefix = prefix
        self.opening = opening
        self.prefix_length = prefix.slots if prefix is not None else 0
        self.step: PackedStep | None = None

    def smaller(self, rows: int) -> PackedCache:
        """An empty cache of fewer rows; this one gives its memory back."""
        self.layers.clear()
        return PackedCache(rows=rows, slots=self.slots, prefix=self.prefix, opening=self.opening)

    def pack(self, feeds: Sequence[Feed], device: torch.device) -> PackedStep:
        """Lays out the tokens of one forward pass."""
        offsets = list(accumulate((len(feed.tokens) for feed in feeds), initial=0))
        groups: list[Group] = []
        lines = [(0, 0, 0)] * offsets[-1]
        base = 0
        for part in alike(feeds, self.prefix_length, _GROUP_COST[device.type == "cpu"]):
            group = self._group([feeds[i] for i in part], [offsets[i] for i in part], device)
            groups.append(group)
            for place, index in enumerate(part):
                width, count = group.size[1], len(feeds[index].tokens)
                line = [(base + place * width, width, within) for within in range(count)]
                lines[offsets[index] : offsets[index] + count] = line
            base += group.size[0] * group.size[1]
        tensor = partial(torch.tensor, dtype=torch.long, device=device)
        slots = [slot for f in feeds for slot in range(f.start, f.start + len(f.tokens))]
        return PackedStep(
            ids=tensor([[token for feed in feeds for token in feed.tokens]]),
            positions=tensor([[self.prefix_length + slot for slot in slots]]),
            rows=tensor([feed.row for feed in feeds for _ in feed.tokens]),
            slots=tensor(slots),
            groups=groups,
            lines=tensor(lines).t(),
            prefix_length=self.prefix_length,
            longest=max(group.length for group in groups),
        )

    def _group(self, feeds: Sequence[Feed], offsets: Sequence[int], device: torch.device) -> Group:
        width = max(len(feed.tokens) for feed in feeds)
        tokens = [
            [offset + min(index, len(feed.tokens) - 1) for index in range(width)]
            for feed, offset in zip(feeds, offsets, strict=True)
        ]
        starts = torch.tensor([self.prefix_length + feed.start for feed in feeds], device=device)
        rows = [feed.row for feed in feeds]
        together = rows == list(range(rows[0], rows[0] + len(rows)))
        return Group(
            rows=slice(rows[0], rows[0] + len(rows))
            if together
            else torch.tensor(rows, device=device),
            tokens=torch.tensor(tokens, device=device),
            positions=starts[:, None] + torch.arange(width, device=device),
            size=(len(feeds), width),
            length=max(feed.start + len(feed.tokens) for feed in feeds),
        )

    @torch.inference_mode()
    def move_row(self, source: int, target: int) -> None:
        """Copies one row of the cache over another."""
        for layer in self.layers:
            if isinstance(layer, _PackedLayer) and layer.is_initialized:
                layer.copy_row(source, target)


# What a group of its own costs, in cells of a score matrix: on a CPU the time of a dozen small
# operations (4,000 and 25,000 were a few per cent slower), on a GPU their launches (not measured).
_GROUP_COST = {True: 10_000, False: 200_000}


# Rows whose last slots are this near to each other count as equally far on.
_SLOTS_ALIKE = 64


def alike(feeds: Sequence[Feed], prefix_length: int, cost: int) -> list[list[int]]:
    """Sorts feeds into groups of similar length, and puts the cuts where that is cheapest.

    A group costs `cost` and the cells of its scores: its feeds, padded to the longest of them,
    times the slots that the one furthest on looks at. Feeds of the same length that are about
    equally far on stay together.

    Returns:
        Indices of feeds, each once; ascending within a group.
    """
    classes: dict[tuple[int, int], list[int]] = {}
    for index, feed in enumerate(feeds):
        length = len(feed.tokens)
        classes.setdefault((length, (feed.start + length) // _SLOTS_ALIKE), []).append(index)
    keys = sorted(classes, reverse=True)
    ends = [max(feeds[i].start for i in classes[key]) + key[0] for key in keys]
    # cheapest[n]: what the first n classes cost, and where the last of their groups begins.
    cheapest: list[tuple[int, int]] = [(0, 0)]
    for last in range(len(keys)):
        count = end = 0
        options: list[tuple[int, int]] = []
        for first in range(last, -1, -1):
            count += len(classes[keys[first]])
            end = max(end, ends[first])
            cells = keys[first][0] * count * (end + prefix_length)
            options.append((cheapest[first][0] + cost + cells, first))
        cheapest.append(min(options))
    groups: list[list[int]] = []
    behind = len(keys)
    while behind:
        first = cheapest[behind][1]
        groups.append(sorted(i for key in keys[first:behind] for i in classes[key]))
        behind = first
    return groups
