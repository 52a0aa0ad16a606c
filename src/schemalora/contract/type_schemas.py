"""JSON Schemas of the types for which pydantic's own says too little: decimals, times, keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from pydantic_core import core_schema

_MOST_DIGITS = 15
"""With more, the alternatives of a pattern that counts digits before and after the point grow."""
_INTEGER = "(0|[1-9][0-9]*)"
_KEYS: Mapping[str, dict[str, Any]] = {
    "int": {"pattern": f"^-?{_INTEGER}$"},
    "float": {"pattern": rf"^-?{_INTEGER}(\.[0-9]+)?$"},
    "decimal": {"pattern": rf"^-?{_INTEGER}(\.[0-9]+)?$"},
    "bool": {"enum": ["true", "false"]},
    "date": {"format": "date"},
    "datetime": {"format": "date-time"},
    "time": {"format": "time"},
    "uuid": {"format": "uuid"},
}
_TEMPORAL_BOUNDS = {
    "ge": "formatMinimum",
    "gt": "formatExclusiveMinimum",
    "le": "formatMaximum",
    "lt": "formatExclusiveMaximum",
}
NAIVE_FORMAT = "naive-date-time"
"""A moment without a time zone, which `date-time` must have."""


def key_names(keys: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the keys of a mapping must match as the strings they are on the wire; None for any."""
    return _KEYS.get(keys.get("type", "any"))


def temporal_marks(schema: Any) -> dict[str, Any]:
    """The bounds of a date, time, moment or span, and whether it must have a time zone."""
    given = cast("dict[str, Any]", schema)
    marks = {
        keyword: _iso(given[name])
        for name, keyword in _TEMPORAL_BOUNDS.items()
        if given.get(name) is not None
    }
    if given.get("tz_constraint") == "naive":
        marks["format"] = NAIVE_FORMAT
    elif given.get("tz_constraint") is not None:
        marks["pattern"] = r"([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
    return marks


def _iso(value: dt.date | dt.time | dt.timedelta) -> str:
    return f"PT{value.total_seconds():g}S" if isinstance(value, dt.timedelta) else value.isoformat()


def decimal_text(schema: core_schema.DecimalSchema) -> dict[str, Any]:
    """The string of a decimal: its sign and how many digits it may have."""
    low = schema.get("ge", schema.get("gt"))
    sign = "" if low is not None and low >= 0 else "-?"
    return {"type": "string", "format": "decimal", "pattern": f"^{sign}{_digits(schema)}$"}


def _digits(schema: core_schema.DecimalSchema) -> str:
    digits, places = schema.get("max_digits"), schema.get("decimal_places")
    if digits is not None and digits > _MOST_DIGITS:
        digits = None
    if digits is None:
        return _INTEGER + _fraction(places)
    if places is not None:
        return _whole(digits - places) + _fraction(places)
    # Only the digits in all are counted: as many fewer after the point as stand before it.
    forms = [f"(0|[1-9]){_fraction(digits - 1)}", f"0{_fraction(digits)}"]
    forms += [f"[1-9][0-9]{{{n - 1}}}{_fraction(digits - n)}" for n in range(2, digits + 1)]
    return f"({'|'.join(forms)})"


def _whole(count: int) -> str:
    return f"(0|[1-9][0-9]{{0,{count - 1}}})" if count > 0 else "0"


def _fraction(places: int | None) -> str:
    if places is None:
        return r"(\.[0-9]+)?"
    return rf"(\.[0-9]{{1,{places}}})?" if places > 0 else ""


def decimal_number(schema: core_schema.DecimalSchema) -> core_schema.FloatSchema:
    """The bounds of a decimal that is written as a number."""
    given = cast("dict[str, Any]", schema)
    names = ("ge", "gt", "le", "lt", "multiple_of")
    bounds = {name: float(given[name]) for name in names if name in given}
    digits, places = schema.get("max_digits"), schema.get("decimal_places")
    if places is not None:
        bounds.setdefault("multiple_of", float(Decimal(1).scaleb(-places)))
    if digits is not None:
        beyond = float(10 ** max(0, digits - (places or 0)))
        if "le" not in bounds:
            bounds["lt"] = min(beyond, bounds.get("lt", beyond))
        if "ge" not in bounds:
            bounds["gt"] = max(-beyond, bounds.get("gt", -beyond))
    return cast(core_schema.FloatSchema, {"type": "float", **bounds})


def url_examples(schema: Mapping[str, Any]) -> dict[str, Any]:
    """URLs of the schemes that a type allows, where the web's are not among them."""
    schemes = schema.get("allowed_schemes") or ()
    if not schemes or {"https", "http"} & set(schemes):
        return {}
    urls = [f"{one}://{rest}" for one in schemes[:3] for rest in _AFTER_SCHEME]
    most = schema.get("max_length")
    return {"examples": [url for url in urls if most is None or len(url) <= most]}


_AFTER_SCHEME = ("user:secret@db.example.com/app", "a.example/b")
