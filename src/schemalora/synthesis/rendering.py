"""What a renderer is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

from schemalora.jsonvalue import JsonValue


@dataclass(frozen=True, slots=True)
class Rendering:
    """A text that says a target."""

    text: str
    group: str = ""
    """The template identity: examples of one group never straddle a split."""
    marks: tuple[tuple[int, int], ...] = ()
    """Half-open spans of the text that perturbations must leave alone, in order."""


class Renderer(Protocol):
    """Any callable that puts a target into words: a template, a function, a language model."""

    def __call__(self, target: JsonValue, rng: Random, /) -> Rendering:
        """Renders one target; every random decision must come from `rng`."""
        ...
