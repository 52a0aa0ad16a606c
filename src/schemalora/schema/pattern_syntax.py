"""Patterns rewritten for Python's parser: schemas have ECMA's syntax, pydantic models Rust's."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache, lru_cache

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
_TOKEN = re.compile(
    r"""
    (?P<property>\\[pP](?:\{\^?[\w=:]+\}|[A-Z]))
    | (?P<code>\\[ux]\{(?P<hex>[0-9A-Fa-f]+)\})
    | (?P<pair>\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2})
    | (?P<control>\\c[A-Za-z])
    | (?P<posix>\[:(?P<class>\w+):\])
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
    for token in _TOKEN.finditer(pattern):
        rewriter.take(token)
    return "".join(rewriter.out)


class _Rewriter:
    """Takes the tokens of a pattern one by one; remembers whether a character class is open."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self._class_start: int | None = None

    def take(self, token: re.Match[str]) -> None:
        """Appends the token as Python has it."""
        kind = token.lastgroup
        text = token.group()
        if kind == "code":
            text = _code_point(int(token.group("hex"), 16))
        elif kind == "property":
            text = self._ranges(_property_ranges(text))
        elif kind == "pair":
            high, low = int(text[2:6], 16) - 0xD800, int(text[8:12], 16) - 0xDC00
            text = _code_point(0x10000 + (high << 10) + low)
        elif kind == "control":
            text = _code_point(ord(text[2].upper()) - 64)
        elif kind == "posix" and self._class_start is not None:
            text = _POSIX.get(token.group("class"), re.escape(text))
        elif kind == "group" and self._class_start is None:
            text = "(?P<"
        elif kind == "escape":
            text = self._escape(text[1])
        elif kind == "char":
            text = self._char(text)
        self.out.append(text)

    def _ranges(self, ranges: str) -> str:
        return f"[{ranges}]" if self._class_start is None else ranges

    def _char(self, char: str) -> str:
        if self._class_start is None:
            if char == "[":
                self._class_start = len(self.out)
            return r"\Z" if char == "$" else char
        if char == "]":
            return self._close_class()
        doubled = char in "&|~" and self.out[-1] == char  # Python warns of set operations
        return "\\" + char if char == "[" or doubled else char

    def _close_class(self) -> str:
        start = self._class_start or 0
        self._class_start = None
        inside = "".join(self.out[start + 1 :])
        if inside in ("", "^"):
            # ECMA's [] matches nothing and [^] anything; Python would read on.
            del self.out[start:]
            return r"[\s\S]" if inside else "(?!)"
        return "]"

    def _escape(self, following: str) -> str:
        ranges = {"d": "0-9", "w": "A-Za-z0-9_", "h": r"\t "}.get(following)
        if ranges:
            return self._ranges(ranges)
        if self._class_start is None and following in "WDzZ":
            return {"W": "[^A-Za-z0-9_]", "D": "[^0-9]"}.get(following, r"\Z")
        if following.isalpha() and following not in "abBDfnrsStuvWxA":
            return following
        return "\\" + following


def _code_point(number: int) -> str:
    return f"\\U{number:08x}"


_SCRIPT_NAMES = {
    "han": "CJK UNIFIED IDEOGRAPH",
    "latin": "LATIN",
    "greek": "GREEK",
    "cyrillic": "CYRILLIC",
    "hiragana": "HIRAGANA",
    "katakana": "KATAKANA",
    "hangul": "HANGUL",
    "arabic": "ARABIC",
    "hebrew": "HEBREW",
    "thai": "THAI",
    "devanagari": "DEVANAGARI",
}
_LONG_CATEGORIES = {
    "letter": "L",
    "lowercase_letter": "Ll",
    "uppercase_letter": "Lu",
    "number": "N",
    "decimal_number": "Nd",
    "punctuation": "P",
    "symbol": "S",
    "separator": "Z",
    "mark": "M",
    "alphabetic": "L",
    "lowercase": "Ll",
    "uppercase": "Lu",
    "other": "C",
}


@cache
def _property_ranges(escape: str) -> str:
    r"""The characters of a property such as `\p{Lu}`, as the inside of a character class."""
    name = escape[2:].strip("{}")
    negated = escape.startswith("\\P") != name.startswith("^")
    name = name.lstrip("^").rsplit("=", 1)[-1].rsplit(":", 1)[-1]
    category = _LONG_CATEGORIES.get(name.lower(), name)
    script = _SCRIPT_NAMES.get(name.lower())
    ranges: list[str] = []
    start: int | None = None
    for number in range(sys.maxunicode + 2):
        char = chr(number) if number <= sys.maxunicode else ""
        inside = bool(char) and (
            unicodedata.name(char, "").startswith(script)
            if script
            else unicodedata.category(char).startswith(category)
        )
        inside = bool(char) and inside != negated and not 0xD800 <= number <= 0xDFFF
        if inside and start is None:
            start = number
        elif not inside and start is not None:
            ranges.append(f"{_code_point(start)}-{_code_point(number - 1)}")
            start = None
    return "".join(ranges)
