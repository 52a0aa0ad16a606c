"""What is counted of single leaves beyond right and wrong: confusions, and nulls."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from schemalora.compliance.leafreading import Absent, Leaf, leaf_label
from schemalora.compliance.rate import Rate
from schemalora.jsonvalue import JsonValue, freeze

if TYPE_CHECKING:
    from schemalora.contract import Contract, Field

MOST_LABELS = 40
"""Fields that allow more values than this get no confusion matrix."""
OTHER = "(other value)"


@dataclass(frozen=True, slots=True)
class Confusion:
    """For a field of few values: how often each was expected, and what came instead."""

    labels: tuple[str, ...]
    """The values the field allows, in the contract's order."""
    counts: Mapping[str, Mapping[str, int]]
    """expected → got → rows; what came may also be `(other value)`, `(missing key)`, `(no valid
    JSON)` and the like."""

    def to_dict(self) -> dict[str, JsonValue]:
        """`labels` and `counts`."""
        return {
            "labels": list(self.labels),
            "counts": {expected: dict(row) for expected, row in self.counts.items()},
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Confusion:
        """Reads what `to_dict` wrote."""
        return cls(
            labels=tuple(cast("list[str]", row["labels"])),
            counts=cast("dict[str, dict[str, int]]", row["counts"]),
        )


@dataclass(frozen=True, slots=True)
class Nulls:
    """For a field that may be null: accuracy alone hides which way it errs."""

    invented: Rate
    """Of the rows whose target is null: a value came."""
    missed: Rate
    """Of the rows whose target is a value: null, no key or no valid JSON came."""

    def to_dict(self) -> dict[str, JsonValue]:
        """Both rates."""
        return {"invented": self.invented.to_dict(), "missed": self.missed.to_dict()}

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Nulls:
        """Reads what `to_dict` wrote."""
        return cls(
            invented=Rate.from_dict(cast("dict[str, JsonValue]", row["invented"])),
            missed=Rate.from_dict(cast("dict[str, JsonValue]", row["missed"])),
        )


class LeafCounter:
    """Counts pairs of expected and given leaves of the fields that have few values or nulls."""

    def __init__(self, contract: Contract) -> None:
        self._watched = tuple(
            _Watched(number, path, field)
            for number, (path, field) in enumerate(contract.fields.items())
            if _has_few_values(field) or field.nullable
        )

    def add(self, leaves: Sequence[Leaf], got_leaves: Sequence[Leaf] | None, right: int) -> None:
        """Counts one row.

        Args:
            leaves: of the target.
            got_leaves: of what was parsed; None where nothing was, or where all is right.
            right: bit i says whether the contract's i-th field is right.
        """
        for watched in self._watched:
            number = watched.number
            expected = watched.label(leaves[number])
            if right >> number & 1:
                got = expected
            else:
                got = _UNPARSED if got_leaves is None else watched.label(got_leaves[number])
            watched.pairs[expected, got] += 1

    def confusion(self) -> dict[str, Confusion]:
        """Leaf path → confusion matrix, for fields of few values."""
        return {one.path: one.confusion() for one in self._watched if one.has_few_values}

    def nulls(self) -> dict[str, Nulls]:
        """Leaf path → how nulls were handled, for fields that may be null."""
        return {one.path: one.nulls() for one in self._watched if one.nullable}


_UNPARSED: Final = leaf_label(Absent.UNPARSED)


class _Watched:
    def __init__(self, number: int, path: str, field: Field) -> None:
        self.number = number
        self.path = path
        self.has_few_values = _has_few_values(field)
        self.nullable = field.nullable
        self._labels = {_key(value): leaf_label(value) for value in field.allowed or ()}
        if field.nullable and self._labels:
            self._labels.setdefault(_key(None), "null")
        self.pairs: defaultdict[tuple[str, str], int] = defaultdict(int)
        """(expected, got) → rows, by label."""

    def confusion(self) -> Confusion:
        labels = tuple(self._labels.values())
        rank = {label: i for i, label in enumerate(labels)}
        counts: dict[str, dict[str, int]] = {}
        for (expected, got), times in sorted(
            self.pairs.items(),
            key=lambda item: [(rank.get(label, len(rank)), label) for label in item[0]],
        ):
            counts.setdefault(expected, {})[got] = times
        return Confusion(labels, counts)

    def nulls(self) -> Nulls:
        null = self._pairs_where(expected_null=True)
        value = self._pairs_where(expected_null=False)
        return Nulls(
            invented=Rate(sum(t for got, t in null.items() if _is_value(got)), null.total()),
            missed=Rate(sum(t for got, t in value.items() if not _is_value(got)), value.total()),
        )

    def _pairs_where(self, *, expected_null: bool) -> Counter[str]:
        """What came, where the target was null or was a value."""
        came: Counter[str] = Counter()
        for (expected, got), times in self.pairs.items():
            if (expected == "null") if expected_null else _is_value(expected):
                came[got] += times
        return came

    def label(self, leaf: Leaf) -> str:
        """A value the field allows by its name, anything else by what it is."""
        if isinstance(leaf, str):
            return self._labels.get(leaf, OTHER)
        if leaf is None:
            return "null"
        if isinstance(leaf, Absent):
            return f"({leaf.value})"
        return self._labels.get(_key(leaf), OTHER) if self._labels else OTHER


def _key(value: JsonValue) -> object:
    """Hashable; strings, which are the most, stand for themselves."""
    return value if isinstance(value, str) else freeze(value)


_NO_VALUE = frozenset({"null", *(f"({absent.value})" for absent in Absent)})


def _is_value(label: str) -> bool:
    return label not in _NO_VALUE


def _has_few_values(field: Field) -> bool:
    return field.allowed is not None and 2 <= len(field.allowed) <= MOST_LABELS
