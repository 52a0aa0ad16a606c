"""Dates, times and spans between bounds: models have them, JSON Schema has no word for them."""

from __future__ import annotations

import datetime as dt
import re

from schemalora.sampling.source import Source
from schemalora.schema import StringNode

_SPANS = {"date": 20_000, "time": 40_000, "date-time": 10**9, "duration": 100_000}
"""How far from its one bound a value may lie: days for dates, seconds for the others."""
_DAY = 86_400


def draw_between(node: StringNode, source: Source) -> str | None:
    """A string of the node's format between its bounds, or None where it has none.

    A bound may be hit that the model excludes: the model has the last word.
    """
    name = node.formats[0].removeprefix("naive-") if node.formats else ""
    low, high = _number(name, node.format_minimum), _number(name, node.format_maximum)
    span = _SPANS.get(name)
    if span is None or (low is None and high is None):
        return None
    if low is None:
        low = (high or 0) - span
    if high is None:
        high = low + span
    if name == "time":
        low, high = max(low, 0), min(high, _DAY - 1)
    if low > high:
        return None
    text = _text(name, source.integer(low, high))
    return text.removesuffix("Z") if node.formats[0] != name else text


def _number(name: str, bound: str) -> int | None:
    if not bound:
        return None
    if name == "date":
        return dt.date.fromisoformat(bound).toordinal()
    if name == "time":
        clock = dt.time.fromisoformat(bound)
        return clock.hour * 3600 + clock.minute * 60 + clock.second
    if name == "date-time":
        moment = dt.datetime.fromisoformat(bound)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())
    seconds = re.fullmatch(r"PT(-?[0-9]+)(\.[0-9]+)?S", bound)
    return int(seconds.group(1)) if seconds else None


def _text(name: str, number: int) -> str:
    if name == "date":
        return dt.date.fromordinal(min(max(number, 1), dt.date.max.toordinal())).isoformat()
    if name == "time":
        return f"{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    if name == "date-time":
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=number)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{'-' if number < 0 else ''}PT{abs(number)}S"
