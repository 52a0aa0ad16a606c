"""The node tree: what a JSON Schema says about a value, sorted by the type of the value.

A schema is a heap of assertions; an interpreter wants alternatives it can choose from. So
every node is one of: nothing (`NeverNode`), anything (`AnyNode`), one of a few values
(`FiniteNode`: enum, const, null, booleans), a number, a string, an array, an object, or a
choice between nodes (`UnionNode`). Children are read when they are asked for, which is what
makes recursive schemas finite: the graph has cycles, never an endless tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeAlias

from schemalora.jsonvalue import JsonValue

UnionOrigin: TypeAlias = Literal["type", "anyOf", "oneOf", "if", "dependent"]


@dataclass(frozen=True, slots=True)
class Annotations:
    """What a schema tells people, and the keywords about the text that schemalora adds."""

    title: str = ""
    description: str = ""
    examples: tuple[JsonValue, ...] = ()
    default: tuple[JsonValue, ...] = ()
    """The default, where there is one."""
    relation: str = ""
    """`extracted`, `derived`, `free_text`, or empty where the type decides."""
    comparison: str = ""
    """`exact`, `ordered`, `unordered`, `ignored`, or empty where the type decides."""


@dataclass(frozen=True, slots=True)
class Check:
    """An assertion that structure cannot carry: the value must not match `node`."""

    node: Node


@dataclass(eq=False, kw_only=True)
class Node:
    """Base of all nodes; nodes are compared by identity, and a recursive schema has few of them."""

    annotations: Annotations = field(default_factory=Annotations)
    checks: tuple[Check, ...] = ()


@dataclass(eq=False, kw_only=True)
class NeverNode(Node):
    """No value at all; `reason` says which assertions contradict each other."""

    reason: str = "the schema is false"


@dataclass(eq=False, kw_only=True)
class AnyNode(Node):
    """Any JSON value."""


@dataclass(eq=False, kw_only=True)
class FiniteNode(Node):
    """One of a few values, in the order in which they are declared."""

    values: tuple[JsonValue, ...]


@dataclass(eq=False, kw_only=True)
class NumberNode(Node):
    """A number between bounds; `integer` refuses fractions."""

    integer: bool = False
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    multiples: tuple[Fraction, ...] = ()


@dataclass(eq=False, kw_only=True)
class StringNode(Node):
    """A string; lengths count code points, patterns are searched for, all of them."""

    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    format_minimum: str = ""
    """The earliest value of a date, time or span, where a model has one; only generation asks."""
    format_maximum: str = ""
    """The latest value, likewise; either may itself be excluded."""
    media_type: str = ""
    encoding: str = ""
    content: Node | None = None
    """What the string must hold once decoded, as pydantic's `Json[int]` has it."""


@dataclass(eq=False, kw_only=True)
class ArrayNode(Node):
    """An array: the node of each place, how many places, and what some of them must match."""

    item_at: Callable[[int], Node]
    prefix_length: int = 0
    """Places from here on all share one node."""
    min_items: int = 0
    max_items: int | None = None
    unique: bool = False
    contains: tuple[Contains, ...] = ()

    @property
    def prefix(self) -> tuple[Node, ...]:
        """The nodes of the places that have one of their own."""
        return tuple(self.item_at(index) for index in range(self.prefix_length))

    @property
    def rest(self) -> Node:
        """The node of every place after the prefix."""
        return self.item_at(self.prefix_length)


@dataclass(eq=False, kw_only=True)
class Contains:
    """At least `minimum` and at most `maximum` items match `node`."""

    read_node: Callable[[], Node]
    read_merged: Callable[[], Node]
    minimum: int
    maximum: int | None

    @cached_property
    def node(self) -> Node:
        """What is counted."""
        return self.read_node()

    @cached_property
    def merged(self) -> Node:
        """What is counted and also fits a place behind the prefix."""
        return self.read_merged()


@dataclass(eq=False, kw_only=True)
class ObjectNode(Node):
    """An object: the node of each key, which keys must be there, and how many may be."""

    names: tuple[str, ...]
    """Declared keys, in the order of the schema: the key order of the contract."""
    required: frozenset[str]
    child: Callable[[str], Node]
    """The node of any key, declared or not; `NeverNode` where the key is refused."""
    read_rest: Callable[[], Node]
    pattern_names: tuple[str, ...] = ()
    """Patterns of keys that have a node of their own."""
    read_name_node: Callable[[], Node] | None = None
    min_properties: int = 0
    max_properties: int | None = None
    dependent_required: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, "tuple[str, ...]"]
    )

    @cached_property
    def rest(self) -> Node:
        """The node of a key that is neither declared nor matched by a pattern."""
        return self.read_rest()

    @cached_property
    def name_node(self) -> Node | None:
        """The strings that keys may be (`propertyNames`), or None where they may be any."""
        return self.read_name_node() if self.read_name_node else None

    @cached_property
    def declared(self) -> tuple[tuple[str, Node], ...]:
        """The declared keys with their nodes."""
        return tuple((name, self.child(name)) for name in self.names)

    def demanded_by(self, names: Iterable[str]) -> frozenset[str]:
        """These keys and all that they demand by `dependentRequired`."""
        if not self.dependent_required:
            return frozenset(names)
        found: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending.extend(self.dependent_required.get(name, ()))
        return frozenset(found)


@dataclass(eq=False, kw_only=True)
class UnionNode(Node):
    """A choice between nodes.

    `exclusive` holds the branches of a `oneOf` whose exclusiveness must be checked, since a value
    may match only one of them.
    """

    read_branches: Callable[[], Iterable[Node]]
    """The same nodes each time it is called; each is read when it is come to."""
    origin: UnionOrigin
    labels: tuple[str, ...] = ()
    """One short name a branch, such as a title or a discriminator's value; may be empty."""
    read_hidden: Callable[[], Iterable[Node]] | None = None
    """Alternatives that are valid but that no author had in mind, such as a number under a schema
    that has `properties` and no `type`: matched, never generated."""
    read_exclusive: Callable[[], Iterable[Node]] | None = None
    read_base: Callable[[], Node] | None = None
    discriminator: str = ""

    @cached_property
    def base(self) -> Node | None:
        """What every value matches, whichever branch it takes; None where that is anything.

        A chain of n choices has 2^n branches: what cannot be is best seen before they are read.
        """
        return self.read_base() if self.read_base else None

    @cached_property
    def branches(self) -> tuple[Node, ...]:
        """The alternatives to generate from, in the order of the schema."""
        return tuple(self.read_branches())

    def some(self) -> Iterator[Node]:
        """The branches and then the hidden ones, of which no more are read than are asked for."""
        yield from self.branches if "branches" in self.__dict__ else self.read_branches()
        yield from self.hidden

    @cached_property
    def hidden(self) -> tuple[Node, ...]:
        """The alternatives that are only matched."""
        return tuple(self.read_hidden()) if self.read_hidden else ()

    @cached_property
    def exclusive(self) -> tuple[Node, ...]:
        """Of these nodes a value must match exactly one; empty where that needs no check."""
        return tuple(self.read_exclusive()) if self.read_exclusive else ()
