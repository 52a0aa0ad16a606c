"""The schema as strict structured-output endpoints take it: the same meaning in fewer words.

Such endpoints refuse a whole request for a keyword they do not know. What asserts nothing is left
out: defaults, examples, formats that nobody else defines, pydantic's `discriminator`, the bounds of
times. A `oneOf` whose branches a discriminator's mapping tells apart becomes an `anyOf`. No
assertion is dropped: an endpoint that lacks one must say so, not silently write what breaks it.
"""

from __future__ import annotations

from schemalora.jsonvalue import JsonValue
from schemalora.schema.formats import KNOWN_FORMATS

_SILENT = frozenset(
    {
        *("default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment"),
        *("discriminator", "contentMediaType", "contentEncoding", "contentSchema"),
        *("formatMinimum", "formatExclusiveMinimum", "formatMaximum", "formatExclusiveMaximum"),
    }
)
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "required", "type", "dependentRequired"})
"""Keywords that hold values, in which nothing is a keyword."""


def for_endpoint(schema: JsonValue) -> JsonValue:
    """The schema without the keywords that assert nothing, and that strict endpoints refuse."""
    if isinstance(schema, list):
        return [for_endpoint(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    discriminator = schema.get("discriminator")
    tagged = isinstance(discriminator, dict) and "mapping" in discriminator
    tagged = tagged and "anyOf" not in schema
    made: dict[str, JsonValue] = {}
    for word, value in schema.items():
        if word in _SILENT or (word == "format" and value not in KNOWN_FORMATS):
            continue
        name = "anyOf" if tagged and word == "oneOf" else word
        made[name] = _inside(word, value)
    return made


def _inside(word: str, value: JsonValue) -> JsonValue:
    if word in _VALUES:
        return value
    if word in _MAPS and isinstance(value, dict):
        return {name: for_endpoint(item) for name, item in value.items()}
    return for_endpoint(value)
