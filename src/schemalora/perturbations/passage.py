"""A text cut into runs that may be edited and runs that may not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from schemalora.grounding import merge_spans, value_spans
from schemalora.jsonvalue import JsonValue

_T = TypeVar("_T")


def pick(rng: Random, options: Sequence[_T]) -> _T:
    """Draws one option; through `random()`, which alone is the same on every Python."""
    return options[int(rng.random() * len(options))]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text as runs of `(text, protected)`; perturbations edit what is not protected."""

    pieces: tuple[tuple[str, bool], ...]

    @classmethod
    def of(
        cls, text: str, *, values: Sequence[JsonValue] = (), marks: Iterable[tuple[int, int]] = ()
    ) -> Passage:
        """Cuts a text; every place where one of `values` stands, and every mark, is protected."""
        spans = merge_spans((*value_spans(text, values), *marks))
        pieces: list[tuple[str, bool]] = []
        at = 0
        for start, end in spans:
            if start > at:
                pieces.append((text[at:start], False))
            pieces.append((text[start:end], True))
            at = end
        if at < len(text):
            pieces.append((text[at:], False))
        return cls(tuple(pieces))

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join([text for text, _ in self.pieces])

    @property
    def protected(self) -> list[str]:
        """The runs that may not be edited."""
        return [text for text, held in self.pieces if held]

    def edit(self, change: Callable[[str], str]) -> Passage:
        """Changes each run that is not protected."""
        return Passage(
            tuple([(text if held else change(text), held) for text, held in self.pieces])
        )

    def before(self, text: str) -> Passage:
        """Puts a text in front."""
        return Passage(((text, False), *self.pieces))

    def after(self, text: str) -> Passage:
        """Puts a text at the end."""
        return Passage((*self.pieces, (text, False)))

    def insert(self, text: str, rng: Random) -> Passage:
        """Puts a text at the start, at the end or between two sentences."""
        gaps = [
            (at, cut + 2)
            for at, (piece, held) in enumerate(self.pieces)
            if not held
            for cut in _sentence_gaps(piece)
        ]
        where = int(rng.random() * (len(gaps) + 2))
        if where == len(gaps):
            return self.before(text + " ")
        if where > len(gaps):
            return self.after(" " + text)
        at, cut = gaps[where]
        piece = self.pieces[at][0]
        middle = ((piece[:cut], False), (text + " ", False), (piece[cut:], False))
        return Passage((*self.pieces[:at], *middle, *self.pieces[at + 1 :]))


def _sentence_gaps(text: str) -> list[int]:
    return [at for mark in (". ", "! ", "? ") for at in _occurrences(text, mark)]


def _occurrences(text: str, mark: str) -> list[int]:
    found: list[int] = []
    at = text.find(mark)
    while at >= 0:
        found.append(at)
        at = text.find(mark, at + 1)
    return found
