"""How many rows break the contract in which way and where, in bounded memory."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate

from schemalora.compliance.counts import ordered_counts
from schemalora.schema import ROOT

_MOST_PATHS = 1_000
_MOST_STEPS = 64
"""As deep as completions are read; a path of more steps would be cut here."""
_STEP = re.compile(r'\.[^.\[]+|\["(?:[^"\\]|\\.)*"\]|\[\d+\]')
_PLACE = re.compile(r"\[\d+\]")


class ViolationCounter:
    """How many rows have a violation of each kind at each path.

    Array positions are written `[*]`. Where completions invent so many keys that a kind has more
    than 1,000 paths, all its paths are cut to as many steps as leave 1,000 or fewer, and the number
    at `$.items.*` is then of the rows with such a violation anywhere below `$.items`. A row counts
    once for each path that is shown, cut or not, so that no number exceeds that of the rows.
    """

    def __init__(self) -> None:
        self._kinds: defaultdict[str, _Paths] = defaultdict(_Paths)

    def add(self, violations: Iterable[tuple[str, str]]) -> None:
        """Counts one row by its (kind, path) pairs."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for kind, path in violations:
            found[kind].add(path)
        for kind, paths in found.items():
            self._kinds[kind].add(paths)

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Kind → path → rows; the commonest first."""
        shown = [(kind, paths.shown()) for kind, paths in self._kinds.items()]
        shown.sort(key=lambda item: (-sum(item[1].values()), item[0]))
        return dict(shown)


class _Paths:
    """The paths of one kind.

    Counts of paths cannot be summed once they are cut, since a row may be in several. So rows are
    counted at every length of a path from the start, and only lengths with too many are given up.
    """

    def __init__(self) -> None:
        self._at: defaultdict[int, Counter[str]] = defaultdict(Counter)
        """Number of steps → path → rows with a violation there."""
        self._below: defaultdict[int, Counter[str]] = defaultdict(Counter)
        """Number of steps → path → rows with a violation further down."""
        self._steps = _MOST_STEPS

    def add(self, paths: Iterable[str]) -> None:
        """Counts one row."""
        at: set[tuple[int, str]] = set()
        below: set[tuple[int, str]] = set()
        for path in paths:
            *parents, whole = enumerate(accumulate(_steps(path), initial=ROOT))
            below.update(parents[: self._steps + 1])
            if whole[0] <= self._steps:
                at.add(whole)
        for counts, places in ((self._at, at), (self._below, below)):
            for steps, path in places:
                counts[steps][path] += 1
        while self._width() > _MOST_PATHS:
            self._at.pop(self._steps, None)
            self._below.pop(self._steps, None)
            self._steps -= 1

    def shown(self) -> dict[str, int]:
        """Path → rows; the commonest first."""
        cut = {f"{path}.*": rows for path, rows in self._below[self._steps].items()}
        return ordered_counts({**cut, **sum(self._at.values(), Counter[str]())})

    def _width(self) -> int:
        """How many paths are shown; with fewer steps never more, and at no steps only two."""
        return sum(map(len, self._at.values())) + len(self._below[self._steps])


def _steps(path: str) -> list[str]:
    """The steps of a path, without its array positions."""
    return ["[*]" if _PLACE.fullmatch(step) else step for step in _STEP.findall(path)]
