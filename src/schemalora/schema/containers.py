"""Reads what a conjunction says about arrays and about objects.

Each member is a layer: it says for itself which of its keywords speaks of a key or place. The node
of a key is the conjunction of what every layer says, which is exactly JSON Schema's meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from schemalora.schema.members import Member
from schemalora.schema.nodes import ArrayNode, Contains, NeverNode, Node, ObjectNode, UnionNode
from schemalora.schema.pattern_dialect import plain_pattern
from schemalora.schema.patterns import searcher
from schemalora.schema.scalars import Read, count


@dataclass(frozen=True, slots=True)
class _ObjectLayer:
    """What one member says about keys."""

    properties: Mapping[str, Member]
    patterns: Sequence[tuple[Callable[[str], bool], Member]]
    additional: Member | None
    unevaluated: Member | None

    def members_of(self, name: str) -> list[Member]:
        named = [self.properties[name]] if name in self.properties else []
        named += [member for found, member in self.patterns if found(name)]
        if not named and self.additional is not None:
            named.append(self.additional)
        return named


def _object_layer(member: Member) -> _ObjectLayer:
    return _ObjectLayer(
        properties=member.sub_map("properties"),
        patterns=[
            (searcher(pattern), inner)
            for pattern, inner in member.sub_map("patternProperties").items()
        ],
        additional=_sub(member, "additionalProperties"),
        unevaluated=_sub(member, "unevaluatedProperties"),
    )


def _sub(member: Member, keyword: str) -> Member | None:
    return member.sub(member.get(keyword)) if member.has(keyword) else None


def read_object(flat: Sequence[Member], read: Read) -> Node:
    """The object node of a conjunction, or `NeverNode` where its counts contradict each other."""
    layers = [_object_layer(member) for member in flat]
    name_members = [inner for member in flat if (inner := _sub(member, "propertyNames"))]
    if name_members:  # keys are strings, whatever else their schema allows
        name_members.append(name_members[0].make("a key", {"type": "string"}))
    names: dict[str, None] = {}
    for layer in layers:
        names.update(dict.fromkeys(layer.properties))
    required = [
        name
        for member in flat
        if isinstance(value := member.get("required"), list)
        for name in value
        if isinstance(name, str)
    ]
    names.update(dict.fromkeys(required))
    demands = _dependent_required(flat)
    names.update(dict.fromkeys(name for demanded in demands.values() for name in demanded))
    low = max(count(flat, "minProperties"), default=0)
    high = min(count(flat, "maxProperties"), default=None)
    if high is not None and max(low, len(set(required))) > high:
        return NeverNode(reason=f"at most {high} keys are allowed, and more are required")
    patterns = [name for member in flat for name in member.sub_map("patternProperties")]
    return ObjectNode(
        names=tuple(names),
        required=frozenset(required),
        child=cache(_Keys(layers, read).node),
        read_rest=partial(read, _rest(layers)),
        pattern_names=tuple(dict.fromkeys(map(plain_pattern, patterns))),
        read_name_node=partial(read, name_members) if name_members else None,
        min_properties=low,
        max_properties=high,
        dependent_required=demands,
    )


class _Keys:
    """Reads the nodes of keys; asks of a key only the layers that can speak of it."""

    def __init__(self, layers: Sequence[_ObjectLayer], read: Read) -> None:
        self._read = read
        self._layers = layers
        self._declaring: dict[str, list[int]] = {}
        self._of_any_key: list[int] = []
        for place, layer in enumerate(layers):
            if layer.patterns or layer.additional is not None:
                self._of_any_key.append(place)
                continue
            for name in layer.properties:
                self._declaring.setdefault(name, []).append(place)
        self._unevaluated = [one.unevaluated for one in layers if one.unevaluated is not None]

    def node(self, name: str) -> Node:
        places = sorted((*self._declaring.get(name, ()), *self._of_any_key))
        members = [member for place in places for member in self._layers[place].members_of(name)]
        return self._read(members or self._unevaluated)


def _rest(layers: Sequence[_ObjectLayer]) -> list[Member]:
    additional = [layer.additional for layer in layers if layer.additional is not None]
    unevaluated = [layer.unevaluated for layer in layers if layer.unevaluated is not None]
    return additional or unevaluated


def _dependent_required(flat: Sequence[Member]) -> dict[str, tuple[str, ...]]:
    needs: dict[str, dict[str, None]] = {}
    for member in flat:
        for keyword in ("dependentRequired", "dependencies"):
            value = member.get(keyword)
            for name, wanted in value.items() if isinstance(value, dict) else ():
                if isinstance(wanted, list):
                    found = [one for one in wanted if isinstance(one, str)]
                    needs.setdefault(name, {}).update(dict.fromkeys(found))
    return {name: tuple(wanted) for name, wanted in needs.items()}


@dataclass(frozen=True, slots=True)
class _ArrayLayer:
    """What one member says about places."""

    prefix: Sequence[Member]
    rest: Member | None
    unevaluated: Member | None

    def members_of(self, index: int) -> list[Member]:
        if index < len(self.prefix):
            return [self.prefix[index]]
        return [self.rest] if self.rest is not None else []


def _array_layer(member: Member) -> _ArrayLayer:
    unevaluated = _sub(member, "unevaluatedItems")
    if isinstance(member.get("items"), list):
        return _ArrayLayer(member.subs("items"), _sub(member, "additionalItems"), unevaluated)
    prefix = member.subs("prefixItems") if member.draft >= 2020 else []
    return _ArrayLayer(prefix, _sub(member, "items"), unevaluated)


def read_array(flat: Sequence[Member], read: Read) -> Node:
    """The array node of a conjunction, or `NeverNode` where no length is left."""
    layers = [_array_layer(member) for member in flat]
    low = max(count(flat, "minItems"), default=0)
    high = min(count(flat, "maxItems"), default=None)
    if high is not None and low > high:
        return NeverNode(reason=f"no array has at least {low} and at most {high} items")
    prefix_length = max((len(layer.prefix) for layer in layers), default=0)
    contained = [
        member.sub(member.get("contains"))
        for member in flat
        if member.has("contains") and member.draft >= 2020
    ]
    return ArrayNode(
        item_at=cache(partial(_read_place, layers, contained, read, prefix_length)),
        prefix_length=prefix_length,
        min_items=low,
        max_items=high,
        unique=any(member.get("uniqueItems") is True for member in flat),
        contains=tuple(
            _read_contains(member, layers, read) for member in flat if member.has("contains")
        ),
    )


def _read_place(
    layers: Sequence[_ArrayLayer],
    contained: Sequence[Member],
    read: Read,
    prefix_length: int,
    index: int,
) -> Node:
    place = min(index, prefix_length)
    members = _evaluated(layers, place)
    left = [] if members else _unevaluated(layers)
    if left and contained:
        # From 2020-12 on, an item that `contains` matches is evaluated.
        branches = [read(left), *(read([one]) for one in contained)]
        return UnionNode(read_branches=lambda: branches, origin="anyOf")
    return read(members or left)


def _evaluated(layers: Sequence[_ArrayLayer], index: int) -> list[Member]:
    return [member for layer in layers for member in layer.members_of(index)]


def _unevaluated(layers: Sequence[_ArrayLayer]) -> list[Member]:
    return [layer.unevaluated for layer in layers if layer.unevaluated is not None]


def _read_contains(member: Member, layers: Sequence[_ArrayLayer], read: Read) -> Contains:
    inner = member.sub(member.get("contains"))
    modern = member.draft >= 2019
    low = count([member], "minContains") if modern else []
    high = count([member], "maxContains") if modern else []
    last = max((len(layer.prefix) for layer in layers), default=0)
    beside = _evaluated(layers, last)
    if not beside and member.draft < 2020:
        beside = _unevaluated(layers)
    return Contains(
        read_node=partial(read, [inner]),
        read_merged=partial(read, [inner, *beside]),
        minimum=low[0] if low else 1,
        maximum=high[0] if high else None,
    )
