"""Objects whose keys depend on each other, as a choice between objects whose keys do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from schemalora.inference.values import finite_values
from schemalora.jsonvalue import JsonValue
from schemalora.schema import AnyNode, Node, ObjectNode, UnionNode, matches

_MOST = 64

_Kind = TypeVar("_Kind", bound=Node)


@dataclass(frozen=True, slots=True)
class Variant:
    """What one way to meet an object's conditions demands beyond its keys' own nodes."""

    required: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    values: Mapping[str, tuple[JsonValue, ...]] = field(
        default_factory=dict[str, tuple[JsonValue, ...]]
    )
    """What is left of a key's values."""


def variants_of(node: ObjectNode) -> list[Variant] | None:
    """The ways to meet an object's checks and `dependentRequired`; None where they are too many."""
    variants = [Variant(required=node.required)]
    choices = [_ways_to_fail(node, check.node) for check in node.checks]
    for trigger, demanded in node.dependent_required.items():
        demands = Variant(required=node.demanded_by([trigger, *demanded]))
        free = trigger not in node.required
        choices.append([demands, *([Variant(refused=frozenset({trigger}))] if free else [])])
    for ways in choices:
        if ways is None:
            return None
        merged = [_merge(one, way) for one in variants for way in ways]
        variants = [one for one in merged if one is not None]
        if len(variants) > _MOST:
            return None
    return variants


def _ways_to_fail(node: ObjectNode, negated: Node) -> list[Variant] | None:
    """The ways in which an object of this node is none of the negated one.

    Either a key that the negated node requires is missing, or one that it describes is there with
    another value. None where that cannot be said by keys alone.
    """
    negated = only(negated, ObjectNode) or negated
    if (
        not isinstance(negated, ObjectNode)
        or negated.checks
        or negated.pattern_names
        or negated.name_node is not None
        or negated.min_properties > len(negated.required)
        or negated.max_properties is not None
        or negated.dependent_required
        or not _says_nothing(negated.rest)
    ):
        return None
    ways = [Variant(refused=frozenset({name})) for name in negated.required - node.required]
    for name, wanted in negated.declared:
        if _says_nothing(wanted):
            continue
        values = finite_values(node.child(name))
        if values is None:
            return None
        left = tuple(value for value in values if not matches(wanted, value))
        if left:
            ways.append(Variant(required=frozenset({name}), values={name: left}))
    return ways


def only(node: Node, kind: type[_Kind]) -> _Kind | None:
    """What a node says about values of one type: `required` alone says nothing about numbers."""
    if isinstance(node, kind):
        return node
    if not isinstance(node, UnionNode) or node.origin != "type" or node.checks:
        return None
    found = [branch for branch in (*node.branches, *node.hidden) if isinstance(branch, kind)]
    return found[0] if len(found) == 1 else None


def _says_nothing(node: Node) -> bool:
    return isinstance(node, AnyNode) and not node.checks


def _merge(one: Variant, other: Variant) -> Variant | None:
    required, refused = one.required | other.required, one.refused | other.refused
    if required & refused:
        return None
    values = {**one.values, **other.values}
    for name in one.values.keys() & other.values.keys():
        values[name] = tuple(value for value in one.values[name] if value in other.values[name])
        if not values[name]:
            return None
    return Variant(required=required, refused=refused, values=values)
