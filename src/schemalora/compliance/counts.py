"""Counters whose size does not grow with the number of rows, and do not depend on their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from schemalora.compliance.rate import Rate
from schemalora.compliance.score import METRICS

_MOST_SCORES = 4_096


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


def ordered_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The commonest first; ties by name, so that the order of rows is no matter."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
