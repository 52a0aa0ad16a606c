"""Sources of choices: the same generator draws from a seed, or from Hypothesis."""

from __future__ import annotations

import random
from collections.abc import Hashable
from typing import Protocol, TypeAlias


class Source(Protocol):
    """What a generator asks for; zero, the first and the shortest are the simplest answers."""

    reach: tuple[int, int]
    """Between which numbers an unbounded number is drawn."""
    budget: int
    """Nodes of one value, after which only what is required is drawn."""

    @property
    def spread(self) -> int:
        """How far the parts of this value may go beyond the usual, none being the simplest."""
        ...

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        ...

    def index(self, count: int, site: Hashable) -> int:
        """An index below count; draws at one site are spread evenly where the source can."""
        ...

    def text(self, low: int, high: int | None) -> str:
        """Any text of so many characters."""
        ...


WORDS = (
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "indigo", "juniper",
    "kettle", "lantern", "meadow", "nickel", "orchard", "pebble", "quartz", "river", "saddle",
    "timber", "umber", "violet", "willow", "yonder", "zephyr", "anchor", "beacon", "canyon",
    "dapple", "falcon", "garnet", "hollow", "island", "jasper", "ladder", "marble", "needle",
    "onyx", "pepper", "quiver", "ribbon", "silver", "tundra", "velvet", "walnut", "yarrow",
)  # fmt: skip

_Site: TypeAlias = "tuple[Hashable, int]"


class RandomSource:
    """Draws from a seeded generator.

    Only integers are drawn, whose sequence Python keeps the same on every platform and version.
    Choices at one site are dealt from a shuffled deck, so that every value comes up equally often.
    The choices of one value can be dealt once more, which redraws only what is free in it: texts,
    numbers and lengths.
    """

    reach: tuple[int, int] = (0, 1000)
    budget: int = 80
    spread: int = 0

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._decks: dict[_Site, list[int]] = {}
        self._dealt: list[tuple[_Site, int]] = []
        self._again: dict[_Site, list[int]] = {}

    @property
    def choices(self) -> tuple[int, ...]:
        """The indices that were dealt since `start`, in their order."""
        return tuple(card for _, card in self._dealt)

    def start(self) -> None:
        """Begins a value; choices that a redraw left over go back to their decks."""
        for site, cards in self._again.items():
            self._decks[site] += cards
        self._again.clear()
        self._dealt.clear()

    def restart(self) -> None:
        """Begins the same value once more: every site deals what it has dealt since `start`."""
        self._again = {}
        for site, card in reversed(self._dealt):
            self._again.setdefault(site, []).append(card)

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + self._rng.randrange(high - low + 1)

    def index(self, count: int, site: Hashable) -> int:
        """The next card of the site's deck."""
        if count <= 1:
            return 0
        key = (site, count)
        if self._again:
            kept = self._again.get(key)
            if kept:
                return kept.pop()
        deck = self._decks.get(key)
        if not deck:
            deck = list(range(count))
            self._rng.shuffle(deck)
            self._decks[key] = deck
        card = deck.pop()
        self._dealt.append((key, card))
        return card

    def text(self, low: int, high: int | None) -> str:
        """One to three words, cut or lengthened to fit."""
        rng = self._rng
        words = [WORDS[rng.randrange(len(WORDS))] for _ in range(1 + rng.randrange(3))]
        text = " ".join(words)
        if high is not None and len(text) > high:
            text = text[: max(low, high)].strip()
        while len(text) < low:
            text += (" " if text else "") + WORDS[rng.randrange(len(WORDS))]
        return text if high is None or len(text) <= high else text[:high]
