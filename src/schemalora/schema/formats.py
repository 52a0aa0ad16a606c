"""Formats: which are known, and whether a string has one."""

from __future__ import annotations

from functools import cache

import jsonschema_rs

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
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)


def format_holds(name: str, text: str) -> bool:
    """Whether the string has the format; a format that nobody defines holds for every string."""
    if name not in KNOWN_FORMATS:
        return True
    try:
        return _validator(name).is_valid(text)
    except UnicodeEncodeError:
        return False
