"""Conjunctions: every schema that holds at one place, with references and `allOf` opened up."""

from __future__ import annotations

from collections.abc import Iterable

from schemalora.schema.members import REFERENCES, Member

_OPENED = (*REFERENCES, "allOf")
_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$defs", "definitions"})

_SILENT = frozenset({"$defs", "definitions", "$schema", "$id", "id", "$comment", "$anchor"})


def flatten(members: Iterable[Member]) -> tuple[Member, ...]:
    """Opens references, `allOf` and nested `not`; the outermost schema comes first.

    The result means the same as what was given: each member holds on its own.
    """
    flat: dict[object, Member] = {}
    queue = list(members)
    while queue:
        member = queue.pop(0)
        inner = [member.follow(*pair) for pair in member.references()]
        if member.draft <= 7 and inner:
            # Up to draft 7 a reference silences every assertion beside it.
            member = member.using(*(word for word in member.schema if word not in _ANNOTATIONS))
        else:
            inner += member.subs("allOf")
            negated = _opened_not(member)
            inner += negated
            used = [word for word in _OPENED if member.has(word)] + ["not"] * bool(negated)
            member = member.using(*used) if used else member
        if member.key not in flat:
            if not inner or member.schema.keys() - member.used - _SILENT:
                flat[member.key] = member  # a bare reference says no more than its target
            queue = inner + queue
    return tuple(flat.values())


def _opened_not(member: Member) -> list[Member]:
    """What a `not` says outright: `not: {not: A}` is A, and `not: {anyOf: [A, B]}` is two nots."""
    inner = member.get("not")
    if not isinstance(inner, dict) or len(inner) != 1:
        return []
    negated = member.sub(inner)
    if negated.has("not"):
        return [negated.sub(inner["not"])]
    return [negation(branch) for branch in negated.subs("anyOf")]


def negation(member: Member) -> Member:
    """The member that holds where `member` does not."""
    return member.make("not", {"not": member.schema})


def without_key(member: Member, name: str) -> Member:
    """A member that refuses the key `name`."""
    return member.make(f"without {name}", {"properties": {name: False}})


def with_key(member: Member, name: str) -> Member:
    """A member that demands an object with the key `name`."""
    return member.make(f"with {name}", {"type": "object", "required": [name]})
