"""The compact outcome of every row, by which two reports are compared pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from schemalora.compliance.rate import Rate
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.statistics import effective_sample_size


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
    confidences: Mapping[str, tuple[float | None, ...]] = field(
        default_factory=dict[str, "tuple[float | None, ...]"]
    )
    """Leaf path → each row's probability of the value there; None where its prediction has none.
    Empty where no prediction carries any."""

    def column(self, name: str) -> list[bool]:
        """For each row, whether it is right in one column."""
        bit = 1 << self.columns.index(name)
        return [bool(score & bit) for score in self.scores]

    @cached_property
    def group_count(self) -> int:
        """How many groups the rows are of; as many as rows where each is of its own."""
        return len(set(self.groups))

    @property
    def shared_groups(self) -> tuple[str, ...] | None:
        """Each row's group; None where no two rows are of one."""
        return self.groups if self.group_count < len(self.groups) else None

    def rate(self, name: str) -> Rate:
        """The rate of one column; its interval allows for rows of one group going together."""
        right = self.column(name)
        groups = self.shared_groups
        effective = None if groups is None else effective_sample_size(right, groups)
        return Rate(sum(right), len(right), effective)

    def to_dict(self) -> dict[str, JsonValue]:
        """Columns once, then a string of 0 and 1 for each id, in their order."""
        width = len(self.columns)
        return {
            "columns": list(self.columns),
            "ids": list(self.ids),
            "outcomes": [f"{score:0{width}b}"[::-1] for score in self.scores],
            "groups": list(self.groups) if self.groups != self.ids else None,
            "confidences": {path: list(one) for path, one in self.confidences.items()},
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> RowOutcomes:
        """Reads what `to_dict` wrote."""
        ids = tuple(cast("list[str]", row["ids"]))
        groups = cast("list[str] | None", row["groups"])
        # Reports that were written before there were confidences have none.
        confidences = cast("dict[str, list[float | None]]", row.get("confidences", {}))
        return cls(
            columns=tuple(cast("list[str]", row["columns"])),
            ids=ids,
            scores=tuple(int(bits[::-1], 2) for bits in cast("list[str]", row["outcomes"])),
            groups=ids if groups is None else tuple(groups),
            confidences={path: tuple(one) for path, one in confidences.items()},
        )


class RowKeeper:
    """Collects row outcomes, or none of them once there are more than it may keep."""

    def __init__(self, columns: Sequence[str], fields: Sequence[str], limit: int | None) -> None:
        self._columns = tuple(columns)
        self._fields = tuple(fields)
        self._limit = limit
        self._rows: list[tuple[str, int, str]] | None = []
        self._confidences: dict[str, Mapping[str, float]] = {}
        self.dropped_confidences = False
        """Whether there were confidences, and too many rows to keep them."""
        self.dropped_groups = False
        """Whether there were groups, and too many rows to keep them."""

    def add(
        self, row_id: str, score: int, group: str, confidence: Mapping[str, float] | None = None
    ) -> None:
        """Keeps one row; an empty group is the row's own.

        Raises:
            UsageError: a confidence that is no number between 0 and 1.
        """
        if confidence:
            _check_confidence(row_id, confidence)
        if self._rows is None:
            self.dropped_confidences |= bool(confidence)
            self.dropped_groups |= bool(group)
            return
        self._rows.append((row_id, score, group or row_id))
        if confidence:
            self._confidences[row_id] = confidence
        if self._limit is not None and len(self._rows) > self._limit:
            self.dropped_groups = any(group != row_id for row_id, _, group in self._rows)
            self._rows = None
            self.dropped_confidences = bool(self._confidences)
            self._confidences.clear()

    def finish(self) -> RowOutcomes | None:
        """The rows, sorted by id; None where there were too many."""
        if self._rows is None:
            return None
        rows = sorted(self._rows)
        ids = tuple(row_id for row_id, _, _ in rows)
        return RowOutcomes(
            columns=self._columns,
            ids=ids,
            scores=tuple(score for _, score, _ in rows),
            groups=tuple(group for _, _, group in rows),
            confidences=self._by_field(ids),
        )

    def _by_field(self, ids: Sequence[str]) -> dict[str, tuple[float | None, ...]]:
        nothing: Mapping[str, float] = {}
        of_rows = [self._confidences.get(row_id, nothing) for row_id in ids]
        columns = {path: tuple(one.get(path) for one in of_rows) for path in self._fields}
        return {path: one for path, one in columns.items() if any(v is not None for v in one)}


def _check_confidence(row_id: str, confidence: Mapping[str, float]) -> None:
    for path, value in confidence.items():
        # What was read from a file may hold anything.
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise UsageError(
                f"the prediction of {row_id!r} has the confidence {value!r}, "
                f"which is no number between 0 and 1 @ {path}"
            )
