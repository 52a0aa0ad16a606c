"""What each perturbation does to answers: clean examples against their perturbed children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from schemalora.compliance.counts import ScoreCounter
from schemalora.compliance.pairing import RowIndex
from schemalora.compliance.rate import Rate
from schemalora.jsonvalue import JsonValue
from schemalora.records import Example
from schemalora.statistics import mcnemar_exact


@dataclass(frozen=True, slots=True)
class Flips:
    """How one metric or field fared over the pairs of one perturbation."""

    clean: Rate
    """Over the clean texts."""
    perturbed: Rate
    """Over the same examples' perturbed texts."""
    lost: int
    """Right on the clean text, wrong on the perturbed one."""
    won: int
    """Wrong on the clean text, right on the perturbed one."""

    @property
    def p(self) -> float:
        """Exact McNemar p-value of clean and perturbed texts being right equally often."""
        return mcnemar_exact(self.lost, self.won)

    def to_dict(self) -> dict[str, JsonValue]:
        """Both rates, the flips and their p-value."""
        return {
            "clean": self.clean.to_dict(),
            "perturbed": self.perturbed.to_dict(),
            "lost": self.lost,
            "won": self.won,
            "p": self.p,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Flips:
        """Reads what `to_dict` wrote."""
        return cls(
            clean=Rate.from_dict(cast("dict[str, JsonValue]", row["clean"])),
            perturbed=Rate.from_dict(cast("dict[str, JsonValue]", row["perturbed"])),
            lost=cast(int, row["lost"]),
            won=cast(int, row["won"]),
        )


class RobustnessCounter:
    """Counts flips by perturbation; a row with several perturbations counts under each.

    Args:
        columns: the names of the score's bits.
        index: where the scores of rows that were seen are kept, by id.
    """

    def __init__(self, columns: Sequence[str], index: RowIndex) -> None:
        self._columns = columns
        self._index = index
        self._counts: dict[str, tuple[ScoreCounter, ...]] = {}
        self._pending: list[tuple[str, int, tuple[str, ...]]] = []
        self._settle_at = 1_000

    def add(self, example: Example, score: int) -> None:
        """Keeps a row's score, and counts it against its parent's, which may come later."""
        self._index.set_score(example.id, score)
        if example.parent is not None:
            self._pending.append((example.parent, score, example.perturbations))
            if len(self._pending) >= self._settle_at:
                self._settle()

    def finish(self) -> dict[str, dict[str, Flips]]:
        """Perturbation → metric or field → flips; rows whose parent was not scored are left out."""
        self._settle()
        return {name: self._flips(counters) for name, counters in sorted(self._counts.items())}

    def _settle(self) -> None:
        still_pending: list[tuple[str, int, tuple[str, ...]]] = []
        for parent, score, perturbations in self._pending:
            clean = self._index.score(parent)
            if clean is None:
                still_pending.append((parent, score, perturbations))
                continue
            for name in perturbations:
                self._count(name, clean, score)
        self._pending = still_pending
        self._settle_at = 2 * len(still_pending) + 1_000

    def _count(self, name: str, clean: int, perturbed: int) -> None:
        counters = self._counts.get(name)
        if counters is None:
            width = len(self._columns)
            counters = self._counts[name] = tuple(ScoreCounter(width) for _ in range(4))
        for counter, bits in zip(
            counters, (clean, perturbed, clean & ~perturbed, perturbed & ~clean), strict=True
        ):
            counter.add(bits)

    def _flips(self, counters: tuple[ScoreCounter, ...]) -> dict[str, Flips]:
        n = counters[0].n
        clean, perturbed, lost, won = (counter.totals() for counter in counters)
        return {
            name: Flips(Rate(clean[i], n), Rate(perturbed[i], n), lost[i], won[i])
            for i, name in enumerate(self._columns)
        }
