"""Under which slices of a report an example counts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, TypeVar

from schemalora.compliance.counts import metric_rates
from schemalora.compliance.leafreading import leaf_label
from schemalora.compliance.rate import Rate
from schemalora.compliance.score import METRIC_BITS
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import Example

_T = TypeVar("_T")

UNPERTURBED: Final = "(none)"
_LENGTHS: Final = (80, 160, 320, 640, 1_280)
_LENGTH_LABELS: Final = (*(f"≤{most}" for most in _LENGTHS), f">{_LENGTHS[-1]}")
_OWN_DIMENSIONS: Final = frozenset({"perturbation", "group", "length"})


MOST_SLICES: Final = 1_000
"""A dimension with more values than this, such as a column of unique numbers, is not sliced by."""
_MOST_PLACES: Final = 4_096

_READS_AS_OTHER: Final = re.compile(
    r"null|true|false|-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|\(object\)|\(array\)|\".*", re.DOTALL
)

_Place: TypeAlias = "tuple[tuple[str, ...], str, str, tuple[tuple[str, str], ...]]"
"""Perturbations, group, length and columns of an example: all that slices are made of."""


class SliceCounter:
    """The four metrics for each value of each dimension; see `slices_of`."""

    def __init__(self) -> None:
        self._places: Counter[tuple[_Place, int]] = Counter()
        self._counts: dict[str, dict[str, list[int]]] = {}
        self._dropped: set[str] = set()

    def add(self, example: Example, score: int) -> None:
        """Counts one row under each of its slices."""
        self._places[_place(example), score & METRIC_BITS] += 1
        if len(self._places) > _MOST_PLACES:
            self._fold()

    def rates(self) -> dict[str, dict[str, dict[str, Rate]]]:
        """Dimension → value → metric → rate, each in sorted order."""
        self._fold()
        return {
            dimension: {label: metric_rates(counts) for label, counts in sorted(by_label.items())}
            for dimension, by_label in sorted(self._counts.items())
        }

    def dropped(self) -> list[str]:
        """Dimensions with more than `MOST_SLICES` values, which are left out."""
        self._fold()
        return sorted(self._dropped)

    def _fold(self) -> None:
        for (place, bits), times in self._places.items():
            for dimension, label in _slices(place):
                if dimension not in self._dropped:
                    self._count(dimension, label, bits, times)
        self._places.clear()

    def _count(self, dimension: str, label: str, bits: int, times: int) -> None:
        by_label = self._counts.setdefault(dimension, {})
        counts = by_label.get(label)
        if counts is None:
            if len(by_label) == MOST_SLICES:
                self._dropped.add(dimension)
                del self._counts[dimension]
                return
            counts = by_label[label] = [0] * (METRIC_BITS + 1)
        counts[bits] += times


def slices_of(example: Example) -> Iterator[tuple[str, str]]:
    """The (dimension, value) pairs under which an example counts.

    Dimensions: `perturbation` (one for each, or `(none)`), `group`, `length` (characters of the
    text), and each of the example's columns.
    """
    return _slices(_place(example))


def _place(example: Example) -> _Place:
    columns = tuple((name, _column_label(value)) for name, value in example.columns.items())
    return example.perturbations, example.group, _length_label(len(example.text)), columns


def _column_label(value: JsonValue) -> str:
    """A string as it is, but in quotes where it reads as the label of some other value."""
    if not isinstance(value, str):
        return leaf_label(value)
    return canonical_json(value) if _READS_AS_OTHER.fullmatch(value) else value


def _slices(place: _Place) -> Iterator[tuple[str, str]]:
    perturbations, group, length, columns = place
    for name in dict.fromkeys(perturbations) or (UNPERTURBED,):
        yield "perturbation", name
    if group:
        yield "group", group
    yield "length", length
    for name, label in columns:
        yield f"columns.{name}" if name in _OWN_DIMENSIONS else name, label


def tidy_slices(slices: Mapping[str, Mapping[str, _T]]) -> dict[str, dict[str, _T]]:
    """Lengths from short to long, and no perturbations where nothing was perturbed."""
    tidied = {dimension: dict(values) for dimension, values in slices.items()}
    if tidied.get("perturbation", {}).keys() == {UNPERTURBED}:
        del tidied["perturbation"]
    lengths = tidied.get("length", {})
    if lengths:
        tidied["length"] = {label: lengths[label] for label in _LENGTH_LABELS if label in lengths}
    return tidied


def weakest(values: Mapping[str, Mapping[str, Rate]], most: int) -> dict[str, Mapping[str, Rate]]:
    """All slices of a dimension, or where there are too many those that are surely weak.

    Sorted by the upper bound of exact match: a slice of few rows is not weak for one bad row.
    """
    if len(values) <= most:
        return dict(values)
    ordered = sorted(values.items(), key=lambda item: (item[1]["exact_match"].ci95.high, item[0]))
    return dict(ordered[:most])


def _length_label(characters: int) -> str:
    return _LENGTH_LABELS[bisect_left(_LENGTHS, characters)]
