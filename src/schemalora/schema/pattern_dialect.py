r"""Patterns in one plain dialect that every engine reads alike.

Schemas have ECMA's syntax, and much of it is legal there and refused elsewhere: `[\w-.]`, where the
hyphen stands for itself, `{` that opens no repeat, `[^]`, halves of surrogate pairs, `\k<name>`.
Python's own signs (`\Z`, `(?P=name)`) are taken too, since nothing else can be meant. What stays
illegal, such as an unknown escape of a letter, is left as it is for the engine to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

NEVER = r"[^\s\S]"
ANYTHING = r"[\s\S]"

_ESCAPE = r"""
    (?P<pair>\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2})
    | (?P<set>\\(?:[dDwWsS]|[pP](?:\{[^{}]*\}|[A-Z])))
    | (?P<code>\\(?:u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}))
    | (?P<null>\\0(?!\d))
    | (?P<bare_control>\\c(?![A-Za-z]))
    | (?P<control>\\c[A-Za-z])
    | (?P<escape>\\.)
"""
_OUTSIDE = re.compile(
    rf"""
    (?P<group>\((?!\?)|\(\?P?<(?![=!])(?P<name>[^>]*)>)
    | (?P<back>\\k<(?P<named>[^>]+)>|\(\?P=(?P<pythonic>\w+)\)|\\(?P<number>[1-9]\d*))
    | (?P<repeat>\{{\d+(?:,\d*)?\}})
    | {_ESCAPE}
    | (?P<char>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_INSIDE = re.compile(rf"{_ESCAPE} | (?P<char>.)", re.VERBOSE | re.DOTALL)


@lru_cache(maxsize=4096)
def plain_pattern(pattern: str) -> str:
    """The pattern with the same meaning, in syntax about which engines agree.

    What is plain already comes back unchanged.
    """
    return _Plain(pattern).write()


class _Plain:
    """Writes one pattern; back-references go by number, for engines do not take both sorts."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        tokens = [token for token in self._tokens() if token.lastgroup in ("group", "back")]
        groups = [token.group("name") for token in tokens if token.lastgroup == "group"]
        self._numbers = {name: place for place, name in enumerate(groups, start=1) if name}
        self._nameless = len(groups) < len(tokens) or not all(map(_is_word, self._numbers))

    def _tokens(self) -> Iterator[re.Match[str]]:
        place = 0
        while token := _OUTSIDE.match(self._pattern, place):
            yield token
            place = token.end()
            if token.group() == "[":
                place = _read_class(self._pattern, place)[1]

    def write(self) -> str:
        out: list[str] = []
        for token in self._tokens():
            if token.group() == "[":
                out.append(_read_class(self._pattern, token.end())[0])
            else:
                out.append(self._token(token))
        return "".join(out)

    def _token(self, token: re.Match[str]) -> str:
        text = token.group()
        match token.lastgroup:
            case "group":
                return "(" if self._nameless else text
            case "back":
                return self._back_reference(token)
            case "char" | "repeat" | "set":
                return r"\{" if text == "{" else text
            case _:
                code = _code(token)
                return _escaped(token) if code is None or not _is_half(code) else NEVER

    def _back_reference(self, token: re.Match[str]) -> str:
        name = token.group("named") or token.group("pythonic")
        number = self._numbers.get(name) if name else int(token.group("number"))
        if number is None:
            return token.group()
        followed = self._pattern[token.end() : token.end() + 1].isdigit()
        return rf"(?:\{number})" if followed else rf"\{number}"


def _is_word(name: str) -> bool:
    return name.isidentifier() and name.isascii()


@dataclass(frozen=True, slots=True)
class _Item:
    """One member of a character class: its text, and its character unless it is a set."""

    text: str
    code: int | None


def _read_class(pattern: str, start: int) -> tuple[str, int]:
    """The class whose inside starts here, in plain syntax, and the place behind it."""
    negated = pattern.startswith("^", start)
    end = start + negated
    items: list[_Item] = []
    while (token := _INSIDE.match(pattern, end)) and token.group() != "]":
        items.append(_item(token))
        end = token.end()
    if token is None:  # never closed: for the engine to refuse
        return pattern[start - 1 :], len(pattern)
    inside = "".join(_members(items))
    if not inside:
        return (ANYTHING if negated else NEVER), token.end()
    return f"[{'^' if negated else ''}{_without_set_operations(inside)}]", token.end()


def _item(token: re.Match[str]) -> _Item:
    text = token.group()
    if token.lastgroup == "char":
        return _Item(r"\[" if text == "[" else text, ord(text))
    if token.lastgroup == "set":
        return _Item(text, None)
    if text == r"\b":
        return _Item(r"\x08", 8)
    return _Item(_escaped(token), _code(token))


def _members(items: list[_Item]) -> Iterator[str]:
    """The members one by one; only between two characters does a hyphen make a range."""
    place = 0
    while place < len(items):
        ends = items[place : place + 3]
        low, high = ends[0].code, ends[-1].code
        if len(ends) == 3 and ends[1].text == "-" and low is not None and high is not None:
            yield _range(ends[0], ends[2])
            place += 3
            continue
        outermost = place in (0, len(items) - 1)
        if ends[0].text == "-" and not outermost:
            yield r"\-"
        elif low is None or not _is_half(low):
            yield ends[0].text
        place += 1


def _range(first: _Item, last: _Item) -> str:
    low, high = first.code or 0, last.code or 0
    ends = [r"\-" if item.text == "-" else item.text for item in (first, last)]
    if low > high:
        return "-".join(ends)  # for the engine to refuse
    if _is_half(low) and _is_half(high):
        return ""
    if _is_half(low):
        ends[0] = r"\uE000"
    if _is_half(high):
        ends[1] = r"\uD7FF"
    return "-".join(ends)


def _without_set_operations(inside: str) -> str:
    """`&&`, `~~` and `||` are two characters in ECMA, and operators or warnings elsewhere."""
    return re.sub(r"([&~|])(?=\1)", r"\1\\", inside)


def _code(token: re.Match[str]) -> int | None:
    """The code point of a token that is one character, or None where it is not plain to see."""
    text = token.group()
    match token.lastgroup:
        case "pair":
            high, low = int(text[2:6], 16) - 0xD800, int(text[8:12], 16) - 0xDC00
            return 0x10000 + (high << 10) + low
        case "code":
            return int(text[2:].strip("{}"), 16)
        case "null":
            return 0
        case "control":
            return ord(text[2].upper()) - 64
        case "bare_control":
            return ord("\\")
        case _:
            known = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "a": 7}
            letter = text[1].isascii() and text[1].isalnum()
            return known.get(text[1], None if letter else ord(text[1]))


def _escaped(token: re.Match[str]) -> str:
    text = token.group()
    code = _code(token)
    if token.lastgroup == "pair":
        return f"\\u{{{code:x}}}"
    if token.lastgroup in ("null", "control"):
        return f"\\x{code:02x}"
    if token.lastgroup == "bare_control":
        return r"\\c"
    if text in _SAME:
        return _SAME[text]
    character = text[1]
    if token.lastgroup == "escape" and (character in "<>" or not character.isascii()):
        return character  # `\<` is the start of a word elsewhere
    return text


_SAME = {r"\a": r"\x07", r"\Z": r"\z"}


def _is_half(code: int) -> bool:
    """Half of a surrogate pair: no character of a JSON text, so no match."""
    return 0xD800 <= code <= 0xDFFF


_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\t\n\r ",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "blank": r"\t ",
    "print": " -~",
    "graph": "!-~",
    "cntrl": r"\x00-\x1f",
    "ascii": r"\x00-\x7f",
}
_NAMED_CLASS = re.compile(r"\[\^?(?:\[:\w+:\]|\\.|[^\\\]])+\]", re.DOTALL)


def without_posix_names(pattern: str) -> str:
    """A pattern of Rust's with `[[:alpha:]]` spelled out, which ECMA reads as other characters."""
    return _NAMED_CLASS.sub(_spelled_out, pattern)


def _spelled_out(found: re.Match[str]) -> str:
    inside = re.sub(
        r"\[:(\w+):\]", lambda name: _POSIX.get(name.group(1), name.group()), found.group()[1:]
    )
    return "[" + inside
