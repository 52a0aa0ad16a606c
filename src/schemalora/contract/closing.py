"""Closes a pydantic core schema: every declared key required, no extra key, one name a field.

Pydantic fills in defaults and passes over extra keys; a completion must not get away with either.
So the contract validates with a copy of the model's own core schema, in which only that differs:
the classes, the validators and the types stay the model's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import core_schema

from schemalora.errors import SchemaError
from schemalora.schema import ROOT, child_path

CoreSchema = dict[str, Any]

UNION_MARK = "\x00"
"""Opens the label of a union branch in the location of an error; no key of a model has it."""

_FIELD_CONTAINERS = frozenset({"model-fields", "typed-dict", "dataclass-args"})
_UNREACHABLE = {
    "callable": "a callable has no JSON form",
    "is-subclass": "a class has no JSON form",
    "is-instance": "an arbitrary class has no JSON form",
    "generator": "a generator is consumed by validation; use list[...]",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """How to close; the same walk serves validating, diagnosing and writing."""

    optional_keys: bool = False
    """Keep defaults, so that their keys may be left out."""
    keep_defaults: bool = False
    """Keep defaults for what they tell, though their keys are required."""
    label_unions: bool = False
    """Label union branches, so that the locations of errors can be told from keys."""
    serialize: bool = False
    """Write every field under the name that validation reads, secrets and excluded ones too."""

    def close(self, schema: Mapping[str, Any]) -> CoreSchema:
        """A closed copy of a core schema; what is given stays as it is.

        Raises:
            SchemaError: a callable, an arbitrary class, or an alias path, with the field's path.
        """
        return self._walk(dict(schema), ROOT, None)

    def _walk(self, schema: CoreSchema, path: str, extra: str | None) -> CoreSchema:
        kind = schema.get("type")
        if kind == "default" and not (self.optional_keys or self.keep_defaults):
            return self._walk(schema["schema"], path, extra)
        if kind in _UNREACHABLE:
            raise SchemaError(path, _UNREACHABLE[cast(str, kind)])
        made = dict(schema)
        extra = _extra_of(made, extra)
        if kind in _FIELD_CONTAINERS:
            self._close_fields(made, path, extra)
        elif kind == "union":
            self._close_union(made, path, extra)
        elif kind == "tagged-union":
            made["choices"] = {
                tag: self._label(self._walk(choice, path, extra))
                for tag, choice in made["choices"].items()
            }
        elif kind == "definitions":
            made["schema"] = self._walk(made["schema"], path, None)
            made["definitions"] = [self._walk(one, path, None) for one in made["definitions"]]
        elif kind == "arguments":
            made["arguments_schema"] = [
                self._argument(one, child_path(path, one["name"]))
                for one in made["arguments_schema"]
            ]
        else:
            if self.serialize:
                _write_faithfully(made)
            self._close_inner(made, path, extra if kind in ("model", "dataclass") else None)
        return made

    def _argument(self, argument: CoreSchema, path: str) -> CoreSchema:
        inner = cast(CoreSchema, argument["schema"])
        if inner["type"] == "default" and not self.optional_keys:
            inner = cast(CoreSchema, inner["schema"])
        return {**argument, "schema": self._walk(inner, path, None)}

    def _close_inner(self, made: CoreSchema, path: str, extra: str | None) -> None:
        for key, sub_path in (
            ("schema", path),
            ("items_schema", f"{path}[*]"),
            ("keys_schema", path),
            ("values_schema", f"{path}.*"),
            ("strict_schema", path),
            ("json_schema", path),
        ):
            inner = made.get(key)
            if isinstance(inner, dict):
                made[key] = self._walk(cast(CoreSchema, inner), sub_path, extra)
            elif isinstance(inner, list):
                items = cast("list[CoreSchema]", inner)
                made[key] = [
                    self._walk(one, child_path(path, i), None) for i, one in enumerate(items)
                ]
        if made.get("type") == "chain":
            made["steps"] = [self._walk(one, path, None) for one in made["steps"]]

    def _close_fields(self, made: CoreSchema, path: str, extra: str | None) -> None:
        extra = made.get("extra_behavior") or extra
        made["extra_behavior"] = "allow" if extra == "allow" else "forbid"
        made["computed_fields"] = []
        fields: Any = made["fields"]
        if isinstance(fields, dict):
            named = cast("dict[str, CoreSchema]", fields)
            made["fields"] = {
                name: self._field(name, one, path, made) for name, one in named.items()
            }
        else:
            listed = cast("list[CoreSchema]", fields)
            made["fields"] = [self._field(one["name"], one, path, made) for one in listed]

    def _field(self, name: str, field: CoreSchema, path: str, owner: CoreSchema) -> CoreSchema:
        made = dict(field)
        wire = wire_name(name, field, path)
        aliases = ("validation_alias", "serialization_alias")
        for alias in aliases:
            made.pop(alias, None)
        if wire != name:
            made.update(dict.fromkeys(aliases, wire))
        made.pop("serialization_exclude", None)
        made.pop("serialization_exclude_if", None)
        made["schema"] = self._walk(field["schema"], child_path(path, wire), None)
        return made

    def _close_union(self, made: CoreSchema, path: str, extra: str | None) -> None:
        choices: list[Any] = []
        refused: list[SchemaError] = []
        for choice in made["choices"]:
            inner = cast(CoreSchema, choice[0] if isinstance(choice, tuple) else choice)
            try:
                closed = self._walk(inner, path, extra)
            except SchemaError as error:
                # A branch that JSON cannot reach leaves the others as they are.
                refused.append(error)
                continue
            choices.append((closed, f"{UNION_MARK}{len(choices)}") if self.label_unions else closed)
        if not choices:
            raise refused[0]
        made["choices"] = choices

    def _label(self, choice: CoreSchema) -> CoreSchema:
        if not self.label_unions:
            return choice
        labelled = [(choice, f"{UNION_MARK}tag")]
        return {"type": "union", "choices": labelled, "auto_collapse": False}


def _write_faithfully(made: CoreSchema) -> None:
    """Serialisation that validation can read back: secrets as they are, sets in a fixed order."""
    serialization: Any = made.get("serialization")
    if made["type"] in ("set", "frozenset") and serialization is None:
        made["serialization"] = core_schema.wrap_serializer_function_ser_schema(_in_fixed_order)
    elif isinstance(serialization, dict):
        function: Any = cast("dict[str, Any]", serialization).get("function")
        if getattr(function, "__module__", "") == "pydantic.types" and "secret" in getattr(
            function, "__name__", ""
        ):
            made["serialization"] = core_schema.plain_serializer_function_ser_schema(_reveal)


def _in_fixed_order(value: Any, write: Callable[[Any], list[Any]]) -> list[Any]:
    return sorted(write(value), key=lambda item: json.dumps(item, sort_keys=True, default=str))


def _reveal(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _extra_of(schema: CoreSchema, above: str | None) -> str | None:
    config: Any = schema.get("config")
    if isinstance(config, dict):
        found = cast("dict[str, Any]", config).get("extra_fields_behavior")
        closed = dict(cast("dict[str, Any]", config))
        for name in ("validate_by_name", "populate_by_name"):
            closed.pop(name, None)
        closed.pop("validate_by_alias", None)
        schema["config"] = closed
        return found
    return above


def wire_name(name: str, field: Mapping[str, Any], path: str) -> str:
    """The one key under which a field is on the wire.

    Raises:
        SchemaError: the field can only be read from inside another value (`AliasPath`).
    """
    alias = field.get("validation_alias")
    if alias is None:
        return name
    if isinstance(alias, str):
        return alias
    choices = cast("list[Any]", alias)
    paths = choices if choices and isinstance(choices[0], list) else [choices]
    for one in paths:
        if len(one) == 1 and isinstance(one[0], str):
            return one[0]
    raise SchemaError(
        child_path(path, name),
        "an AliasPath reads this field from inside another one, which has no place of its own on "
        "the wire; give the field a plain alias",
    )
