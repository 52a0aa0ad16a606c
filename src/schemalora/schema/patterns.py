"""Regular expressions of schemas, in ECMA's or Rust's words, as Python's `re` understands them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_NAMED_GROUP = re.compile(r"\(\?<(?![=!])")


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """The Python regular expression that means the same, or None where there is none."""
    try:
        return re.compile(to_python(pattern))
    except (re.error, OverflowError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def searcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the pattern occurs in a string."""
    compiled = compile_pattern(pattern)
    if compiled is None:
        return lambda _text: True
    return lambda text: compiled.search(text) is not None


def to_python(pattern: str) -> str:
    """Rewrites what differs: `$` is the very end, `\\d` is ASCII, groups are named `(?P<...>`."""
    text = _NAMED_GROUP.sub("(?P<", pattern)
    out: list[str] = []
    in_class = False
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text):
            following = text[index + 1]
            out.append(_escape(following, in_class=in_class))
            index += 2
            continue
        if char == "[" and not in_class:
            in_class = True
        elif char == "]" and in_class:
            in_class = False
        elif char == "[":
            char = r"\["
        elif char == "$" and not in_class:
            char = r"\Z"
        out.append(char)
        index += 1
    return "".join(out)


def _escape(following: str, *, in_class: bool) -> str:
    if following == "d":
        return "0-9" if in_class else "[0-9]"
    if following == "z" and not in_class:
        return r"\Z"
    if following == "/":
        return "/"
    return "\\" + following
