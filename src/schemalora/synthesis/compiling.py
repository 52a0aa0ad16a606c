"""Turns templates into functions, so that nothing is decided twice while examples stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from random import Random
from typing import TypeAlias

from schemalora.synthesis.grammar import Fallback, Marked, Node, Series, Slot, Words

Piece: TypeAlias = "tuple[str, bool]"
"""A run of text, and whether perturbations must leave it alone."""

Emit: TypeAlias = Callable[[Mapping[str, str], Random, "list[Piece]"], None]
"""Appends the pieces of a rendering, given the slots' values."""

# Banks with fewer phrases are lists of synonyms, in which a word may come up again.
_REPEATS_SHOW = 8
_MOST_REDRAWS = 3


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template made ready for one set of slots that have values."""

    emit: Emit
    places: frozenset[str]
    """The slots whose values are in the text whatever is drawn."""
    fixed: Piece | None = None
    """The one piece that is always said, where there is nothing to decide."""


@dataclass(frozen=True, slots=True)
class ValueBank:
    """A bank whose phrases depend on a value of the target."""

    selector: str
    """The slot that holds the value's key."""
    phrases: Mapping[str, tuple[Node, ...]]
    """The value's key to its phrases; another value says nothing."""


class Compiler:
    """Makes templates ready for targets in which exactly the slots `present` have values.

    Args:
        present: the slots that have values.
        banks: bank name to parsed phrases. A value goes before a bank of the same name.
    """

    def __init__(
        self, present: frozenset[str], banks: Mapping[str, tuple[Node, ...] | ValueBank]
    ) -> None:
        self._present = present
        self._banks = banks
        self._ready_banks: dict[str, Compiled | None] = {}

    def compile(self, node: Node) -> Compiled | None:
        """Makes a node ready; None where it needs a slot that has no value."""
        if isinstance(node, Words):
            piece = (node.text, False)
            return Compiled(lambda values, rng, out: out.append(piece), frozenset(), piece)
        if isinstance(node, Slot):
            return self._slot(node.name)
        if isinstance(node, Series):
            return self._series(node)
        if isinstance(node, Marked):
            inner = self.compile(node.inner)
            return None if inner is None else _marked(inner)
        fitting = self._fitting(node.options)
        if isinstance(node, Fallback):
            return fitting[0] if fitting else _NOTHING
        return _choice(fitting)

    def _fitting(self, nodes: Iterable[Node]) -> list[Compiled]:
        return [one for one in map(self.compile, nodes) if one is not None]

    def _slot(self, name: str) -> Compiled | None:
        if name in self._present:
            return Compiled(
                lambda values, rng, out: out.append((values[name], True)), frozenset((name,))
            )
        if name not in self._banks:
            return None
        if name not in self._ready_banks:
            self._ready_banks[name] = self._bank(self._banks[name])
        return self._ready_banks[name]

    def _bank(self, bank: tuple[Node, ...] | ValueBank) -> Compiled | None:
        if not isinstance(bank, ValueBank):
            return _without_repeats(self._fitting(bank))
        selector = bank.selector
        choices = {
            key: _without_repeats(self._fitting(phrases)) or _NOTHING
            for key, phrases in bank.phrases.items()
        }

        def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
            choice = choices.get(values[selector])
            if choice is not None:
                choice.emit(values, rng, out)

        return Compiled(emit, frozenset())

    def _series(self, node: Series) -> Compiled | None:
        parts = [self.compile(part) for part in node.parts]
        emits = [part.emit for part in parts if part is not None]
        if len(emits) < len(parts):
            return None

        def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
            for one in emits:
                one(values, rng, out)

        return Compiled(
            emit, frozenset[str]().union(*(part.places for part in parts if part is not None))
        )


def _emit_nothing(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
    pass


_NOTHING = Compiled(_emit_nothing, frozenset())


def _choice(options: list[Compiled]) -> Compiled | None:
    if len(options) < 2:
        return options[0] if options else None
    if fixed := _all_fixed(options):
        return _fixed_choice(fixed)
    emits = tuple(option.emit for option in options)
    count = len(emits)

    def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
        # random() alone is promised to give the same numbers on every Python.
        emits[int(rng.random() * count)](values, rng, out)

    return Compiled(
        emit, reduce(frozenset[str].intersection, (option.places for option in options))
    )


def _all_fixed(options: list[Compiled]) -> tuple[Piece, ...]:
    """The pieces of options that have nothing to decide; empty where one has."""
    pieces = tuple(option.fixed for option in options if option.fixed is not None)
    return pieces if len(pieces) == len(options) else ()


def _fixed_choice(pieces: tuple[Piece, ...]) -> Compiled:
    count = len(pieces)
    if count < _REPEATS_SHOW:
        return Compiled(
            lambda values, rng, out: out.append(pieces[int(rng.random() * count)]), frozenset()
        )

    def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
        piece = pieces[int(rng.random() * count)]
        for _ in range(_MOST_REDRAWS):
            if piece[0] and piece in out:
                piece = pieces[int(rng.random() * count)]
        out.append(piece)

    return Compiled(emit, frozenset())


def _without_repeats(options: list[Compiled]) -> Compiled | None:
    """A choice that does not say a phrase twice in one text, as long as the bank has others."""
    choice = _choice(options)
    if choice is None or len(options) < _REPEATS_SHOW or _all_fixed(options):
        return choice
    draw = choice.emit

    def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
        start = len(out)
        for _ in range(_MOST_REDRAWS):
            draw(values, rng, out)
            if len(out) == start or out[start] not in out[:start]:
                return
            del out[start:]
        draw(values, rng, out)

    return Compiled(emit, choice.places)


def _marked(inner: Compiled) -> Compiled:
    def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
        start = len(out)
        inner.emit(values, rng, out)
        out[start:] = [(text, True) for text, _ in out[start:]]

    return Compiled(emit, inner.places)
