"""The one walker: it reads a JSON Schema, draft 4 to 2020-12, into the node tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Literal

from schemalora.jsonvalue import JsonValue, freeze, json_equal, type_name
from schemalora.schema.annotations import read_annotations, read_discriminator, read_label
from schemalora.schema.choices import DEPENDING, asserts, choices, says_anything, together
from schemalora.schema.containers import read_array, read_object
from schemalora.schema.flatten import flatten, negation, with_key, without_key
from schemalora.schema.matching import matches
from schemalora.schema.members import Member, MemberKey, Schema, root_member
from schemalora.schema.nodes import (
    Annotations,
    AnyNode,
    Check,
    FiniteNode,
    NeverNode,
    Node,
    UnionNode,
    UnionOrigin,
)
from schemalora.schema.scalars import read_number, read_string
from schemalora.schema.soundness import check_references
from schemalora.schema.types import TYPES, types_of, with_numbers


def read_schema(schema: Schema) -> Node:
    """Reads a whole schema document into its root node.

    Args:
        schema: a JSON Schema of draft 4 to 2020-12; its `$schema` tells which, else 2020-12.

    Raises:
        SchemaError: a reference points to nothing or only to itself, or a pattern is none.
    """
    root = root_member(schema)
    check_references(root)
    return Reader().read((root,))


class Reader:
    """Reads conjunctions of members into nodes, each conjunction once."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[MemberKey, ...], Node] = {}
        self._given: dict[tuple[MemberKey, ...], Node] = {}
        self._alive: list[Sequence[Member]] = []  # identities count only while their owners live

    def read(self, members: Sequence[Member]) -> Node:
        """The node of values that match all members."""
        given = tuple([member.key for member in members])
        found = self._given.get(given)
        if found is None:
            found = self._given[given] = self._read(members)
            self._alive.append(members)
        return found

    def _read(self, members: Sequence[Member]) -> Node:
        flat = flatten(members)
        key = tuple(sorted((member.key for member in flat), key=_sortable))
        if key not in self._nodes:
            self._alive.append(flat)
            self._nodes[key] = self._read_flat(flat)
        return self._nodes[key]

    def _read_flat(self, flat: tuple[Member, ...]) -> Node:
        return (
            self._union_of(flat)
            or self._conditional(flat)
            or self._dependent(flat)
            or self._by_type(flat)
        )

    def _union_of(self, flat: tuple[Member, ...]) -> Node | None:
        """A node for the first `anyOf` or `oneOf`; further ones stay in its branches."""
        for member in flat:
            if isinstance(member.get("anyOf"), list):
                return self._union(flat, member, "anyOf")
            if isinstance(member.get("oneOf"), list):
                return self._union(flat, member, "oneOf")
        return None

    def _union(
        self, flat: tuple[Member, ...], member: Member, keyword: Literal["anyOf", "oneOf"]
    ) -> Node:
        branches = member.subs(keyword)
        rest = _replaced(flat, member, member.using(keyword, "discriminator"))
        rest = [one for one in rest if asserts(one)]
        groups = together(rest, branches) if keyword == "anyOf" else []
        alone = [[branch] for branch in branches] if keyword == "oneOf" else []
        if sum(not says_anything(branch) for branch in branches) > 1 and alone:
            reason = "several schemas of a `oneOf` allow every value"
            return NeverNode(annotations=read_annotations(flat), reason=reason)
        return UnionNode(
            annotations=read_annotations(flat),
            read_branches=partial(self._read_each, [[branch, *rest] for branch in branches]),
            origin=keyword,
            labels=tuple(read_label(branch) for branch in branches),
            read_hidden=partial(self._read_each, groups) if groups else None,
            read_exclusive=partial(self._read_each, alone) if alone else None,
            read_base=self._base(flat),
            discriminator=read_discriminator(member),
        )

    def _read_each(self, conjunctions: Sequence[Sequence[Member]]) -> Iterator[Node]:
        return (self.read(members) for members in conjunctions)

    def _conditional(self, flat: tuple[Member, ...]) -> Node | None:
        """`if` as a choice: what it and `then` allow, or what it refuses and `else` allows."""
        for member in flat:
            if not member.has("if") or not (member.has("then") or member.has("else")):
                continue
            condition = member.sub(member.get("if"))
            rest = _replaced(flat, member, member.using("if", "then", "else"))
            holds = [condition, *_given(member, "then"), *rest]
            fails = [negation(condition), *_given(member, "else"), *rest]
            return self._choice(flat, "if", holds, fails)
        return None

    def _dependent(self, flat: tuple[Member, ...]) -> Node | None:
        """`dependentSchemas` as a choice: the key with its schema, or no such key."""
        for member in flat:
            for keyword in DEPENDING:
                for name, schema in member.sub_map(keyword).items():
                    if isinstance(_entry(member, keyword, name), list):
                        continue  # a list of keys, read with the object
                    word = f"{keyword}/{name}"
                    if word in member.used:
                        continue
                    rest = _replaced(flat, member, member.using(word))
                    absent = [without_key(member, name), *rest]
                    present = [schema, with_key(member, name), *rest]
                    return self._choice(flat, "dependent", present, absent)
        return None

    def _choice(
        self, flat: tuple[Member, ...], origin: UnionOrigin, *branches: Sequence[Member]
    ) -> Node:
        return UnionNode(
            annotations=read_annotations(flat),
            read_branches=partial(self._read_each, branches),
            read_base=self._base(flat),
            origin=origin,
        )

    def _base(self, flat: Sequence[Member]) -> Callable[[], Node] | None:
        """What holds whichever alternatives are chosen; None where that is nothing."""
        rest = [member.using(*choices(member)) for member in flat]
        rest = [member for member in rest if asserts(member)]
        return partial(self.read, rest) if rest else None

    def _by_type(self, flat: tuple[Member, ...]) -> Node:
        """A node where no choice is left but that of the type."""
        checks = tuple(
            Check(self.read((member.sub(member.get("not")),)))
            for member in flat
            if member.has("not")
        )
        annotations = read_annotations(flat)
        allowed, meant = types_of(flat)
        if any(isinstance(check.node, AnyNode) for check in checks) or not allowed:
            reason = "no type is left" if not allowed else "the schema is false"
            return NeverNode(annotations=annotations, reason=reason)
        values = _enumerated(flat)
        if values is None and meant is None and allowed.issuperset(TYPES):
            return AnyNode(annotations=annotations, checks=checks)
        kinds = [kind for kind in TYPES if kind in with_numbers(allowed)]
        if values is None:
            return self._typed(flat, kinds, allowed, meant, annotations, checks)
        held = {type_name(value) for value in values}
        nodes = [self._of_type(flat, kind, allowed) for kind in kinds if kind in held]
        left = [v for v in values if any(matches(node, v) for node in nodes)]
        left = [v for v in left if not any(matches(check.node, v) for check in checks)]
        if not left:
            return NeverNode(annotations=annotations, reason="no value of the enum is valid")
        return FiniteNode(annotations=annotations, values=tuple(left))

    def _typed(
        self,
        flat: tuple[Member, ...],
        kinds: Sequence[str],
        allowed: frozenset[str],
        meant: frozenset[str] | None,
        annotations: Annotations,
        checks: tuple[Check, ...],
    ) -> Node:
        """A node of the one type, or a choice between the types."""
        if len(kinds) == 1:
            node = self._of_type(flat, kinds[0], allowed)
            node.annotations = annotations
            node.checks = checks
            return node

        @cache
        def read_each(*, shown: bool) -> list[Node]:
            chosen = [kind for kind in kinds if (meant is None or kind in meant) == shown]
            return [self._of_type(flat, kind, allowed) for kind in chosen]

        return UnionNode(
            annotations=annotations,
            checks=checks,
            read_branches=partial(read_each, shown=True),
            read_hidden=partial(read_each, shown=False),
            origin="type",
        )

    def _of_type(self, flat: tuple[Member, ...], kind: str, allowed: frozenset[str]) -> Node:
        if kind == "object":
            return read_object(flat, self.read)
        if kind == "array":
            return read_array(flat, self.read)
        if kind == "string":
            return read_string(flat, self.read)
        if kind == "number":
            return read_number(flat, integer="number" not in allowed)
        return FiniteNode(values=(True, False) if kind == "boolean" else (None,))


def _enumerated(flat: Sequence[Member]) -> list[JsonValue] | None:
    """The values that every `enum` and `const` holds, in the first one's order, or None."""
    lists = [value for member in flat if isinstance(value := member.get("enum"), list)]
    lists += [[member.get("const")] for member in flat if member.has("const")]
    if not lists:
        return None
    first, *others = lists
    seen: set[object] = set()
    kept: list[JsonValue] = []
    for value in first:
        if freeze(value) not in seen and all(
            any(json_equal(value, one) for one in other) for other in others
        ):
            seen.add(freeze(value))
            kept.append(value)
    return kept


def _replaced(flat: Sequence[Member], old: Member, new: Member) -> list[Member]:
    return [new if member is old else member for member in flat]


def _given(member: Member, keyword: str) -> list[Member]:
    return [member.sub(member.get(keyword))] if member.has(keyword) else []


def _entry(member: Member, keyword: str, name: str) -> JsonValue:
    value = member.get(keyword)
    return value.get(name) if isinstance(value, dict) else None


def _sortable(key: MemberKey) -> tuple[int, list[str], tuple[str, ...]]:
    return key[0], sorted(key[1]), key[2]
