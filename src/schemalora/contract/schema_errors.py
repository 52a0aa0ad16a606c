"""Turns jsonschema-rs errors into violations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jsonschema_rs

from schemalora.contract.outcome import Violation, ViolationKind
from schemalora.contract.selection import Branch, Found, select
from schemalora.schema import child_path, join_path


def violations_of(errors: Iterable[jsonschema_rs.ValidationError]) -> tuple[Violation, ...]:
    """The violations behind the errors of one value."""
    return select([found for error in errors for found in _found(error, ())])


def _found(error: jsonschema_rs.ValidationError, branches: tuple[Branch, ...]) -> list[Found]:
    path = join_path(error.instance_path)
    kind: Any = error.kind
    name = type(kind).__name__
    if name in ("AnyOf", "OneOfNotValid"):
        inner = [
            found
            for index, group in enumerate(kind.context)
            for one in group
            for found in _found(one, (*branches, Branch(path, str(index))))
        ]
        if inner:
            return inner
    message = error.message
    if name == "Required":
        violation = Violation("missing_key", child_path(path, kind.property), message)
        return [Found(violation, branches)]
    if name in ("AdditionalProperties", "UnevaluatedProperties"):
        return [
            Found(Violation("extra_key", child_path(path, key), message), branches)
            for key in kind.unexpected
        ]
    return [Found(Violation(_kind(name, error), path, message), branches)]


def _kind(name: str, error: jsonschema_rs.ValidationError) -> ViolationKind:
    if name in ("Type", "Enum", "Constant") and error.instance is None:
        return "null_not_allowed"
    if name == "Type":
        return "wrong_type"
    if name in ("Enum", "Constant"):
        return "not_in_enum"
    if name == "FalseSchema" and error.instance_path and isinstance(error.instance_path[-1], str):
        return "extra_key"
    return "constraint"
