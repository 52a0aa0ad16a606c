"""The leaves of a contract: the fields that accuracy, audits and attribution speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from schemalora.contract.relations import Comparison, Relation
from schemalora.jsonvalue import JsonValue, type_name
from schemalora.schema import (
    Annotations,
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
    join_path,
)

_MAX_FINITE = 10_000
_MAX_LEVELS = 8
_MAX_FIELDS = 1_000
_MAX_ALTERNATIVES = 256


@dataclass(frozen=True, slots=True)
class Field:
    """One leaf: a scalar, a list, a free-form object, or a choice between different objects."""

    path: str
    """`$.entities.order_id`"""
    keys: tuple[str, ...]
    """`("entities", "order_id")`"""
    relation: Relation
    comparison: Comparison
    allowed: tuple[JsonValue, ...] | None
    """Every allowed value but null, where there are only a few; else None."""
    nullable: bool
    kinds: tuple[str, ...]
    """Names of the JSON types it may have: null boolean number string array object."""
    description: str = ""


def alternatives(node: Node) -> tuple[Node, ...]:
    """The node's alternatives; a choice among them is opened while there are not too many."""
    found: dict[int, Node] = {}
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, UnionNode) and len(found) < _MAX_ALTERNATIVES:
            stack.extend(reversed(one.branches))
        elif not isinstance(one, NeverNode):
            found.setdefault(id(one), one)
    return tuple(found.values())


def leaf_fields(root: Node) -> Mapping[str, Field]:
    """The leaves of a tree by path, in the contract's order."""
    fields: dict[str, Field] = {}
    for node, keys in _leaves(root, (), (), fields):
        field = _field(node, keys)
        fields[field.path] = field
    return MappingProxyType(fields)


def _leaves(
    node: Node, keys: tuple[str, ...], above: tuple[Node, ...], found: Mapping[str, Field]
) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Leaves with their keys; an object within its own kind, or too deep, is a leaf as a whole."""
    inner = _object_to_open(node)
    if inner is None or inner in above or len(above) >= _MAX_LEVELS or len(found) >= _MAX_FIELDS:
        yield node, keys
        return
    for name, child in inner.declared:
        if not isinstance(child, NeverNode):
            yield from _leaves(child, (*keys, name), (*above, inner), found)


def _object_to_open(node: Node) -> ObjectNode | None:
    """The one object, nullable or not, whose declared keys are fields of their own."""
    others = [one for one in alternatives(node) if not is_null(one)]
    if len(others) != 1 or not isinstance(others[0], ObjectNode):
        return None
    return others[0] if others[0].names and not node.annotations.relation else None


def is_null(node: Node) -> bool:
    """Whether null is the node's only value."""
    return isinstance(node, FiniteNode) and node.values == (None,)


def _field(node: Node, keys: tuple[str, ...]) -> Field:
    parts = alternatives(node)
    others = [one for one in parts if not is_null(one)]
    kinds = dict.fromkeys(kind for one in parts for kind in _kinds(one))
    allowed = _allowed(others)
    annotations = merged_annotations(node)
    relation = cast("Relation", annotations.relation or _default_relation(others, allowed))
    return Field(
        path=join_path(keys),
        keys=keys,
        relation=relation,
        comparison=cast(
            "Comparison", annotations.comparison or _default_comparison(others, relation)
        ),
        allowed=allowed,
        nullable="null" in kinds,
        kinds=tuple(kinds),
        description=annotations.description,
    )


def merged_annotations(node: Node) -> Annotations:
    """The node's own annotations, filled up from its only alternative, as in `X | None`."""
    own = node.annotations
    others = [one for one in alternatives(node) if not is_null(one)]
    inner = others[0].annotations if len(others) == 1 else own
    return Annotations(
        title=own.title or inner.title,
        description=own.description or inner.description,
        examples=own.examples or inner.examples,
        default=own.default or inner.default,
        relation=own.relation or inner.relation,
        comparison=own.comparison or inner.comparison,
    )


def _kinds(node: Node) -> list[str]:
    match node:
        case FiniteNode():
            return [type_name(value) for value in node.values]
        case NumberNode():
            return ["number"]
        case StringNode():
            return ["string"]
        case ArrayNode():
            return ["array"]
        case ObjectNode():
            return ["object"]
        case _:  # anything, or a choice that was not opened
            return ["null", "boolean", "number", "string", "array", "object"]


def _allowed(others: list[Node]) -> tuple[JsonValue, ...] | None:
    values: list[JsonValue] = []
    for node in others:
        if not isinstance(node, FiniteNode):
            return None
        values += [value for value in node.values if value is not None]
    return tuple(values) if others and len(values) <= _MAX_FINITE else None


def _default_relation(others: list[Node], allowed: tuple[JsonValue, ...] | None) -> Relation:
    """Closed sets are derived; strings, numbers and lists of them are expected in the text."""
    return "derived" if allowed is not None else "extracted"


def _default_comparison(others: list[Node], relation: Relation) -> Comparison:
    if relation == "free_text":
        return "ignored"
    arrays = [node for node in others if isinstance(node, ArrayNode)]
    if not arrays:
        return "exact"
    return "unordered" if all(node.unique for node in arrays) else "ordered"
