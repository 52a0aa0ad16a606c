"""Checks completions with pydantic's own strict validation of the closed model."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from pydantic_core import (
    PydanticSerializationError,
    SchemaSerializer,
    SchemaValidator,
    ValidationError,
    core_schema,
    from_json,
)

from schemalora.contract.closing import Closing
from schemalora.contract.core_types import CoreSchema
from schemalora.contract.model_errors import violations_of
from schemalora.contract.outcome import Outcome, Violation
from schemalora.contract.size import too_many_to_explain
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT


class ModelChecker:
    """The checker of a contract made from a pydantic model."""

    def __init__(self, core: CoreSchema, *, optional_keys: bool) -> None:
        self._core = core
        self._optional_keys = optional_keys
        closing = Closing(optional_keys=optional_keys)
        closed = closing.close(core)
        self.validators = tuple(dict.fromkeys(closing.validators))
        self._validator = _build(closed)

    def check(self, text: str, value: JsonValue) -> Outcome:
        """The outcome of a completion whose text is valid JSON and means `value`."""
        try:
            instance = self._validator.validate_json(text)
        except Exception as error:  # user code may raise anything, and parse never does
            return Outcome(self._diagnose(text, value, error), True, value)
        return Outcome((), True, value, instance)

    def _diagnose(self, text: str, value: JsonValue, error: Exception) -> tuple[Violation, ...]:
        text.encode()  # raises where the text itself is at fault
        if violations := too_many_to_explain(value):
            return violations
        if isinstance(error, ValidationError):
            try:
                self._diagnosing.validate_json(text)
            except ValidationError as labelled:
                return violations_of(labelled, value)
            except Exception as raised:
                error = raised
        message = f"the model raised {type(error).__name__}: {error}"
        return (Violation("validator", ROOT, message),)

    @cached_property
    def _diagnosing(self) -> SchemaValidator:
        closing = Closing(optional_keys=self._optional_keys, label_unions=True)
        return _build(closing.close(self._core))

    def wire(self, instance: Any) -> JsonValue:
        """The JSON value of an instance, under the names that validation reads.

        A serializer that the model's author wrote is used where validation reads its output back
        as the same instance, and passed over where it does not.

        Raises:
            UsageError: what is given is no instance of the model.
        """
        serializer, own = self._serializer
        try:
            text = serializer.to_json(instance, by_alias=True, round_trip=True, warnings="error")
            if own and not self._reads_back(text, instance):
                text = self._plain_serializer.to_json(instance, by_alias=True, round_trip=True)
        except (PydanticSerializationError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(f"cannot encode {type(instance).__name__}: {error}") from error
        return from_json(text, cache_strings="keys")

    def _reads_back(self, text: bytes, instance: Any) -> bool:
        try:
            return bool(self._validator.validate_json(text) == instance)
        except Exception:  # user code may raise anything
            return False

    @cached_property
    def _serializer(self) -> tuple[SchemaSerializer, bool]:
        closing = Closing(optional_keys=self._optional_keys, serialize=True)
        closed = cast(Any, closing.close(self._core))
        return SchemaSerializer(closed, _use_prebuilt=False), closing.met_own_serializer

    @cached_property
    def _plain_serializer(self) -> SchemaSerializer:
        closing = Closing(optional_keys=self._optional_keys, serialize=True, own_serializers=False)
        return SchemaSerializer(cast(Any, closing.close(self._core)), _use_prebuilt=False)


def _build(closed: CoreSchema) -> SchemaValidator:
    """A strict validator that does not fall back on the classes' own validators."""
    config = core_schema.CoreConfig(strict=True)
    return SchemaValidator(cast(Any, closed), config, _use_prebuilt=False)
