"""The completion schema of a pydantic model: its JSON Schema, closed and complete."""

from __future__ import annotations

import inspect
import re
import warnings
from functools import partial
from typing import Any, cast

from pydantic import PydanticUserError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from schemalora.contract.closing import Closing
from schemalora.contract.core_types import CoreSchema
from schemalora.contract.type_schemas import (
    decimal_number,
    decimal_text,
    key_names,
    temporal_marks,
    url_examples,
)
from schemalora.errors import SchemaError
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT
from schemalora.schema.pattern_dialect import without_posix_names


def core_schema_of(model: Any) -> CoreSchema:
    """The core schema of a model, a dataclass, a TypedDict or any other type pydantic knows.

    Raises:
        SchemaError: a type that pydantic cannot validate, no type at all, or a name that is not
            defined.
    """
    if inspect.isroutine(model) or isinstance(model, partial):
        raise SchemaError(ROOT, _no_model(model))  # pydantic would validate its arguments
    try:
        adapter = TypeAdapter[Any](model)
        adapter.rebuild(raise_errors=True)
        return cast(CoreSchema, adapter.core_schema)
    except PydanticSchemaGenerationError as error:
        # Pydantic's own advice, to allow arbitrary types, helps nobody: they have no JSON form.
        found = _UNKNOWN_TYPE.match(str(error))
        unknown = found.group(1) if found else repr(model)
        reason = _no_model(model)
        if unknown != repr(model):
            reason = f"pydantic cannot build {_name_of(model)}: {_no_model(unknown)}"
        raise SchemaError(ROOT, reason) from error
    except (PydanticUserError, NameError, TypeError) as error:
        reason = f"pydantic cannot build {_name_of(model)}: {_first_line(error)}"
        raise SchemaError(ROOT, reason) from error


def completion_schema(core: CoreSchema, *, optional_keys: bool) -> dict[str, JsonValue]:
    """The JSON Schema of a closed core schema, in the form in which it is validated.

    Raises:
        SchemaError: a type without a JSON form.
    """
    closed = Closing(optional_keys=optional_keys, keep_defaults=True).close(core)
    generator = _CompletionSchema(by_alias=True)
    generator.optional_keys = optional_keys
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # defaults without a JSON form; they are not needed
            schema = generator.generate(cast(Any, closed), mode="validation")
    except PydanticInvalidForJsonSchema as error:
        raise SchemaError(ROOT, _first_line(error)) from error
    return cast("dict[str, JsonValue]", schema)


_UNKNOWN_TYPE = re.compile(r"Unable to generate pydantic-core schema for (.+?)\. Set ")


class _CompletionSchema(GenerateJsonSchema):
    """Pydantic's generator, which reads `extra` from the class; here the closed schema has it."""

    optional_keys = False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Every key is, but for those of a TypedDict that say otherwise."""
        if self.optional_keys or field["type"] == "typed-dict-field":
            return super().field_is_required(field, total)
        return True

    def field_is_present(self, field: Any) -> bool:
        """A dataclass sets its `init=False` fields by itself."""
        return field.get("init") is not False and super().field_is_present(field)

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        """A plain validator function takes anything that JSON has; it has the last word."""
        if schema["type"] == "function-plain":
            return {}
        return super().handle_invalid_for_json_schema(schema, error_info)

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """A string; its pattern is Rust's, and a JSON Schema has ECMA's."""
        made = super().str_schema(schema)
        if isinstance(pattern := made.get("pattern"), str):
            made["pattern"] = without_posix_names(pattern)
        return made

    def url_schema(self, schema: core_schema.UrlSchema) -> JsonSchemaValue:
        """A URL; one of an unusual scheme says by examples what it looks like."""
        return {**super().url_schema(schema), **url_examples(schema)}

    def multi_host_url_schema(self, schema: core_schema.MultiHostUrlSchema) -> JsonSchemaValue:
        """A URL of several hosts, likewise."""
        return {**super().multi_host_url_schema(schema), **url_examples(schema)}

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A decimal is a string on the wire; a number is read as well."""
        number = {**super().float_schema(decimal_number(schema)), "format": "decimal"}
        return {"anyOf": [decimal_text(schema), number]}

    def date_schema(self, schema: core_schema.DateSchema) -> JsonSchemaValue:
        """A date with its bounds, which pydantic leaves out of its schema."""
        return {**super().date_schema(schema), **temporal_marks(schema)}

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """A moment with its bounds, and with or without a time zone where the type says which."""
        return {**super().datetime_schema(schema), **temporal_marks(schema)}

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """A time of day with its bounds."""
        return {**super().time_schema(schema), **temporal_marks(schema)}

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """A span of time with its bounds."""
        return {**super().timedelta_schema(schema), **temporal_marks(schema)}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A mapping; keys are strings on the wire, and say what they stand for."""
        made = super().dict_schema(schema)
        names = key_names(cast("dict[str, Any]", schema.get("keys_schema") or {}))
        if names is not None and not made.keys() & {"propertyNames", "patternProperties"}:
            made["propertyNames"] = names
        return made

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> JsonSchemaValue:
        """The object of a model's fields, extra keys refused unless the model allows them."""
        return self._close(super().model_fields_schema(schema), schema.get("extra_behavior"))

    def dataclass_args_schema(self, schema: core_schema.DataclassArgsSchema) -> JsonSchemaValue:
        """The object of a dataclass's fields, extra keys refused unless it allows them."""
        return self._close(super().dataclass_args_schema(schema), schema.get("extra_behavior"))

    def _close(self, made: JsonSchemaValue, extra: str | None) -> JsonSchemaValue:
        if extra == "forbid":
            made["additionalProperties"] = False
        else:
            made.setdefault("additionalProperties", True)
        return made


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _no_model(model: Any) -> str:
    name = model if isinstance(model, str) else _name_of(model)
    return (
        f"{name} is no Pydantic model (nor a dataclass, TypedDict or type pydantic knows): "
        "derive it from pydantic.BaseModel"
    )


def _name_of(model: Any) -> str:
    return getattr(model, "__name__", None) or repr(model)
