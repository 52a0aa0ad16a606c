"""Checks completions with pydantic's own strict validation of the closed model."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, cast

from pydantic_core import (
    PydanticSerializationError,
    SchemaSerializer,
    SchemaValidator,
    ValidationError,
)

from schemalora.contract.closing import Closing, CoreSchema
from schemalora.contract.model_errors import violations_of
from schemalora.contract.outcome import Outcome, Violation
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT


class ModelChecker:
    """The checker of a contract made from a pydantic model."""

    def __init__(self, core: CoreSchema, *, optional_keys: bool) -> None:
        self._core = core
        self._optional_keys = optional_keys
        closed = Closing(optional_keys=optional_keys).close(core)
        self._validator = SchemaValidator(cast(Any, closed), _use_prebuilt=False)

    def check(self, text: str, value: JsonValue) -> Outcome:
        """The outcome of a completion whose text is valid JSON and means `value`."""
        try:
            instance = self._validator.validate_json(text, strict=True)
        except Exception as error:  # user code may raise anything, and parse never does
            return Outcome(self._diagnose(text, value, error), True, value)
        return Outcome((), True, value, instance)

    def _diagnose(self, text: str, value: JsonValue, error: Exception) -> tuple[Violation, ...]:
        if isinstance(error, ValidationError):
            try:
                self._diagnosing.validate_json(text, strict=True)
            except ValidationError as labelled:
                return violations_of(labelled, value)
            except Exception as raised:
                error = raised
        if isinstance(error, UnicodeEncodeError):
            return (Violation("constraint", ROOT, "a lone surrogate cannot be written as UTF-8"),)
        message = f"the model raised {type(error).__name__}: {error}"
        return (Violation("validator", ROOT, message),)

    @cached_property
    def _diagnosing(self) -> SchemaValidator:
        closing = Closing(optional_keys=self._optional_keys, label_unions=True)
        return SchemaValidator(cast(Any, closing.close(self._core)), _use_prebuilt=False)

    @cached_property
    def _serializer(self) -> SchemaSerializer:
        closed = Closing(optional_keys=self._optional_keys, serialize=True).close(self._core)
        return SchemaSerializer(cast(Any, closed), _use_prebuilt=False)

    def wire(self, instance: Any) -> JsonValue:
        """The JSON value of an instance, under the names that validation reads.

        Raises:
            UsageError: what is given is no JSON value and no instance of the model.
        """
        try:
            text = self._serializer.to_json(
                instance, by_alias=True, round_trip=True, warnings="error"
            )
        except (PydanticSerializationError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(f"cannot encode {type(instance).__name__}: {error}") from error
        return json.loads(text)
