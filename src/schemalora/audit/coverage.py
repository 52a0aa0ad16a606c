"""Counts the value classes of each field: what never occurs, and what hardly does."""

from __future__ import annotations

import json

from schemalora.audit.report import AuditFinding
from schemalora.contract import Contract
from schemalora.records import Example
from schemalora.sampling import cells

_FEWEST_ROWS = 50
"""Shares of fewer rows say little."""

_SMALLEST_SHARE = 0.1
"""A class with less than this part of an even share is called rare."""


class CoverageCheck:
    """Finds cells that no row has, and fields whose classes are far from balanced."""

    def __init__(self, contract: Contract) -> None:
        self._cells = cells(contract)
        self._counts = [0] * len(self._cells)
        self._n = 0

    def add(self, example: Example) -> None:
        """Counts one row."""
        self._n += 1
        for at, cell in enumerate(self._cells):
            if cell.matches(example.target):
                self._counts[at] += 1

    def findings(self) -> list[AuditFinding]:
        """What was found."""
        uncovered = [
            AuditFinding(
                kind="uncovered_cell",
                severity="error" if _matters(cell.label) else "warning",
                message=f"no row has {cell.label}",
                count=0,
                path=cell.path,
            )
            for cell, count in zip(self._cells, self._counts, strict=True)
            if count == 0
        ]
        return [*uncovered, *self._imbalances()]

    def _imbalances(self) -> list[AuditFinding]:
        by_path: dict[str, list[tuple[int, str]]] = {}
        for cell, count in zip(self._cells, self._counts, strict=True):
            if count:
                by_path.setdefault(cell.path, []).append((count, cell.label))
        if self._n < _FEWEST_ROWS:
            return []
        found: list[AuditFinding] = []
        for path, counts in by_path.items():
            total = sum(count for count, _ in counts)
            rare = [one for one in sorted(counts) if one[0] * len(counts) < _SMALLEST_SHARE * total]
            if rare:
                most, most_label = max(counts)
                shown = ", ".join(f"{label} {count}" for count, label in rare[:5])
                found.append(
                    AuditFinding(
                        kind="imbalance",
                        severity="warning",
                        message=f"rare: {shown}; most common: {most_label} {most}",
                        count=sum(count for count, _ in rare),
                        path=path,
                    )
                )
        return found


def _matters(label: str) -> bool:
    """Whether no data set should lack it: a value, null or its absence, a list with items.

    An empty list, or a way to write a value that nobody uses (a decimal as a number), may well
    never occur.
    """
    if label in ("non-null", "non-empty"):
        return True
    try:
        json.loads(label)
    except ValueError:
        return False
    return True
