"""What a conjunction leaves to choose, and what holds whichever way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from schemalora.schema.flatten import flatten
from schemalora.schema.members import Member

DEPENDING = ("dependentSchemas", "dependencies")
"""Keywords whose entries are schemas that hold where a key is there."""
_CHOICES = ("anyOf", "oneOf", "if", "then", "else")
_LATE = ("unevaluatedProperties", "unevaluatedItems")
"""What these say depends on the alternatives."""


def choices(member: Member) -> Iterator[str]:
    """The words under which reading counts the choices of a member as made."""
    yield from (word for word in (*_CHOICES, *_LATE) if member.has(word))
    for keyword in DEPENDING:
        value = member.get(keyword)
        for name, entry in value.items() if isinstance(value, dict) else ():
            if not isinstance(entry, list):
                yield f"{keyword}/{name}"


_MOST_TOGETHER = 4


def together(rest: Sequence[Member], branches: Sequence[Member]) -> list[list[Member]]:
    """Several branches of an `anyOf` at once, where it counts that both hold.

    A branch that holds evaluates keys and items, which `unevaluatedProperties` and
    `unevaluatedItems` beside the `anyOf` then pass over.
    """
    if len(branches) > _MOST_TOGETHER or not any(one.has(word) for one in rest for word in _LATE):
        return []
    counts = range(2, len(branches) + 1)
    groups = (group for count in counts for group in combinations(branches, count))
    return [[*group, *rest] for group in groups]


_NOT_ASSERTING = frozenset(
    {
        "title",
        "description",
        "default",
        "examples",
        "example",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "definitions",
    }
)


def says_anything(branch: Member) -> bool:
    """Whether an alternative refuses any value."""
    return any(asserts(member) for member in flatten([branch]))


def asserts(member: Member) -> bool:
    """Whether a member has a keyword left, not read yet, that refuses values."""
    return any(
        word not in _NOT_ASSERTING and not word.startswith(("$", "x-"))
        for word in member.schema.keys() - member.used
    )
