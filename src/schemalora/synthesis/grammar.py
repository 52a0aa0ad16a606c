r"""The small language in which templates are written.

    {name}      the value of a field of the target, or a phrase drawn from the bank of that name
    (a|b|)      one of the alternatives, drawn at random; an empty one is allowed
    [a {x}|b]   the first alternative whose slots all have a value; nothing where none fits
    <words>     words that carry the label: perturbations leave them alone
    \(          a bracket, bar or backslash itself

All five nest. `schemalora.synthesis.compiling` turns what is read here into functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from schemalora.errors import UsageError


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
    if not parts:
        return Words(""), at
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
