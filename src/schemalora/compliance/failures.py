"""A row that was not right, with all a reader needs to see why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from schemalora.jsonvalue import JsonValue

if TYPE_CHECKING:
    from schemalora.contract import Violation

LONGEST_TEXT = 4_000
"""Texts and completions of failures are kept up to so many characters."""

_LONGEST_MESSAGE = 400
_MOST_FAULTS = 40


@dataclass(frozen=True, slots=True)
class Fault:
    """One violation, as the report keeps it."""

    kind: str
    path: str
    message: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that is not an exact match, with all a reader needs to see why."""

    id: str
    text: str
    target: JsonValue
    completion: str | None
    """What the language model answered, raw; None where there was no prediction."""
    violations: tuple[Fault, ...] = ()
    """The first 40."""
    wrong: tuple[str, ...] = ()
    """The leaf paths that are not right."""
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """dimension → the values under which the row is counted."""

    def to_dict(self) -> dict[str, JsonValue]:
        """The row of the report's `failures`."""
        return {
            "id": self.id,
            "text": self.text,
            "target": self.target,
            "completion": self.completion,
            "violations": [
                {"kind": one.kind, "path": one.path, "cause": one.cause, "message": one.message}
                for one in self.violations
            ],
            "wrong": list(self.wrong),
            "slices": {name: list(values) for name, values in self.slices.items()},
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Failure:
        """Reads what `to_dict` wrote."""
        faults = cast("list[dict[str, str]]", row["violations"])
        slices = cast("dict[str, list[str]]", row["slices"])
        return cls(
            id=cast(str, row["id"]),
            text=cast(str, row["text"]),
            target=row["target"],
            completion=cast("str | None", row["completion"]),
            violations=tuple(Fault(**fault) for fault in faults),
            wrong=tuple(cast("list[str]", row["wrong"])),
            slices={name: tuple(values) for name, values in slices.items()},
        )


def faults_of(violations: Sequence[Violation]) -> tuple[Fault, ...]:
    """The first violations of an outcome, as the report keeps them."""
    return tuple(
        Fault(one.kind, one.path, shortened(one.message, _LONGEST_MESSAGE), one.cause)
        for one in violations[:_MOST_FAULTS]
    )


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text cut to a number of characters; the cut says how much is missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"
