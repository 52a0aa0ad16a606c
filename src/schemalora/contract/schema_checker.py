"""Checks completions against a bare JSON Schema."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

import jsonschema_rs

from schemalora.contract.outcome import Outcome
from schemalora.contract.schema_errors import violations_of
from schemalora.contract.size import too_many_to_explain
from schemalora.errors import SchemaError, UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT
from schemalora.schema.formats import formats_unknown_to
from schemalora.schema.members import draft_of, with_dialect
from schemalora.schema.pattern_dialect import plain_pattern
from schemalora.schema.patterns import pattern_options


class SchemaChecker:
    """The checker of a contract made from a JSON Schema.

    Args:
        schema: the schema as it is written.

    Raises:
        SchemaError: the schema breaks the rules of its own draft.
    """

    def __init__(self, schema: dict[str, JsonValue]) -> None:
        draft = draft_of(schema)
        try:
            self._validator = jsonschema_rs.validator_for(
                with_dialect(cast("dict[str, JsonValue]", _for_engine(schema)), draft),
                formats=formats_unknown_to(draft),
                validate_formats=True,
                pattern_options=pattern_options(),
                offline=True,
            )
        except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise _schema_error(error) from error

    validators: tuple[tuple[str, str], ...] = ()

    def check(self, text: str, value: JsonValue) -> Outcome:
        """The outcome of a completion whose text is valid JSON and means `value`."""
        if self._validator.is_valid(value):
            return Outcome((), True, value)
        violations = too_many_to_explain(value) or violations_of(self._validator.iter_errors(value))
        return Outcome(violations, True, value)

    def wire(self, instance: Any) -> JsonValue:
        """A contract from a bare schema has no instances."""
        raise UsageError(f"cannot encode {type(instance).__name__}: it is no JSON value")


def _schema_error(error: Exception) -> SchemaError:
    first = str(error).strip().splitlines()[0]
    if isinstance(error, jsonschema_rs.ValidationError):
        place = "/".join(map(str, error.instance_path))
        return SchemaError(ROOT, f"not a valid JSON Schema: {error.message} (at #/{place})")
    return SchemaError(ROOT, f"not a valid JSON Schema: {first}")


_NO_SCHEMAS = frozenset({"enum", "const", "default", "examples"})
_MAPS = frozenset({"properties", "$defs", "definitions", "dependentSchemas", "dependencies"})
_URI_CHARACTERS = "%/#?:@!$&'()*+,;=~[]"


def _for_engine(schema: JsonValue) -> JsonValue:
    """The schema with the same meaning, in a form that strict readers take.

    Generators of schemas name definitions after generic types: `#/definitions/List<A>` becomes
    `...List%3CA%3E`. Patterns are put into the plain dialect.
    """
    if isinstance(schema, list):
        return [_for_engine(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _keyword_for_engine(key, value) for key, value in schema.items()}


def _keyword_for_engine(key: str, value: JsonValue) -> JsonValue:
    if key in _NO_SCHEMAS:
        return value
    if isinstance(value, dict) and key in _MAPS:
        return {name: _for_engine(inner) for name, inner in value.items()}
    if isinstance(value, dict) and key == "patternProperties":
        return {plain_pattern(name): _for_engine(inner) for name, inner in value.items()}
    if isinstance(value, str) and key == "pattern":
        return plain_pattern(value)
    if isinstance(value, str) and key == "$ref":
        return quote(value, safe=_URI_CHARACTERS)
    return _for_engine(value)
