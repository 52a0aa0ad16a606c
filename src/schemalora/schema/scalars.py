"""Reads what a conjunction says about numbers and about strings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from schemalora.jsonvalue import JsonValue
from schemalora.schema.members import Member
from schemalora.schema.nodes import NeverNode, Node, NumberNode, StringNode
from schemalora.schema.pattern_dialect import plain_pattern

Read = Callable[[Sequence[Member]], Node]


def read_number(flat: Sequence[Member], *, integer: bool) -> Node:
    """The number node of a conjunction, or `NeverNode` where its bounds contradict each other."""
    low = _tightest(flat, "minimum", "exclusiveMinimum", sign=1)
    high = _tightest(flat, "maximum", "exclusiveMaximum", sign=-1)
    multiples = [
        Fraction(value) for member in flat if (value := number(member, "multipleOf")) is not None
    ]
    node = NumberNode(
        integer=integer,
        minimum=low[0] if low else None,
        exclusive_minimum=bool(low and low[1]),
        maximum=high[0] if high else None,
        exclusive_maximum=bool(high and high[1]),
        multiples=tuple(dict.fromkeys(multiple for multiple in multiples if multiple > 0)),
    )
    if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
        return NeverNode(reason=f"no number lies between {_show(low[0])} and {_show(high[0])}")
    return node


def _show(value: Fraction) -> str:
    return str(int(value)) if value.denominator == 1 else str(float(value))


def _tightest(
    flat: Sequence[Member], inclusive: str, exclusive: str, *, sign: int
) -> tuple[Fraction, bool] | None:
    """The strongest bound, and whether it excludes itself; draft 4 has a boolean for that."""
    bounds: list[tuple[Fraction, bool]] = []
    for member in flat:
        bound = number(member, inclusive)
        if bound is not None:
            bounds.append((bound, member.get(exclusive) is True))
        bound = number(member, exclusive)
        if bound is not None:
            bounds.append((bound, True))
    return max(bounds, key=lambda bound: (sign * bound[0], bound[1]), default=None)


def number(member: Member, keyword: str) -> Fraction | None:
    """The exact value of a numeric keyword, as its decimal text has it: 0.1 is one tenth."""
    value = member.get(keyword)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return Fraction(repr(value))


def count(flat: Sequence[Member], keyword: str) -> list[int]:
    """The values of a keyword that counts something; 2.0 counts as 2."""
    values = (number(member, keyword) for member in flat)
    return [int(value) for value in values if value is not None]


def read_string(flat: Sequence[Member], read: Read) -> Node:
    """The string node of a conjunction, or `NeverNode` where no length is left."""
    low = max(count(flat, "minLength"), default=0)
    high = min(count(flat, "maxLength"), default=None)
    if high is not None and low > high:
        return NeverNode(reason=f"no string is at least {low} and at most {high} characters long")
    contents = [
        member.sub(member.get("contentSchema")) for member in flat if member.has("contentSchema")
    ]
    return StringNode(
        min_length=low,
        max_length=high,
        patterns=tuple(dict.fromkeys(map(plain_pattern, _texts(flat, "pattern")))),
        formats=tuple(dict.fromkeys(_texts(flat, "format"))),
        format_minimum=_first(flat, "formatMinimum", "formatExclusiveMinimum"),
        format_maximum=_first(flat, "formatMaximum", "formatExclusiveMaximum"),
        media_type=_first(flat, "contentMediaType"),
        encoding=_first(flat, "contentEncoding"),
        content=read(contents) if contents else None,
    )


def _first(flat: Sequence[Member], *keywords: str) -> str:
    return next((text for word in keywords for text in _texts(flat, word)), "")


def _texts(flat: Sequence[Member], keyword: str) -> list[str]:
    values: list[JsonValue] = [member.get(keyword) for member in flat]
    return [value for value in values if isinstance(value, str)]
