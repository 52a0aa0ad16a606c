"""Chooses which errors to report where a union failed in every one of its branches.

A union reports the errors of all its branches, of which the author of a completion meant one. The
branch that is meant is the one the value comes closest to: not of another type altogether, its
constants right, and then the fewest errors. Ties go to the branch that is declared first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemalora.contract.outcome import Violation

_RANK = {"null_not_allowed": 0, "wrong_type": 1, "not_in_enum": 2, "constraint": 3, "validator": 4}
_KEY_KINDS = frozenset({"missing_key", "extra_key", "duplicate_key"})


@dataclass(frozen=True, slots=True)
class Branch:
    """A step into one branch of the union at a path."""

    path: str
    label: str


@dataclass(frozen=True, slots=True)
class Found:
    """A violation and the union branches in which it was found, outermost first."""

    violation: Violation
    branches: tuple[Branch, ...] = ()


def select(found: Sequence[Found]) -> tuple[Violation, ...]:
    """The violations to report, in order, one for each path at which something is wrong."""
    kept: dict[tuple[str, bool], Violation] = {}
    for violation in _resolve(found, 0):
        key = (violation.path, violation.kind in _KEY_KINDS)
        known = kept.get(key)
        if known is None or _RANK.get(violation.kind, 9) < _RANK.get(known.kind, 9):
            kept[key] = violation
    return tuple(kept.values())


def _resolve(found: Sequence[Found], level: int) -> list[Violation]:
    """The violations below `level` steps into branches, each union reduced to its best branch."""
    order: list[Violation | str] = []
    unions: dict[str, dict[str, list[Found]]] = {}
    for one in found:
        if len(one.branches) <= level:
            order.append(one.violation)
            continue
        step = one.branches[level]
        if step.path not in unions:
            unions[step.path] = {}
            order.append(step.path)
        unions[step.path].setdefault(step.label, []).append(one)
    chosen: list[Violation] = []
    for item in order:
        if isinstance(item, Violation):
            chosen.append(item)
        else:
            chosen += _best(item, [_resolve(group, level + 1) for group in unions[item].values()])
    return chosen


def _best(path: str, groups: Sequence[list[Violation]]) -> list[Violation]:
    def badness(group: list[Violation]) -> tuple[bool, int, int]:
        other_type = any(
            one.path == path and one.kind in ("wrong_type", "null_not_allowed") for one in group
        )
        constants = sum(one.kind == "not_in_enum" and one.path != path for one in group)
        return other_type, constants, len(group)

    meant = [group for group in groups if not badness(group)[0]]
    if len(meant) > 1:
        # A constant that is wrong in every branch names no branch: that is all that can be said.
        wrong = [{one.path for one in group if one.kind == "not_in_enum"} for group in meant]
        shared = wrong[0].intersection(*wrong[1:])
        for one in meant[0]:
            if one.path in shared and one.path != path:
                return [one]
    return min(groups, key=badness)
