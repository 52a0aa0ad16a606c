"""Which JSON types a conjunction allows, and which of them its author had in mind."""

from __future__ import annotations

from collections.abc import Sequence

from schemalora.schema.members import Member

TYPES = ("object", "array", "string", "number", "boolean", "null")
_KEYWORDS_OF_TYPE = {
    "object": frozenset(
        {
            "properties",
            "required",
            "patternProperties",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
        }
    ),
    "array": frozenset(
        {
            "items",
            "prefixItems",
            "additionalItems",
            "unevaluatedItems",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
        }
    ),
    "string": frozenset(
        {
            "minLength",
            "maxLength",
            "pattern",
            "format",
            "contentEncoding",
            "contentMediaType",
            "contentSchema",
        }
    ),
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
}


def types_of(flat: Sequence[Member]) -> tuple[frozenset[str], frozenset[str] | None]:
    """The types that are allowed, and those the keywords speak of where no `type` is given."""
    allowed: frozenset[str] = frozenset({*TYPES, "integer"})
    named = False
    for member in flat:
        value = member.get("type")
        if isinstance(value, (str, list)):
            named = True
            these = {value} if isinstance(value, str) else {v for v in value if isinstance(v, str)}
            allowed &= frozenset(these | ({"integer"} if "number" in these else set()))
    if named:
        return allowed, None
    meant = frozenset(
        kind
        for kind, keywords in _KEYWORDS_OF_TYPE.items()
        if any(member.has(word) for member in flat for word in keywords)
    )
    if not meant:
        return frozenset(TYPES), None
    return frozenset(TYPES), meant


def with_numbers(allowed: frozenset[str]) -> frozenset[str]:
    """The types, with `number` where only integers are allowed: one node stands for both."""
    return allowed | {"number"} if "integer" in allowed else allowed
