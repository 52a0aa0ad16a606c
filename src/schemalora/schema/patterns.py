"""Regular expressions of schemas: matched in bounded time, and rewritten for Python's parser.

A schema's patterns are ECMA's (or Rust's, in a pydantic model). They are matched by jsonschema-rs,
whose engine gives up after a fixed number of steps: no pattern can hang. Python's `re` only parses
them, for the generator.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

import jsonschema_rs

BACKTRACK_LIMIT = 100_000
"""Steps of one regular expression on one string; what needs more does not match."""


def pattern_options() -> jsonschema_rs.FancyRegexOptions:
    """The bounded engine, with look-around and back-references."""
    return jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT)


def pattern_error(pattern: str) -> str | None:
    """Why a pattern cannot be compiled, or None where it can."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=pattern_options())
    except (ValueError, jsonschema_rs.ValidationError) as error:
        return str(error).splitlines()[0]
    return None


@lru_cache(maxsize=4096)
def searcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells, in bounded time, whether the pattern occurs in a string."""
    matcher = jsonschema_rs.Draft202012Validator(
        {"pattern": pattern}, pattern_options=pattern_options()
    )

    def found(text: str) -> bool:
        try:
            return matcher.is_valid(text)
        except UnicodeEncodeError:
            return False

    return found


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
    out: list[str] = []
    in_class = False
    class_start = -1
    for token in _TOKEN.finditer(pattern):
        text = token.group()
        kind = token.lastgroup if token.lastgroup not in ("hex", "class") else None
        if token.group("code"):
            text = _code_point(int(token.group("hex"), 16))
        elif token.group("posix"):
            text = _POSIX.get(token.group("class"), re.escape(text)) if in_class else text
        elif kind == "property":
            ranges = _property_ranges(text)
            text = ranges if in_class else f"[{ranges}]"
        elif kind == "pair":
            high, low = int(text[2:6], 16), int(text[8:12], 16)
            text = _code_point(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        elif kind == "control":
            text = _code_point(ord(text[2].upper()) - 64)
        elif kind == "group":
            text = text if in_class else "(?P<"
        elif kind == "escape":
            text = _escape(text[1], in_class=in_class)
        elif kind == "char":
            if text == "[":
                if in_class:
                    text = r"\["
                else:
                    in_class, class_start = True, len(out)
            elif text == "]" and in_class:
                first = len(out) == class_start + 1 or (
                    len(out) == class_start + 2 and out[-1] == "^"
                )
                if first:
                    # ECMA's [] matches nothing and [^] anything; Python would read on.
                    del out[class_start:]
                    text = (
                        r"(?!)"
                        if text and len(out) == class_start and not _negated(pattern, token.start())
                        else r"[\s\S]"
                    )
                in_class = False
            elif text == "$" and not in_class:
                text = r"\Z"
            elif in_class and text in "&|~" and out and out[-1] == text:
                text = "\\" + text
        out.append(text)
    return "".join(out)


def _negated(pattern: str, position: int) -> bool:
    return pattern[position - 1] == "^"


def _code_point(number: int) -> str:
    return f"\\U{number:08x}"


def _escape(following: str, *, in_class: bool) -> str:
    ranges = {"d": "0-9", "w": "A-Za-z0-9_", "h": r"\t "}.get(following)
    if ranges:
        return ranges if in_class else f"[{ranges}]"
    if following == "W" and not in_class:
        return "[^A-Za-z0-9_]"
    if following == "D" and not in_class:
        return "[^0-9]"
    if following in "zZ" and not in_class:
        return r"\Z"
    if following.isalpha() and following not in "abBdDfnrsStuvwWxAZ":
        return following
    return "\\" + following


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
