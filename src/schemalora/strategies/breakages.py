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


def breakages_of(root: Node, value: JsonValue) -> list[Breakage]:
    """The ways to break the value that the tree knows of, in the value's order."""
    found: list[Breakage] = []
    for node, part, keys in _sites(root, value, ()):
        for kind, where, broken in _breaks(node, part, keys):
            found.append(Breakage(kind, join_path(where), _encoded(value, keys, broken)))
            if len(found) >= _MAX_SITES:
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


Break = tuple[ViolationKind, Keys, JsonValue]


def _breaks(node: Node, value: JsonValue, keys: Keys) -> Iterator[Break]:
    if not matches(node, None):
        yield "null_not_allowed", keys, None
    for other in _OTHER_TYPES:
        if not matches(node, other):
            yield "wrong_type", keys, other
    fitting = [one for one in alternatives(node) if matches(one, value)]
    if not fitting:
        return
    inner = fitting[0]
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
                yield "not_in_enum", keys, text
    numbers = [v for v in finite.values if isinstance(v, int) and not isinstance(v, bool)]
    if numbers and not matches(node, max(numbers) + 1):
        yield "not_in_enum", keys, max(numbers) + 1


def _number_breaks(node: NumberNode, keys: Keys) -> Iterator[Break]:
    beyond: list[Fraction] = []
    if node.minimum is not None:
        beyond.append(node.minimum if node.exclusive_minimum else node.minimum - 1)
    if node.maximum is not None:
        beyond.append(node.maximum if node.exclusive_maximum else node.maximum + 1)
    for multiple in node.multiples:
        inside = node.minimum if node.minimum is not None else Fraction(0)
        beyond.append(Fraction(int(inside)) + (1 if multiple > 1 else multiple / 2))
    for value in beyond:
        yield "constraint", keys, int(value) if value.denominator == 1 else float(value)


def _string_breaks(node: StringNode, value: str, keys: Keys) -> Iterator[Break]:
    if node.min_length > 0 and not node.formats and not node.patterns:
        yield "constraint", keys, value[: node.min_length - 1]
    if node.max_length is not None and not node.formats and not node.patterns:
        yield "constraint", keys, value + "a" * (node.max_length + 1 - len(value))
    if node.patterns or node.formats:
        for text in ("\x07", "", "amber basin"):
            if not matches(node, text):
                yield "constraint", keys, text


def _array_breaks(node: ArrayNode, value: list[JsonValue], keys: Keys) -> Iterator[Break]:
    if node.min_items > 0:
        yield "constraint", keys, value[: node.min_items - 1]
    if node.max_items is not None and value:
        missing = node.max_items + 1 - len(value)
        yield "constraint", keys, value + [value[-1]] * missing
    if node.unique and value:
        yield "constraint", keys, [*value, value[0]]


def _object_breaks(node: ObjectNode, value: dict[str, JsonValue], keys: Keys) -> Iterator[Break]:
    for name in node.names:
        if name in node.required and name in value:
            rest = {key: item for key, item in value.items() if key != name}
            yield "missing_key", (*keys, name), rest
    extra = next(name for name in _new_names() if name not in value and name not in node.names)
    if not matches(node, {**value, extra: None}):
        yield "extra_key", (*keys, extra), {**value, extra: None}


def _new_names() -> Iterator[str]:
    yield "unexpected"
    number = 2
    while True:
        yield f"unexpected_{number}"
        number += 1
