"""A string's node as the schema that the grammar engine is given."""

from __future__ import annotations

from collections.abc import Callable

from schemalora.inference.formats import (
    FORMAT_PATTERNS,
    NATIVE_FORMATS,
    OPEN_FORMATS,
    ZONED_PATTERNS,
)
from schemalora.jsonvalue import JsonValue
from schemalora.schema import StringNode

Schema = dict[str, JsonValue]


def string_schema(
    node: StringNode, *, zoned: bool, compiles: Callable[[Schema], bool]
) -> tuple[Schema, list[str]]:
    """Writes the schema of a string.

    Args:
        node: the string; its `checks` are not looked at.
        zoned: whether times must carry a time zone.
        compiles: whether the engine takes a schema; patterns may use what it lacks.

    Returns:
        The schema, and the keywords that it does not enforce.
    """
    schema: Schema = {"type": "string"}
    missing: list[str] = []
    if node.min_length:
        schema["minLength"] = node.min_length
    if node.max_length is not None:
        schema["maxLength"] = node.max_length
    if node.content is not None:
        missing.append("contentSchema")
    parts: list[tuple[str, Schema]] = [("pattern", {"pattern": p}) for p in node.patterns]
    for name in node.formats:
        pattern = (ZONED_PATTERNS if zoned else FORMAT_PATTERNS).get(name)
        if pattern is not None:
            parts.append(("format", {"pattern": f"^(?:{pattern})$"}))
        elif name in NATIVE_FORMATS:
            parts.append(("format", {"format": name}))
        elif name == "regex" or not (zoned or name in OPEN_FORMATS):
            missing.append("format")
    for keyword, part in parts:
        wider: Schema = {"allOf": [schema, {"type": "string", **part}]}
        if compiles(wider):
            schema = wider
        else:
            missing.append(keyword)
    return schema, missing
