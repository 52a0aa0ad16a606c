"""What each perturbation does to answers: clean examples against their perturbed children."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from schemalora.compliance.counts import ScoreCounter
from schemalora.compliance.pairing import RowIndex, row_key, score_column
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
    """Counts flips by perturbation; a row with several perturbations counts once under each.

    Args:
        columns: the names of the score's bits.
        index: where the scores of rows that were seen are kept, by id.
    """

    def __init__(self, columns: Sequence[str], index: RowIndex) -> None:
        self._columns = columns
        self._index = index
        self._counts: dict[str, tuple[ScoreCounter, ...]] = {}
        self._children = _Children(len(columns))
        self._settle_at = 1_000

    def add(self, example: Example, score: int) -> None:
        """Keeps a row's score, and counts it against its parent's, which may come later."""
        self._index.set_score(example.id, score)
        if example.parent is not None and example.perturbations:
            self._children.add(example.parent, score, example.perturbations)
            if len(self._children) >= self._settle_at:
                self._settle()

    def finish(self) -> dict[str, dict[str, Flips]]:
        """Perturbation → metric or field → flips; rows whose parent was not scored are left out."""
        self._settle()
        return {name: self._flips(counters) for name, counters in sorted(self._counts.items())}

    def _settle(self) -> None:
        for clean, score, perturbations in self._children.take(self._index):
            for name in perturbations:
                self._count(name, clean, score)
        self._settle_at = 2 * len(self._children) + 1_000

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


class _Children:
    """Rows that wait for their parent's score, in some 14 to 22 bytes each.

    Where no parent is among the examples, as in a set of perturbed messages alone, all of them
    wait to the end. Scores of more than 63 bits take some 40 bytes more.
    """

    def __init__(self, score_bits: int) -> None:
        self._parents = array("Q")
        self._scores = score_column(score_bits)
        self._combinations = array("I")
        # Rows share their combination of perturbations: each is kept once, by its number.
        self._numbers: dict[tuple[str, ...], int] = {}

    def __len__(self) -> int:
        return len(self._parents)

    def add(self, parent: str, score: int, perturbations: Sequence[str]) -> None:
        distinct = tuple(dict.fromkeys(perturbations))
        self._parents.append(row_key(parent))
        self._scores.append(score)
        self._combinations.append(self._numbers.setdefault(distinct, len(self._numbers)))

    def take(self, index: RowIndex) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Hands out those whose parent has a score: that score, their own, their perturbations."""
        combinations = list(self._numbers)
        columns = (self._parents, self._scores, self._combinations)
        kept = 0
        for place, (parent, score, number) in enumerate(zip(*columns, strict=True)):
            clean = index.score(parent)
            if clean is not None:
                yield clean, score, combinations[number]
                continue
            # In place, since a second copy would double what the rows take.
            for column in columns:
                column[kept] = column[place]
            kept += 1
        for column in columns:
            del column[kept:]
