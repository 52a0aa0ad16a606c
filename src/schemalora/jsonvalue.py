"""JSON values: their type, their equality and their one canonical text."""

from __future__ import annotations

import json
import re
from typing import TypeAlias, cast

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def canonical_json(value: JsonValue) -> str:
    r"""The canonical text of a JSON value: no spaces, keys in their given order, UTF-8 as it is.

    Numbers take Python's shortest round-trip form. A lone surrogate, which UTF-8 cannot carry, is
    written as its `\udXXX` escape.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.
    """
    return escape_surrogates(_encoder.encode(value))


def indented_json(value: JsonValue) -> str:
    """The text of a JSON value for people: indented, UTF-8 as it is but for lone surrogates.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.
    """
    return escape_surrogates(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def escape_surrogates(text: str) -> str:
    r"""JSON text whose lone surrogates, which UTF-8 cannot carry, are `\udXXX` escapes."""
    if text.isascii():
        return text
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def json_equal(left: JsonValue, right: JsonValue) -> bool:
    """Equality as JSON has it: 1 equals 1.0, True does not equal 1, object order is no matter."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            json_equal(item, right[key]) for key, item in left.items()
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return type_name(left) == type_name(right) and left == right


def type_name(value: JsonValue) -> str:
    """JSON's name for the value's type; an int and a float are both a `number`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def freeze(value: JsonValue) -> object:
    """A hashable stand-in for a JSON value; equal stand-ins mean `json_equal` values."""
    if isinstance(value, dict):
        return ("object", frozenset((key, freeze(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(freeze(item) for item in value))
    return (type_name(value), cast(object, value))
