"""Hypothesis as a source of choices for the generator."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemalora.sampling.source import RandomSource

Draw = Callable[[st.SearchStrategy[Any]], Any]

_SPREADS = (0, 0, 1, 2, 4, 8)

_characters = st.characters(exclude_categories=["Cs"])  # a lone surrogate is no text


_MOST_DRAWS = 400
"""Hypothesis gives up on examples of more than some thousand bytes of choices."""


class HypothesisSource:
    """Draws from Hypothesis, which finds the simplest failing choices by itself.

    A value of very many parts would be more than Hypothesis takes: behind the first few hundred
    choices, the rest of such a value comes from one seed, which is drawn and shrinks as a whole.
    """

    reach: tuple[int, int] = (-(2**53), 2**53)
    budget: int = 40

    def __init__(self, draw: Draw) -> None:
        self._from_hypothesis = draw
        self._left = _MOST_DRAWS
        self._spread: int | None = None

    @property
    def spread(self) -> int:
        """How far the parts of this value may go beyond the usual; drawn when first asked for."""
        spread = self._spread
        if spread is None:
            place: int = self._draw(_integers(0, len(_SPREADS) - 1))
            spread = self._spread = _SPREADS[place]
        return spread

    def _draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        self._left -= 1
        return self._from_hypothesis(strategy)

    @cached_property
    def _tail(self) -> RandomSource:
        return RandomSource(Random(self._from_hypothesis(_integers(0, 2**32 - 1))))

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included; simplest near zero."""
        if self._left <= 0:
            return self._tail.integer(low, high)
        return self._draw(_integers(low, high))

    def index(self, count: int, site: Hashable) -> int:
        """An index below count; the first is the simplest."""
        return self.integer(0, count - 1) if count > 1 else 0

    def text(self, low: int, high: int | None) -> str:
        """Any Unicode text of so many characters."""
        if self._left <= 0:
            return self._tail.text(low, high)
        return self._draw(_texts(low, high))


@lru_cache(maxsize=1024)
def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


@lru_cache(maxsize=256)
def _texts(low: int, high: int | None) -> st.SearchStrategy[str]:
    return st.text(_characters, min_size=low, max_size=high)
