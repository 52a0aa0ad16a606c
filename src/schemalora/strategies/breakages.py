"""Ways to break a valid value in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from schemalora.contract import Contract, ViolationKind
from schemalora.contract.fields import alternatives
from schemalora.contract.ordering import meant_branch
from schemalora.jsonvalue import JsonValue
from schemalora.schema import (
    ArrayNode,
    FiniteNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
    join_path,
    matches,
)

Keys = tuple[str | int, ...]
_MAX_SITES = 200
_OTHER_TYPES: tuple[JsonValue, ...] = ("amber", 17, True, [], {})


@dataclass(frozen=True, slots=True)
class Breakage:
    """One violation and the completion that has it."""

    kind: ViolationKind
    path: str
    completion: Callable[[Contract], str]
    constraint: str = ""
    """What is broken, such as `minimum 0` or `required`."""


def breakages_of(root: Node, value: JsonValue, *, most: int | None = _MAX_SITES) -> list[Breakage]:
    """The ways to break the value that the tree knows of, in the value's order, at most so many."""
    found: list[Breakage] = []
    for node, part, keys in _sites(root, value, ()):
        for kind, constraint, where, broken in _breaks(node, part, keys):
            completion = _encoded(value, keys, broken)
            found.append(Breakage(kind, join_path(where), completion, constraint))
            if len(found) == most:
                return found
    return found


def _encoded(value: JsonValue, keys: Keys, broken: JsonValue) -> Callable[[Contract], str]:
    return lambda contract: contract.encode(_replaced(value, keys, broken))


def _replaced(value: Any, keys: Keys, new: JsonValue) -> JsonValue:
    if not keys:
        return new
    copy: Any = value.copy()
    copy[keys[0]] = _replaced(value[keys[0]], keys[1:], new)
    return copy


def _sites(node: Node, value: JsonValue, keys: Keys) -> Iterator[tuple[Node, JsonValue, Keys]]:
    """Every place of the value with its node, containers before what they hold."""
    yield node, value, keys
    inner = node
    while isinstance(inner, UnionNode):
        branch = meant_branch(inner, value)
        if branch is None:
            return
        inner = branch
    if isinstance(inner, ObjectNode) and isinstance(value, dict):
        for name, item in value.items():
            yield from _sites(inner.child(name), item, (*keys, name))
    elif isinstance(inner, ArrayNode) and isinstance(value, list):
        for place, item in enumerate(value):
            yield from _sites(inner.item_at(place), item, (*keys, place))


Break = tuple[ViolationKind, str, Keys, JsonValue]
"""The kind, the constraint, where it is reported, and the value that takes the place's place."""


def _breaks(node: Node, value: JsonValue, keys: Keys) -> Iterator[Break]:
    if not matches(node, None):
        yield "null_not_allowed", "not null", keys, None
    for other in _OTHER_TYPES:
        if not matches(node, other):
            yield "wrong_type", "type", keys, other
    fitting = [one for one in alternatives(node) if matches(one, value)]
    inner = fitting[0] if fitting else None
    if isinstance(inner, FiniteNode):
        yield from _enum_breaks(node, inner, keys)
    elif isinstance(inner, NumberNode):
        yield from _number_breaks(inner, keys)
    elif isinstance(inner, StringNode) and isinstance(value, str):
        yield from _string_breaks(inner, value, keys)
    elif isinstance(inner, ArrayNode) and isinstance(value, list):
        yield from _array_breaks(inner, value, keys)
    elif isinstance(inner, ObjectNode) and isinstance(value, dict):
        yield from _object_breaks(inner, value, keys)


def _enum_breaks(node: Node, finite: FiniteNode, keys: Keys) -> Iterator[Break]:
    if any(isinstance(value, str) for value in finite.values):
        for text in ("amber", "no such value", ""):
            if not matches(node, text):
                yield "not_in_enum", "allowed values", keys, text
    numbers = [v for v in finite.values if isinstance(v, int) and not isinstance(v, bool)]
    if numbers and not matches(node, max(numbers) + 1):
        yield "not_in_enum", "allowed values", keys, max(numbers) + 1


def _number_breaks(node: NumberNode, keys: Keys) -> Iterator[Break]:
    beyond: list[tuple[str, Fraction]] = []
    if node.minimum is not None:
        word = "greater than" if node.exclusive_minimum else "at least"
        step = 0 if node.exclusive_minimum else 1
        beyond.append((f"{word} {plain_number(node.minimum)}", node.minimum - step))
    if node.maximum is not None:
        word = "less than" if node.exclusive_maximum else "at most"
        step = 0 if node.exclusive_maximum else 1
        beyond.append((f"{word} {plain_number(node.maximum)}", node.maximum + step))
    for multiple in node.multiples:
        inside = Fraction(int(node.minimum or 0))
        off = inside - inside % multiple + (1 if multiple > 1 else multiple / 2)
        beyond.append((f"multiple of {plain_number(multiple)}", off))
    for constraint, value in beyond:
        if node.integer and value.denominator != 1:
            continue
        yield "constraint", constraint, keys, plain_number(value)


def plain_number(value: Fraction) -> int | float:
    """The JSON number of an exact value."""
    return value.numerator if value.denominator == 1 else float(value)


def _string_breaks(node: StringNode, value: str, keys: Keys) -> Iterator[Break]:
    if node.min_length > 0:
        constraint = f"at least {node.min_length} characters"
        yield "constraint", constraint, keys, value[: node.min_length - 1]
    if node.max_length is not None:
        longer = value + (value[-1:] or "a") * (node.max_length + 1 - len(value))
        yield "constraint", f"at most {node.max_length} characters", keys, longer
    rules = [f"pattern {pattern}" for pattern in node.patterns]
    rules += [f"format {name}" for name in node.formats]
    for rule in rules:
        for text in ("\x07", "", "amber basin"):
            yield "constraint", rule, keys, text


def _array_breaks(node: ArrayNode, value: list[JsonValue], keys: Keys) -> Iterator[Break]:
    if node.min_items > 0:
        yield "constraint", f"at least {node.min_items} items", keys, value[: node.min_items - 1]
    if node.max_items is not None and value:
        missing = node.max_items + 1 - len(value)
        more = value + [value[-1]] * missing
        yield "constraint", f"at most {node.max_items} items", keys, more
    if node.unique and value:
        yield "constraint", "unique items", keys, [*value, value[0]]


def _object_breaks(node: ObjectNode, value: dict[str, JsonValue], keys: Keys) -> Iterator[Break]:
    for name in node.names:
        if name in node.required and name in value:
            rest = {key: item for key, item in value.items() if key != name}
            yield "missing_key", "required", (*keys, name), rest
    extra = next(name for name in _new_names() if name not in value and name not in node.names)
    if not matches(node, {**value, extra: None}):
        yield "extra_key", "no other keys", (*keys, extra), {**value, extra: None}


def _new_names() -> Iterator[str]:
    yield "unexpected"
    number = 2
    while True:
        yield f"unexpected_{number}"
        number += 1
