"""What parsing a completion gives: the value, or the violations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from schemalora.jsonvalue import JsonValue

ViolationKind: TypeAlias = Literal[
    "not_json",
    "duplicate_key",
    "missing_key",
    "extra_key",
    "wrong_type",
    "not_in_enum",
    "null_not_allowed",
    "constraint",
    "validator",
    "too_deep",
    "too_large",
]
VIOLATION_KINDS: tuple[ViolationKind, ...] = get_args(ViolationKind)

NotJsonCause: TypeAlias = Literal[
    "fenced", "prose_around", "truncated", "single_quotes", "trailing_comma", "empty", "other"
]
NOT_JSON_CAUSES: tuple[NotJsonCause, ...] = get_args(NotJsonCause)


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a completion breaks the contract."""

    kind: ViolationKind
    path: str
    """Where in the value, such as `$.entities.order_id`; the key that is missing or extra too."""
    message: str = ""
    """What is wrong, for people."""
    cause: NotJsonCause | None = None
    """For `not_json`: what was written instead."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of parsing one completion; there is always one, whatever was parsed."""

    violations: tuple[Violation, ...]
    """In the order of the contract's keys; empty where the completion is compliant."""
    valid_json: bool
    """Whether the completion is one JSON value that can be held in memory."""
    json: JsonValue = None
    """What was parsed, also when it violates the contract; None where it is not valid JSON."""
    instance: Any = None
    """The model's instance, for a compliant completion of a contract made from a model."""

    @property
    def compliant(self) -> bool:
        """Whether nothing violates the contract."""
        return not self.violations

    @property
    def value(self) -> JsonValue:
        """The parsed value of a compliant completion, else None."""
        return None if self.violations else self.json
