r"""The small language in which templates are written.

    {name}      the value of a field of the target, or a phrase drawn from the bank of that name
    (a|b|)      one of the alternatives, drawn at random; an empty one is allowed
    [a {x}|b]   the first alternative whose slots all have a value; nothing where none fits
    <words>     words that carry the label: perturbations leave them alone
    \(          a bracket, bar or backslash itself

All five nest. `parse_template` reads a template into nodes; a `Compiler` turns nodes into a
function for one set of values, so that nothing is decided twice while examples stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from random import Random
from typing import TypeAlias

from schemalora.errors import UsageError

Piece: TypeAlias = "tuple[str, bool]"
"""A run of text, and whether perturbations must leave it alone."""

Emit: TypeAlias = Callable[[Mapping[str, str], Random, "list[Piece]"], None]
"""Appends the pieces of a rendering, given the slots' values."""


@dataclass(frozen=True, slots=True)
class Words:
    """Literal text."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A value of the target, or a phrase bank."""

    name: str


@dataclass(frozen=True, slots=True)
class Series:
    """One thing after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One alternative, drawn at random."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fallback:
    """The first alternative whose slots all have a value."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """Words that carry the label."""

    inner: Node


Node: TypeAlias = "Words | Slot | Series | Choice | Fallback | Marked"

# Banks with fewer phrases are lists of synonyms, in which a word may come up again.
_REPEATS_SHOW = 8

_CLOSING = {"(": ")", "[": "]", "<": ">", "{": "}"}


def parse_template(text: str) -> Node:
    """Reads a template.

    Raises:
        UsageError: a bracket that is not closed, an empty slot; the message shows the place.
    """
    node, end = _parse_series(text, 0, "")
    if end != len(text):
        raise _error(text, end, f"{text[end]!r} closes nothing")
    return node


def _parse_series(text: str, start: int, stops: str) -> tuple[Node, int]:
    parts: list[Node] = []
    words: list[str] = []
    at = start
    while at < len(text) and text[at] not in stops:
        char = text[at]
        if char == "\\" and at + 1 < len(text):
            words.append(text[at + 1])
            at += 2
        elif char in _CLOSING:
            if words:
                parts.append(Words("".join(words)))
                words = []
            part, at = _parse_bracket(text, at)
            parts.append(part)
        elif char in ")]>}":
            break
        else:
            words.append(char)
            at += 1
    if words:
        parts.append(Words("".join(words)))
    return (parts[0] if len(parts) == 1 else Series(tuple(parts))), at


def _parse_bracket(text: str, start: int) -> tuple[Node, int]:
    opening = text[start]
    closing = _CLOSING[opening]
    if opening == "{":
        end = text.find("}", start)
        name = text[start + 1 : end].strip()
        if end < 0 or not name:
            raise _error(text, start, "a slot needs a name and a closing '}'")
        return Slot(name), end + 1
    options: list[Node] = []
    at = start
    stops = closing if opening == "<" else "|" + closing
    while True:
        option, at = _parse_series(text, at + 1, stops)
        options.append(option)
        if at >= len(text) or text[at] not in stops:
            raise _error(text, start, f"{opening!r} is not closed by {closing!r}")
        if text[at] == closing:
            break
    if opening == "<":
        return Marked(options[0]), at + 1
    return (Choice if opening == "(" else Fallback)(tuple(options)), at + 1


def _error(text: str, at: int, reason: str) -> UsageError:
    snippet = text[max(0, at - 15) : at + 15]
    return UsageError(f"template {text[:40]!r}: {reason} at character {at}, near {snippet!r}")


def slot_names(node: Node) -> frozenset[str]:
    """Every slot that stands anywhere in a template."""
    if isinstance(node, Slot):
        return frozenset((node.name,))
    if isinstance(node, Words):
        return frozenset()
    if isinstance(node, Marked):
        return slot_names(node.inner)
    children = node.parts if isinstance(node, Series) else node.options
    return frozenset[str]().union(*map(slot_names, children))


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template made ready for one set of slots that have values."""

    emit: Emit
    places: frozenset[str]
    """The slots whose values are in the text whatever is drawn."""


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
            return Compiled(lambda values, rng, out: out.append(piece), frozenset())
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
    emits = tuple(option.emit for option in options)
    count = len(emits)

    def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
        # random() alone is promised to give the same numbers on every Python.
        emits[int(rng.random() * count)](values, rng, out)

    return Compiled(
        emit, reduce(frozenset[str].intersection, (option.places for option in options))
    )


def _without_repeats(options: list[Compiled]) -> Compiled | None:
    """A choice that does not say a phrase twice in one text, as long as the bank has others."""
    choice = _choice(options)
    if choice is None or len(options) < _REPEATS_SHOW:
        return choice
    draw = choice.emit

    def emit(values: Mapping[str, str], rng: Random, out: list[Piece]) -> None:
        start = len(out)
        for _ in range(3):
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
