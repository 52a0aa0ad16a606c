"""Patterns rewritten for Python's parser: what the generator walks."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from schemalora.schema.pattern_dialect import plain_pattern
from schemalora.schema.patterns import searcher

_TOKEN = re.compile(
    r"""
    (?P<property>\\[pP](?:\{[^{}]*\}|[A-Z]))
    | (?P<code>\\[ux]\{(?P<hex>[0-9A-Fa-f]+)\})
    | (?P<flags>\(\?[a-wyzA-Z]+\))
    | (?P<group>\(\?<(?![=!]))
    | (?P<escape>\\.)
    | (?P<char>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def to_python(pattern: str) -> str:
    r"""Rewrites a pattern for Python's parser.

    `$` becomes the very end, `\d` and `\w` become ASCII, groups are named `(?P<...>`, properties
    such as `\p{Lu}` become ranges.
    """
    rewriter = _Rewriter()
    for token in _TOKEN.finditer(plain_pattern(pattern)):
        rewriter.take(token)
    return "".join(rewriter.out)


class _Rewriter:
    """Takes the tokens of a pattern one by one; remembers whether a character class is open."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self._in_class = False

    def take(self, token: re.Match[str]) -> None:
        """Appends the token as Python has it."""
        kind = token.lastgroup
        text = token.group()
        if kind == "code":
            text = _code_point(int(token.group("hex"), 16))
        elif kind == "property":
            text = self._ranges(_property_ranges(text))
        elif kind == "flags" and not self._in_class:
            text = ""  # Python has them at the start only; what is drawn keeps to the letter
        elif kind == "group" and not self._in_class:
            text = "(?P<"
        elif kind == "escape":
            text = self._escape(text[1])
        elif kind == "char":
            text = self._char(text)
        self.out.append(text)

    def _ranges(self, ranges: str) -> str:
        return ranges if self._in_class else f"[{ranges}]"

    def _char(self, char: str) -> str:
        if self._in_class:
            self._in_class = char != "]"
            return char
        self._in_class = char == "["
        return r"\Z" if char == "$" else char

    def _escape(self, following: str) -> str:
        ranges = {"d": "0-9", "w": "A-Za-z0-9_"}.get(following)
        if ranges:
            return self._ranges(ranges)
        if not self._in_class and following in "WDz":
            return {"W": "[^A-Za-z0-9_]", "D": "[^0-9]", "z": r"\Z"}[following]
        return "\\" + following


def _code_point(number: int) -> str:
    return f"\\U{number:08x}"


_DRAWN_FROM = (*range(0xD800), *range(0xE000, 0x10000), *range(0x1F300, 0x1FB00))
"""The characters that are drawn: those of the first plane, and the pictures."""


@cache
def _property_ranges(escape: str) -> str:
    r"""The characters of a property such as `\p{Lu}`, as the inside of a character class."""
    found = searcher(f"^{escape}$")
    ranges: list[list[int]] = []
    for number in _DRAWN_FROM:
        if found(chr(number)):
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1][1] = number
            else:
                ranges.append([number, number])
    return "".join(f"{_code_point(low)}-{_code_point(high)}" for low, high in ranges)
