"""Turns pydantic's errors into violations: one kind and one path, however many branches failed."""

from __future__ import annotations

from typing import Any, cast

from pydantic_core import ErrorDetails, ValidationError

from schemalora.contract.closing import UNION_MARK
from schemalora.contract.outcome import Violation, ViolationKind
from schemalora.contract.selection import Branch, Found, select
from schemalora.jsonvalue import JsonValue, type_name
from schemalora.schema import ROOT, child_path

_MISSING = frozenset(
    {
        "missing",
        "missing_argument",
        "missing_keyword_only_argument",
        "missing_positional_only_argument",
        "union_tag_not_found",
    }
)
_EXTRA = frozenset(
    {"extra_forbidden", "unexpected_keyword_argument", "unexpected_positional_argument"}
)
_ENUM = frozenset({"literal_error", "enum", "union_tag_invalid"})
_TYPE_ERRORS = frozenset({"is_instance_of", "int_from_float", "none_required"})
_VALIDATOR = frozenset({"value_error", "assertion_error", "custom_error"})


def violations_of(error: ValidationError, value: JsonValue) -> tuple[Violation, ...]:
    """The violations behind a validation error whose union branches are labelled."""
    found = [_found(detail, value) for detail in error.errors(include_url=False)]
    return select(found)


def _found(detail: ErrorDetails, value: JsonValue) -> Found:
    """One error, with the union branches that lead to it told apart from the keys."""
    path = ROOT
    steps: list[Branch] = []
    here: Any = value
    location = _without_tags(detail["loc"])
    for index, part in enumerate(location):
        if isinstance(part, str) and part.startswith(UNION_MARK):
            steps.append(Branch(path, part))
        elif isinstance(here, dict) and str(part) in here:
            path = child_path(path, str(part))
            here = cast("dict[str, Any]", here)[str(part)]
        elif (
            isinstance(here, list) and isinstance(part, int) and part < len(cast("list[Any]", here))
        ):
            path = child_path(path, part)
            here = cast("list[Any]", here)[part]
        elif index == len(location) - 1 and detail["type"] in _MISSING | _EXTRA:
            path = child_path(path, part)
    kind = _kind(detail, cast(JsonValue, here))
    if detail["type"] in ("union_tag_not_found", "union_tag_invalid"):
        name = str(detail.get("ctx", {}).get("discriminator", "")).strip("'")
        path = child_path(path, name) if name and "(" not in name else path
    return Found(Violation(kind, path, detail["msg"]), tuple(steps))


def _without_tags(location: tuple[int | str, ...]) -> list[int | str]:
    """Drops the tag that pydantic writes before the label of a tagged union's branch."""
    kept: list[int | str] = []
    for part in location:
        if part == f"{UNION_MARK}tag":
            del kept[-1:]
        else:
            kept.append(part)
    return kept


def _kind(detail: ErrorDetails, value: JsonValue) -> ViolationKind:
    name = detail["type"]
    if name in _MISSING:
        return "missing_key"
    if name in _EXTRA:
        return "extra_key"
    if name in _ENUM:
        return _enum_kind(detail, value)
    if name in _VALIDATOR:
        return "validator"
    if name.endswith("_type") or name in _TYPE_ERRORS:
        return "null_not_allowed" if value is None else "wrong_type"
    return "constraint"


def _enum_kind(detail: ErrorDetails, value: JsonValue) -> ViolationKind:
    if value is None:
        return "null_not_allowed"
    expected = str(detail.get("ctx", {}).get("expected", ""))
    strings_only = expected.startswith("'") and expected.endswith("'")
    if detail["type"] != "union_tag_invalid" and strings_only and type_name(value) != "string":
        return "wrong_type"
    return "not_in_enum"
