"""The compact outcome of every row, by which two reports are compared pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from schemalora.jsonvalue import JsonValue


@dataclass(frozen=True)
class RowOutcomes:
    """One score a row, sorted by id."""

    columns: tuple[str, ...]
    """The metrics and then the leaf paths."""
    ids: tuple[str, ...]
    scores: tuple[int, ...]
    """Bit i of a score says whether column i is right."""
    groups: tuple[str, ...]
    """Each row's group; an id of its own where it has none."""

    def column(self, name: str) -> list[bool]:
        """For each row, whether it is right in one column."""
        bit = 1 << self.columns.index(name)
        return [bool(score & bit) for score in self.scores]

    def to_dict(self) -> dict[str, JsonValue]:
        """Columns once, then a string of 0 and 1 for each id, in their order."""
        width = len(self.columns)
        return {
            "columns": list(self.columns),
            "ids": list(self.ids),
            "outcomes": [f"{score:0{width}b}"[::-1] for score in self.scores],
            "groups": list(self.groups) if self.groups != self.ids else None,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> RowOutcomes:
        """Reads what `to_dict` wrote."""
        ids = tuple(cast("list[str]", row["ids"]))
        groups = cast("list[str] | None", row["groups"])
        return cls(
            columns=tuple(cast("list[str]", row["columns"])),
            ids=ids,
            scores=tuple(int(bits[::-1], 2) for bits in cast("list[str]", row["outcomes"])),
            groups=ids if groups is None else tuple(groups),
        )


class RowKeeper:
    """Collects row outcomes, or none of them once there are more than it may keep."""

    def __init__(self, columns: Sequence[str], limit: int | None) -> None:
        self._columns = tuple(columns)
        self._limit = limit
        self._rows: list[tuple[str, int, str]] | None = []

    def add(self, row_id: str, score: int, group: str) -> None:
        """Keeps one row; an empty group is the row's own."""
        if self._rows is None:
            return
        self._rows.append((row_id, score, group or row_id))
        if self._limit is not None and len(self._rows) > self._limit:
            self._rows = None

    def finish(self) -> RowOutcomes | None:
        """The rows, sorted by id; None where there were too many."""
        if self._rows is None:
            return None
        rows = sorted(self._rows)
        return RowOutcomes(
            columns=self._columns,
            ids=tuple(row_id for row_id, _, _ in rows),
            scores=tuple(score for _, score, _ in rows),
            groups=tuple(group for _, _, group in rows),
        )
