"""Hypothesis as a source of choices for the generator."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

_SPREADS = (0, 0, 1, 2, 4, 8)

_characters = st.characters(exclude_categories=["Cs"])  # a lone surrogate is no text


class HypothesisSource:
    """Draws from Hypothesis, which finds the simplest failing choices by itself."""

    reach: tuple[int, int] = (-(2**53), 2**53)
    budget: int = 40

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._spread: int | None = None

    @property
    def spread(self) -> int:
        """How far the parts of this value may go beyond the usual; drawn when first asked for."""
        spread = self._spread
        if spread is None:
            place: int = self._draw(_integers(0, len(_SPREADS) - 1))
            spread = self._spread = _SPREADS[place]
        return spread

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included; simplest near zero."""
        return self._draw(_integers(low, high))

    def index(self, count: int, site: Hashable) -> int:
        """An index below count; the first is the simplest."""
        return self._draw(_integers(0, count - 1)) if count > 1 else 0

    def text(self, low: int, high: int | None) -> str:
        """Any Unicode text of so many characters."""
        return self._draw(_texts(low, high))


@lru_cache(maxsize=1024)
def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


@lru_cache(maxsize=256)
def _texts(low: int, high: int | None) -> st.SearchStrategy[str]:
    return st.text(_characters, min_size=low, max_size=high)
