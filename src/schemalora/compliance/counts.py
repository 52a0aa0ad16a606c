"""Counters whose size does not grow with the number of rows, and do not depend on their order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from schemalora.compliance.rate import Rate
from schemalora.compliance.score import METRICS

_MOST_SCORES = 4_096
_MOST_PATHS = 1_000
_INDEX = re.compile(r"\[\d+\]")
_LAST_STEP = re.compile(r"(\.[^.\[]*|\[[^\]]*\])$")


class ScoreCounter:
    """Counts scores (see `Scorer`) and says how often each bit was set."""

    def __init__(self, columns: int) -> None:
        self._scores: Counter[int] = Counter()
        self._totals = [0] * columns
        self.n = 0

    def add(self, score: int) -> None:
        """Counts one row."""
        self.n += 1
        self._scores[score] += 1
        if len(self._scores) > _MOST_SCORES:
            self._fold()

    def totals(self) -> list[int]:
        """For each column, how many rows were right."""
        self._fold()
        return list(self._totals)

    def _fold(self) -> None:
        for column in range(len(self._totals)):
            bit = 1 << column
            self._totals[column] += sum(
                times for score, times in self._scores.items() if score & bit
            )
        self._scores.clear()


def metric_rates(counts: list[int]) -> dict[str, Rate]:
    """The four metrics, from how often each combination of their bits occurred (16 counts)."""
    n = sum(counts)
    return {
        name: Rate(sum(times for bits, times in enumerate(counts) if bits >> column & 1), n)
        for column, name in enumerate(METRICS)
    }


class ViolationCounter:
    """How many rows have a violation of each kind at each path.

    Array positions are written `[*]`. Where completions invent so many keys that a kind has more
    than 1,000 paths, the last step of each is written `*`, and the rows of its paths are summed.
    """

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._folded: set[str] = set()

    def add(self, violations: Iterable[tuple[str, str]]) -> None:
        """Counts one row by its (kind, path) pairs, each at most once."""
        places = {
            (kind, _INDEX.sub("[*]", path) if "[" in path else path) for kind, path in violations
        }
        for kind, path in places:
            counts = self._counts.get(kind)
            if counts is None:
                counts = self._counts[kind] = Counter()
            counts[self._fold(kind, path)] += 1
            if len(counts) > _MOST_PATHS and kind not in self._folded:
                self._folded.add(kind)
                self._counts[kind] = Counter()
                for long, times in counts.items():
                    self._counts[kind][self._fold(kind, long)] += times

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Kind → path → rows; the commonest first."""
        kinds = sorted(self._counts.items(), key=lambda item: (-item[1].total(), item[0]))
        return {kind: ordered_counts(counts) for kind, counts in kinds}

    def _fold(self, kind: str, path: str) -> str:
        return _LAST_STEP.sub(".*", path) if kind in self._folded else path


def ordered_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The commonest first; ties by name, so that the order of rows is no matter."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
