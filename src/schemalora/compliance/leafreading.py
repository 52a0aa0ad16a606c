"""Reads a value's leaves: what stands at each of a contract's fields, or why nothing does."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, cast

from schemalora.jsonvalue import JsonValue, canonical_json, type_name

if TYPE_CHECKING:
    from schemalora.contract import Field


class Absent(Enum):
    """Why a leaf has no value; a missing key is not a null, nor is a null parent."""

    MISSING_KEY = "missing key"
    UNDER_NULL = "parent is null"
    UNDER_OTHER = "parent is not an object"
    UNPARSED = "no valid JSON"


Leaf: TypeAlias = "JsonValue | Absent"
_Plan: TypeAlias = "dict[str, _Plan | None]"


class LeafReader:
    """Reads the leaves of values, in one walk a value, in the order of the contract's fields."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._plan: _Plan | None = {}
        for field in fields:
            if not field.keys:
                self._plan = None
                return
            branch = self._plan
            for key in field.keys[:-1]:
                branch = cast(_Plan, branch.setdefault(key, {}))
            branch[field.keys[-1]] = None

    def read(self, value: JsonValue) -> list[Leaf]:
        """One leaf for each field."""
        if self._plan is None:
            return [value]
        leaves: list[Leaf] = []
        _read(value, self._plan, leaves)
        return leaves


def _read(value: JsonValue, plan: _Plan, leaves: list[Leaf]) -> None:
    if not isinstance(value, dict):
        _mark(Absent.UNDER_NULL if value is None else Absent.UNDER_OTHER, plan, leaves)
        return
    missing = Absent.MISSING_KEY  # looked up once: this is the hottest loop of scoring
    for key, inner in plan.items():
        item = value.get(key, missing)
        if inner is None:
            leaves.append(item)
        elif isinstance(item, Absent):
            _mark(missing, inner, leaves)
        else:
            _read(item, inner, leaves)


def _mark(absent: Absent, plan: _Plan, leaves: list[Leaf]) -> None:
    for inner in plan.values():
        if inner is None:
            leaves.append(absent)
        else:
            _mark(absent, inner, leaves)


def leaf_label(leaf: Leaf) -> str:
    """How a leaf is named in tables, such as `refund`, `null` or `(missing key)`.

    Strings that could be taken for something else, such as "null", keep their quotes.
    """
    if isinstance(leaf, Absent):
        return f"({leaf.value})"
    if isinstance(leaf, str) and leaf[:1].isalpha() and leaf not in ("null", "true", "false"):
        return leaf
    return f"({type_name(leaf)})" if isinstance(leaf, (list, dict)) else canonical_json(leaf)
