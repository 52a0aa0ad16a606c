"""Bounds what an invalid value may cost: all errors of a huge one would take minutes to collect."""

from __future__ import annotations

from schemalora.contract.outcome import Violation
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT

MOST_EXPLAINED = 20_000
"""Values (containers counted) of which an invalid completion's violations are found one by one."""


def too_many_to_explain(value: JsonValue) -> tuple[Violation, ...]:
    """The one violation that is told of an invalid value too large to explain, or none."""
    left, waiting = MOST_EXPLAINED, [value]
    while waiting:
        inner = waiting.pop()
        left -= 1
        if left < 0:
            message = (
                f"the value is not valid, and more than {MOST_EXPLAINED:,} values are too many to "
                "say where"
            )
            return (Violation("constraint", ROOT, message),)
        if isinstance(inner, list):
            waiting.extend(inner[: left + 1])
        elif isinstance(inner, dict):
            waiting.extend(inner.values())
    return ()
