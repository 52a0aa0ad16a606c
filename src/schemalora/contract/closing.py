"""Closes a pydantic core schema: every declared key required, no extra key, one name a field.

Pydantic fills in defaults and passes over extra keys; a completion must not get away with either.
So the contract validates with a copy of the model's own core schema, in which only that differs:
the classes, the validators and the types stay the model's.

One more thing differs. Below a validator that runs before validation, pydantic checks Python
objects instead of JSON, and strictly refuses every date, set or tuple, since JSON has none: no
completion at all could satisfy such a model. There, and for these types only, the JSON form is
accepted, as strict validation accepts it everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from schemalora.contract.core_types import (
    CoreSchema,
    has_own_serialization,
    is_hidden,
    own_validator_name,
    read_json_form,
    unreachable_reason,
    wire_name,
    write_faithfully,
)
from schemalora.errors import SchemaError, UsageError
from schemalora.schema import ROOT, child_path

UNION_MARK = "\x00"
"""Opens the label of a union branch in the location of an error; no key of a model has it."""

_PYTHON_BELOW = frozenset({"function-before", "function-wrap"})
_NAME_SETTINGS = ("validate_by_name", "validate_by_alias", "populate_by_name")
_NOTATIONS = ("ser_json_timedelta", "ser_json_temporal")
"""Settings by which pydantic writes times as numbers, which strict validation does not read."""
_INNER = (
    ("schema", ""),
    ("items_schema", "[*]"),
    ("keys_schema", ""),
    ("values_schema", ".*"),
    ("strict_schema", ""),
    ("lax_schema", ""),
    ("json_schema", ""),
    ("extras_schema", ".*"),
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is."""

    path: str = ROOT
    extra: str | None = None
    """What the enclosing class says about extra keys."""
    python: bool = False
    """Whether pydantic checks Python objects here, not JSON."""

    def below(self, path: str) -> _Place:
        return replace(self, path=path, extra=None)


class Closing:
    """Closes core schemas; the same walk serves validating, diagnosing and writing.

    Args:
        optional_keys: keep defaults, so that their keys may be left out.
        keep_defaults: keep defaults for what they tell, though their keys are required.
        label_unions: label union branches, so that the locations of errors can be told from keys.
        serialize: for writing: every field under the name that validation reads, secrets and
            excluded fields too.
        own_serializers: when writing, keep the serializers that the model's author wrote.
    """

    def __init__(
        self,
        *,
        optional_keys: bool = False,
        keep_defaults: bool = False,
        label_unions: bool = False,
        serialize: bool = False,
        own_serializers: bool = True,
    ) -> None:
        self._keep_optional = optional_keys
        self._keep_defaults = optional_keys or keep_defaults
        self._label_unions = label_unions
        self._serialize = serialize
        self._own_serializers = own_serializers
        self.validators: list[tuple[str, str]] = []
        """Path and name of each validator function that the model's author wrote."""
        self.met_own_serializer = False
        """Whether the walk came by a serializer that the model's author wrote."""
        self._python_refs: set[str] = set()
        self._closers: dict[str, Callable[[CoreSchema, _Place], None]] = {
            **dict.fromkeys(("model-fields", "typed-dict", "dataclass-args"), self._close_fields),
            **dict.fromkeys(("arguments", "arguments-v3", "named-tuple"), self._close_arguments),
            "union": self._close_union,
            "tagged-union": self._close_tagged,
            "definitions": self._close_definitions,
        }

    def close(self, schema: Mapping[str, Any]) -> CoreSchema:
        """A closed copy of a core schema; what is given stays as it is.

        Raises:
            SchemaError: a callable, an arbitrary class, or an alias path, with the field's path.
        """
        return self._walk(dict(schema), _Place())

    def _walk(self, schema: CoreSchema, at: _Place) -> CoreSchema:
        kind = cast(str, schema["type"])
        if kind == "default" and not self._keep_defaults:
            return self._walk(schema["schema"], at)
        reason = unreachable_reason(schema)
        if reason:
            raise SchemaError(at.path, reason)
        made = dict(schema)
        at = self._strict(made, at)
        name = own_validator_name(made)
        if name:
            self.validators.append((at.path, name))
        self._closers.get(kind, self._close_inner)(made, at)
        if kind == "definition-ref" and at.python:
            self._python_refs.add(made["schema_ref"])
        if self._serialize:
            if has_own_serialization(made):
                self.met_own_serializer = True
                if not self._own_serializers:
                    del made["serialization"]
            write_faithfully(made)
        elif at.python:
            made = read_json_form(made)
        return made

    def _strict(self, made: CoreSchema, at: _Place) -> _Place:
        """Makes a class strict and known by one name a field; notes what it does with extras."""
        config: Any = made.get("config")
        if isinstance(config, dict):
            closed = dict(cast("dict[str, Any]", config))
            for name in (*_NAME_SETTINGS, *(_NOTATIONS if self._serialize else ())):
                closed.pop(name, None)
            made["config"] = {**closed, "strict": True}
            at = replace(at, extra=closed.get("extra_fields_behavior"))
        elif made["type"] in ("model", "dataclass", "typed-dict"):
            made["config"] = {"strict": True}
        if "strict" in made:
            made["strict"] = True
        return replace(at, python=True) if made["type"] in _PYTHON_BELOW else at

    def _close_inner(self, made: CoreSchema, at: _Place) -> None:
        keep_extra = made["type"] in ("model", "dataclass") or made["type"].startswith("function")
        for key, suffix in _INNER:
            inner = made.get(key)
            below = at if keep_extra and not suffix else at.below(at.path + suffix)
            if isinstance(inner, dict):
                made[key] = self._walk(cast(CoreSchema, inner), below)
            elif isinstance(inner, list):
                items = cast("list[CoreSchema]", inner)
                made[key] = [
                    self._walk(one, at.below(child_path(at.path, place)))
                    for place, one in enumerate(items)
                ]
        if made["type"] == "chain":
            made["steps"] = [self._walk(one, at) for one in made["steps"]]
        if made["type"] == "call":
            made["arguments_schema"] = self._walk(made["arguments_schema"], at)

    def _close_fields(self, made: CoreSchema, at: _Place) -> None:
        extra = made.get("extra_behavior") or at.extra
        made["extra_behavior"] = "allow" if extra == "allow" else "forbid"
        made["computed_fields"] = []
        if isinstance(made.get("extras_schema"), dict):
            made["extras_schema"] = self._walk(made["extras_schema"], at.below(f"{at.path}.*"))
        fields: Any = made["fields"]
        if isinstance(fields, dict):
            named = cast("dict[str, CoreSchema]", fields)
            made["fields"] = {name: self._field(name, one, at) for name, one in named.items()}
        else:
            listed = cast("list[CoreSchema]", fields)
            made["fields"] = [self._field(one["name"], one, at) for one in listed]

    def _field(self, name: str, field: CoreSchema, at: _Place) -> CoreSchema:
        made = dict(field)
        if field.get("init") is False:
            # Not on the wire: the class sets it by itself.
            return {**made, "serialization_exclude": True}
        if self._serialize and field.get("init_only"):
            reason = "an InitVar is gone once the instance is made; encode the JSON value instead"
            raise UsageError(f"{reason} @ {child_path(at.path, name)}")
        wire = wire_name(name, field, at.path)
        if is_hidden(field):
            if field["schema"]["type"] != "default":
                reason = "the field is hidden from the JSON Schema, and has no default"
                raise SchemaError(child_path(at.path, wire), reason)
            return {**made, "serialization_exclude": True}
        for key in ("validation_alias", "serialization_alias"):
            made.pop(key, None)
            if wire != name:
                made[key] = wire
        made.pop("serialization_exclude", None)
        made.pop("serialization_exclude_if", None)
        made["schema"] = self._walk(field["schema"], at.below(child_path(at.path, wire)))
        return made

    def _close_union(self, made: CoreSchema, at: _Place) -> None:
        choices: list[Any] = []
        refused: list[SchemaError] = []
        for choice in made["choices"]:
            inner = cast(CoreSchema, choice[0] if isinstance(choice, tuple) else choice)
            try:
                closed = self._walk(inner, at)
            except SchemaError as error:
                # A branch that JSON cannot reach leaves the others as they are.
                refused.append(error)
                continue
            label = f"{UNION_MARK}{len(choices)}"
            choices.append((closed, label) if self._label_unions else closed)
        if not choices:
            raise refused[0]
        made["choices"] = choices

    def _close_tagged(self, made: CoreSchema, at: _Place) -> None:
        closed: dict[Any, CoreSchema] = {}
        for tag, choice in made["choices"].items():
            branch = self._walk(choice, at)
            if self._label_unions:
                labelled = [(branch, f"{UNION_MARK}tag")]
                branch = {"type": "union", "choices": labelled, "auto_collapse": False}
            closed[tag] = branch
        made["choices"] = closed

    def _close_definitions(self, made: CoreSchema, at: _Place) -> None:
        definitions = cast("list[CoreSchema]", made["definitions"])
        made["schema"] = self._walk(made["schema"], at)
        while True:
            known = set(self._python_refs)
            made["definitions"] = [
                self._walk(one, replace(at, python=at.python or one.get("ref") in known))
                for one in definitions
            ]
            if known == self._python_refs:
                return

    def _close_arguments(self, made: CoreSchema, at: _Place) -> None:
        key = "fields" if made["type"] == "named-tuple" else "arguments_schema"
        made[key] = [
            self._argument(one, at.below(child_path(at.path, one["name"]))) for one in made[key]
        ]

    def _argument(self, argument: CoreSchema, at: _Place) -> CoreSchema:
        inner = cast(CoreSchema, argument["schema"])
        if inner["type"] == "default" and not self._keep_optional:
            inner = cast(CoreSchema, inner["schema"])
        return {**argument, "schema": self._walk(inner, at)}
