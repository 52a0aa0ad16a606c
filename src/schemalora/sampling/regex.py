"""Strings for regular expressions: the pattern's parse tree is walked, and choices are drawn."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeAlias, cast

from schemalora.errors import SamplingError
from schemalora.sampling.source import Source
from schemalora.schema.pattern_syntax import to_python

# The parser of `re` is not public, yet it is the only one there is, and its tree has been the same
# since Python 3.11; a test over many patterns would show a change.
_parser: Any = import_module("re._parser")
_sre: Any = import_module("re._constants")

_Tree: TypeAlias = "list[tuple[Any, Any]]"

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_NICE = (
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    " -_.,/:@#%+=()[]{}<>!?&*;'\"|\\^~`$"
)
_DIGITS = "0123456789"
_WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
_SPACE = " \t"
_MAX_RANGE = 2_000
_MOST = 100_000


@lru_cache(maxsize=2048)
def _tree(pattern: str) -> _Tree:
    try:
        return list(_parser.parse(to_python(pattern)))
    except (re.error, OverflowError, RecursionError) as error:
        raise SamplingError(
            f"no string can be drawn for the pattern {pattern!r}: {error}"
        ) from error


def draw_matching(pattern: str, source: Source, *, extra: int = 3, lookahead: bool = False) -> str:
    """A string in which the pattern is likely to be found; the caller checks it.

    Args:
        pattern: the schema's pattern.
        source: where choices come from.
        extra: how many more than the least an unbounded repeat may have.
        lookahead: write out what a look-ahead asks for, instead of passing over it.

    Raises:
        SamplingError: the pattern is not understood.
    """
    writer = _Writer(source, extra, lookahead)
    return writer.write(_tree(pattern))


class _Writer:
    """Writes one string; groups are remembered for back-references."""

    def __init__(self, source: Source, extra: int, lookahead: bool) -> None:
        self._source = source
        self._extra = extra
        self._lookahead = lookahead
        self._groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        """The text of a sequence of tokens."""
        out: list[str] = []
        for token, value in tree:
            out.append(self._token(token, value))
        return "".join(out)

    def _token(self, token: Any, value: Any) -> str:
        name = str(token)
        if name == "LITERAL":
            return chr(value)
        if name in ("NOT_LITERAL", "IN", "ANY"):
            return self._char(_characters(name, value))
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(value)
        return self._group(name, value)

    def _group(self, name: str, value: Any) -> str:
        inner: Any = ()  # anchors and what must not follow: the caller checks
        if name == "SUBPATTERN":
            text = self.write(value[3])
            if value[0] is not None:
                self._groups[value[0]] = text
            return text
        if name == "GROUPREF":
            return self._groups.get(value, "")
        if name == "BRANCH":
            inner = value[1][self._source.integer(0, len(value[1]) - 1)]
        elif name == "ASSERT" and self._lookahead and value[0] > 0:
            inner = _without_open_ends(value[1])
        return self.write(inner)

    def _char(self, characters: str) -> str:
        return characters[self._source.integer(0, len(characters) - 1)]

    def _repeat(self, value: Any) -> str:
        low, high, inner = int(value[0]), value[1], value[2]
        unbounded = high is _sre.MAXREPEAT or int(high) >= _MOST
        most = low + self._extra if unbounded else min(int(high), max(low, self._extra))
        if not unbounded and int(high) - low <= self._extra:
            most = int(high)
        count = self._source.integer(low, max(low, most))
        return "".join(self.write(inner) for _ in range(count))


def _without_open_ends(tree: Any) -> _Tree:
    r"""What a look-ahead asks for, without the `.*` before and after it."""
    tokens = list(tree)
    while tokens and _is_anything(tokens[0]):
        tokens.pop(0)
    while tokens and _is_anything(tokens[-1]):
        tokens.pop()
    return tokens


def _is_anything(token: Any) -> bool:
    return str(token[0]) in ("MAX_REPEAT", "MIN_REPEAT") and token[1][0] == 0


def _characters(name: str, value: Any) -> str:
    if name == "ANY":
        return _NICE
    if name == "NOT_LITERAL":
        return _NICE.replace(chr(value), "") or "\u00e9"
    return _class_characters(tuple((str(kind), _frozen(item)) for kind, item in value))


def _frozen(item: Any) -> Any:
    """A hashable stand-in: a code point, a range of two, or the name of a category."""
    if isinstance(item, (list, tuple)):
        return tuple(cast("list[Any]", item))
    return item if type(item) is int else str(item)


@lru_cache(maxsize=4096)
def _class_characters(items: tuple[tuple[str, Any], ...]) -> str:
    """The characters of a class to draw from; a wide one is reduced to what people type."""
    negated = items[0][0] == "NEGATE"
    chosen: dict[str, None] = {}
    for kind, item in items[1:] if negated else items:
        chosen.update(dict.fromkeys(_item_characters(kind, item)))
    if negated:
        return "".join(char for char in _NICE if char not in chosen) or _beyond(chosen)
    printable = [char for char in chosen if char in _PRINTABLE]
    return "".join(printable or chosen)


def _beyond(excluded: dict[str, None]) -> str:
    found = [chr(number) for number in range(0xA1, 0x2AF) if chr(number) not in excluded]
    if not found:
        raise SamplingError("a character class excludes every character that can be drawn")
    return "".join(found)


def _item_characters(kind: str, item: Any) -> str:
    if kind == "LITERAL":
        return chr(item)
    if kind == "RANGE":
        low, high = item
        return "".join(
            chr(number)
            for number in range(low, min(high, low + _MAX_RANGE) + 1)
            if not 0xD800 <= number <= 0xDFFF
        )
    return {
        "CATEGORY_DIGIT": _DIGITS,
        "CATEGORY_WORD": _WORD,
        "CATEGORY_SPACE": _SPACE,
        "CATEGORY_NOT_DIGIT": _NICE.translate(dict.fromkeys(map(ord, _DIGITS))),
        "CATEGORY_NOT_WORD": " -.,/:@#%+=()!?&*;",
        "CATEGORY_NOT_SPACE": _NICE.replace(" ", ""),
    }.get(str(item), "")
