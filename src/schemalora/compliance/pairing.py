"""Brings examples and predictions together by id, streaming, and refuses what does not fit."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from schemalora.errors import PairingError
from schemalora.records import Example, Prediction

_NAMED = 5
_FULL = 0.6


class RowIndex:
    """A set of row ids with each row's score, in some 15 to 55 bytes a row, by its width.

    Ids are kept as 64-bit hashes in an open-addressed table: a million ids collide with a chance
    of 3e-8. Scores of more than 63 bits, of contracts with more than 59 fields, are kept as Python
    integers, in some 40 bytes more.

    Args:
        score_bits: how many bits a score has.
    """

    def __init__(self, score_bits: int) -> None:
        self._score_bits = score_bits
        self._hashes, self._scores = self._tables(1024)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, row_id: str) -> bool:
        key = row_key(row_id)
        return self._hashes[self._slot(key)] == key

    def add(self, row_id: str) -> bool:
        """Adds an id; False where it was there already."""
        key = row_key(row_id)
        slot = self._slot(key)
        if self._hashes[slot] == key:
            return False
        self._hashes[slot] = key
        self._count += 1
        if self._count > _FULL * len(self._hashes):
            self._grow()
        return True

    def set_score(self, row_id: str, score: int) -> None:
        """Keeps a score with an id that was added."""
        # Plus one, so that 0 is a row that has none yet.
        self._scores[self._slot(row_key(row_id))] = score + 1

    def score(self, key: int) -> int | None:
        """The score kept with the id of a `row_key`; None where there is none."""
        kept = self._scores[self._slot(key)]
        return kept - 1 if kept else None

    def _tables(self, slots: int) -> tuple[array[int], array[int] | list[int]]:
        hashes = array("Q", [0]) * slots
        scores = score_column(self._score_bits)
        scores.append(0)
        return hashes, scores * slots

    def _slot(self, key: int) -> int:
        hashes = self._hashes
        mask = len(hashes) - 1
        slot = key & mask
        while hashes[slot] not in (0, key):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old_hashes, old_scores = self._hashes, self._scores
        self._hashes, self._scores = self._tables(2 * len(old_hashes))
        for key, score in zip(old_hashes, old_scores, strict=True):
            if key:
                slot = self._slot(key)
                self._hashes[slot] = key
                self._scores[slot] = score


_MASK = (1 << 64) - 1


def row_key(row_id: str) -> int:
    """The 64-bit hash by which a row is known; never 0."""
    return hash(row_id) & _MASK or 1


def score_column(score_bits: int) -> array[int] | list[int]:
    """An empty column for scores, and for scores plus one, in as few bytes as they need."""
    code = next((code for code in "BHILQ" if 8 * array(code).itemsize > score_bits), None)
    return [] if code is None else array(code)


def pair(
    examples: Iterable[Example],
    predictions: Iterable[Prediction],
    *,
    index: RowIndex,
    allow_missing: bool = False,
) -> Iterator[tuple[Example, Prediction | None]]:
    """Streams each example with its prediction; None where there is none and that is allowed.

    Both sides are read in step, so that files in the same order need constant memory; rows that
    come early wait for their partner.

    Args:
        examples: the rows that count; each id once.
        predictions: at most one for each example.
        index: an empty index, which is filled with the examples' ids.
        allow_missing: give examples without a prediction, at the end, instead of refusing them.

    Raises:
        PairingError: once both sides are read: no examples, ids that repeat, predictions of no
            example, or examples without a prediction; with counts and names.
    """
    early_examples: dict[str, Example] = {}
    early_predictions: dict[str, Prediction] = {}
    repeated = _Names()
    answered_twice = _Names()
    for example, prediction in zip_longest(examples, predictions):
        if example is not None and not index.add(example.id):
            repeated.add(example.id)
            example = None  # noqa: PLW2901  its first occurrence stands
        if example is not None and prediction is not None and example.id == prediction.example_id:
            yield example, prediction
            continue
        if example is not None:
            early = early_predictions.pop(example.id, None)
            if early is not None:
                yield example, early
            else:
                early_examples[example.id] = example
        if prediction is not None:
            waiting = early_examples.pop(prediction.example_id, None)
            if waiting is not None:
                yield waiting, prediction
            elif prediction.example_id in early_predictions:
                answered_twice.add(prediction.example_id)
            else:
                early_predictions[prediction.example_id] = prediction
    for row_id in [row_id for row_id in early_predictions if row_id in index]:
        del early_predictions[row_id]
        answered_twice.add(row_id)
    missing = () if allow_missing else list(early_examples)
    _refuse(len(index), repeated, answered_twice, unknown=list(early_predictions), missing=missing)
    for example in early_examples.values():
        yield example, None


def _refuse(
    n: int,
    repeated: _Names,
    answered_twice: _Names,
    *,
    unknown: Sequence[str],
    missing: Sequence[str],
) -> None:
    if not n:
        raise PairingError(
            "there are no examples to score"
            + (f", but {len(unknown)} predictions" if unknown else "; the file is empty")
        )
    faults: list[str] = []
    if repeated:
        faults.append(f"{len(repeated)} example ids are used more than once ({repeated})")
    if answered_twice:
        faults.append(f"{len(answered_twice)} examples have two predictions ({answered_twice})")
    if unknown:
        faults.append(f"{len(unknown)} predictions belong to no example ({name_some(unknown)})")
    if missing:
        faults.append(
            f"{len(missing)} of {n} examples have no prediction ({name_some(missing)}); "
            "allow_missing (--allow-missing) scores them as wrong"
        )
    if faults:
        raise PairingError("; ".join(faults))


class _Names:
    """Counts ids and keeps the first few."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[str] = []

    def add(self, row_id: str) -> None:
        self._count += 1
        if len(self._first) < _NAMED:
            self._first.append(row_id)

    def __len__(self) -> int:
        return self._count

    def __str__(self) -> str:
        return _listed(self._first, self._count)


def name_some(ids: Sequence[str]) -> str:
    """The first few ids, such as `a, b, c and 17 more`."""
    return _listed(ids[:_NAMED], len(ids))


def _listed(first: Sequence[str], count: int) -> str:
    more = f" and {count - len(first)} more" if count > len(first) else ""
    return ", ".join(first) + more
