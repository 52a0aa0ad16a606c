"""Formats: which are known, and whether a string has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import jsonschema_rs

from schemalora.schema.members import with_dialect
from schemalora.schema.patterns import pattern_error

KNOWN_FORMATS = frozenset(
    {
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uri-template",
        "uuid",
        "json-pointer",
        "relative-json-pointer",
        "regex",
    }
)


@cache
def formats_unknown_to(draft: int) -> dict[str, Callable[[str], bool]]:
    """Checks of the formats that came after a draft: a format means the same in every draft.

    With them comes that of `regex`, which is to hold for what may stand under `pattern`.
    """
    dialect = {"type": "string"}
    unknown: dict[str, Callable[[str], bool]] = {"regex": partial(format_holds, "regex")}
    for name in sorted(KNOWN_FORMATS):
        schema = with_dialect({**dialect, "format": name}, draft)
        if jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(_NO_FORMAT):
            unknown[name] = partial(format_holds, name)
    return unknown


_NO_FORMAT = "\x00 [ {no} format (\u2603 %%"
"""Has none of the known formats."""


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)


def format_holds(name: str, text: str) -> bool:
    """Whether the string has the format; a format that nobody defines holds for every string."""
    if name not in KNOWN_FORMATS:
        return True
    if name == "regex":
        return pattern_error(text) is None
    try:
        return _validator(name).is_valid(text)
    except UnicodeEncodeError:
        return False
