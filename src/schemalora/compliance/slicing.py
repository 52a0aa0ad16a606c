"""Under which slices of a report an example counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from schemalora.compliance.leafreading import leaf_label
from schemalora.compliance.rate import Rate
from schemalora.records import Example

_T = TypeVar("_T")

UNPERTURBED: Final = "(none)"
_LENGTHS: Final = (80, 160, 320, 640, 1_280)
_LENGTH_LABELS: Final = (*(f"≤{most}" for most in _LENGTHS), f">{_LENGTHS[-1]}")
_OWN_DIMENSIONS: Final = frozenset({"perturbation", "group", "length"})


def slices_of(example: Example) -> Iterator[tuple[str, str]]:
    """The (dimension, value) pairs under which an example counts.

    Dimensions: `perturbation` (one for each, or `(none)`), `group`, `length` (characters of the
    text), and each of the example's columns.
    """
    for name in dict.fromkeys(example.perturbations) or (UNPERTURBED,):
        yield "perturbation", name
    if example.group:
        yield "group", example.group
    yield "length", _length_label(len(example.text))
    for name, value in example.columns.items():
        dimension = f"columns.{name}" if name in _OWN_DIMENSIONS else name
        yield dimension, value if isinstance(value, str) else leaf_label(value)


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
    for most, label in zip(_LENGTHS, _LENGTH_LABELS, strict=False):
        if characters <= most:
            return label
    return _LENGTH_LABELS[-1]
