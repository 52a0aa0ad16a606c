"""Checks completions against a bare JSON Schema."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from schemalora.contract.outcome import Outcome, Violation
from schemalora.contract.schema_errors import violations_of
from schemalora.errors import SchemaError, UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT

_BACKTRACK_LIMIT = 100_000
"""Steps of one regular expression; what needs more is refused as a `constraint`."""


class SchemaChecker:
    """The checker of a contract made from a JSON Schema."""

    def __init__(self, schema: dict[str, JsonValue]) -> None:
        try:
            self._validator = jsonschema_rs.validator_for(
                schema,
                validate_formats=True,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT),
                offline=True,
            )
        except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise SchemaError(ROOT, f"not a valid JSON Schema: {error}") from error

    validators: tuple[tuple[str, str], ...] = ()

    def check(self, text: str, value: JsonValue) -> Outcome:
        """The outcome of a completion whose text is valid JSON and means `value`."""
        try:
            if self._validator.is_valid(value):
                return Outcome((), True, value)
            return Outcome(violations_of(self._validator.iter_errors(value)), True, value)
        except UnicodeEncodeError:
            message = "a lone surrogate cannot be written as UTF-8"
            return Outcome((Violation("constraint", ROOT, message),), True, value)

    def wire(self, instance: Any) -> JsonValue:
        """A contract from a bare schema has no instances."""
        raise UsageError(f"cannot encode {type(instance).__name__}: it is no JSON value")
