"""The generator: one interpreter of the node tree, for seeded targets and for Hypothesis."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace

from schemalora.contract.fields import alternatives
from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.sampling.arrays import ArrayDrawer
from schemalora.sampling.drawing import RETRIES
from schemalora.sampling.numbers import draw_number
from schemalora.sampling.objects import ObjectDrawer
from schemalora.sampling.source import Source
from schemalora.sampling.strings import draw_string, variation
from schemalora.schema import (
    AnyNode,
    ArrayNode,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
    matches,
)
from schemalora.schema.disjoint import are_disjoint
from schemalora.schema.heights import Heights

_SLACK = 3
"""Levels a recursive value may have beyond its shallowest form, at first."""
_MAX_SLACK = 44
_REPEATS_PER_LEVEL = 4


class Generator:
    """Draws values of one tree from a source.

    Args:
        root: the node to draw values of.
        source: where choices come from.
        heights: shared by the generators of one tree, since finding heights takes time.
        learn: what to ask for strings that validators accept, once one has refused a value.
    """

    def __init__(
        self,
        root: Node,
        source: Source,
        heights: Heights | None = None,
        learn: Callable[[], Mapping[Node, str]] | None = None,
    ) -> None:
        self._root = root
        self.source = source
        self.heights = heights or Heights()
        self._slack = _SLACK
        self._repeats = 0
        self._left = 0
        self._effort = 0
        self._all_types = False
        self._open: list[UnionNode] = []
        self._recursive: set[UnionNode] = set()
        self._checked: dict[Node, bool] = {}
        self._live: dict[Node, tuple[tuple[Node, ...], tuple[int, ...]]] = {}
        self._arrays = ArrayDrawer(self)
        self._objects = ObjectDrawer(self)
        self._learn = learn
        self.accepted: dict[Node, str] = {}
        """Strings that a validator accepted where it had refused others."""

    def draw(self, node: Node | None = None, *, effort: int = 0) -> JsonValue:
        """One value of a node, the root where none is given; likely valid, the caller checks.

        Raises:
            SamplingError: no value was found.
        """
        node = node or self._root
        self._left = self.source.budget
        self._effort = effort
        return self.draw_below(node, (self.heights.height(node) or 0) + self._slack)

    @property
    def stretch(self) -> int:
        """How far the parts of a value may go beyond the usual: none, until values repeat."""
        return self._slack - _SLACK + self.source.spread

    @property
    def has_budget(self) -> bool:
        """Whether more may be drawn than is required."""
        return self._left > 0

    def go_deeper(self) -> None:
        """Lets recursive values grow, after shallow ones have come up again and again."""
        self._repeats += 1
        if self._repeats % _REPEATS_PER_LEVEL == 0:
            self._slack = min(self._slack + 1, _MAX_SLACK)

    def pick(self, count: int) -> int:
        """Any index below count."""
        return self.source.integer(0, count - 1)

    def recall(self) -> None:
        """Takes over what was learned before, now that a validator has refused a value."""
        if self._learn is not None:
            self.accepted.update(self._learn())

    def draw_below(self, node: Node, depth: int) -> JsonValue:
        """A value of a node, at most `depth` high where the node has one."""
        self._left -= 1
        if self._left < 0:
            depth = min(depth, self.heights.height(node) or 0)
        if not self._needs_check(node):
            return self._free(node, depth)
        left = self._left
        for attempt in range(RETRIES):
            self._left = left  # what was drawn in vain costs nothing
            value = self._free(node, depth) if attempt < RETRIES // 2 else self._wide(node, depth)
            if matches(node, value):
                return value
        raise SamplingError(f"no value was found that satisfies {_what(node)}")

    def _wide(self, node: Node, depth: int) -> JsonValue:
        """A value for which alternatives count that no author had in mind."""
        before = self._all_types, self._objects.suggested
        self._all_types, self._objects.suggested = True, _names_in_checks(node)
        try:
            return self._free(node, depth)
        finally:
            self._all_types, self._objects.suggested = before

    def _needs_check(self, node: Node) -> bool:
        if node not in self._checked:
            self._checked[node] = (
                bool(node.checks)
                or (
                    isinstance(node, UnionNode)
                    and bool(node.exclusive)
                    and not are_disjoint(node.exclusive)
                )
                or (isinstance(node, ArrayNode) and bool(node.contains))
                or (isinstance(node, ObjectNode) and bool(node.name_node))
            )
        return self._checked[node]

    def _free(self, node: Node, depth: int) -> JsonValue:  # noqa: PLR0911  (one a kind of node)
        if self._effort and self._effort % 3 == 1:
            known = [*node.annotations.default, *node.annotations.examples]
            known = [one for one in known if one is not None and matches(node, one)]
            if known:
                return known[self.source.index(len(known), (node, "known"))]
        match node:
            case FiniteNode():
                return node.values[self.source.index(len(node.values), node)]
            case UnionNode():
                return self._union(node, depth)
            case StringNode():
                return self._string(node, depth)
            case NumberNode():
                return draw_number(node, self.source, stretch=self._slack - _SLACK)
            case ObjectNode():
                return self._objects.draw(node, depth)
            case ArrayNode():
                return self._arrays.draw(node, depth)
            case AnyNode():
                return self._any(node, depth)
            case _:
                reason = node.reason if isinstance(node, NeverNode) else "no value"
                raise SamplingError(reason)

    def _union(self, node: UnionNode, depth: int) -> JsonValue:
        if self._all_types and node.hidden:
            fitting = [one for one in node.hidden if self.heights.fits(one, depth)]
            if fitting and self.source.integer(0, 1):
                return self.draw_below(fitting[self.source.integer(0, len(fitting) - 1)], depth)
        live, heights = self._live_branches(node)
        if not live:
            raise SamplingError("no branch of a union has a finite value")
        depth = heights[0] if self._left < 0 else max(depth, heights[0])
        if heights[-1] > depth:
            live = tuple(one for one, high in zip(live, heights, strict=True) if high <= depth)
        chosen = self.source.index(len(live), node)
        if heights[-1] > heights[0]:
            if node in self._open:
                self._recursive.add(node)
            deeper = self._slack > _SLACK and node in self._recursive
            if deeper and self.source.integer(0, self._slack) > 1:
                chosen = len(live) - 1  # the branch that goes on, where there is one
        self._open.append(node)
        try:
            return self.draw_below(live[chosen], depth)
        except SamplingError as error:
            others = [one for place, one in enumerate(live) if place != chosen]
            others += [one for one in node.hidden if self.heights.fits(one, depth)]
            return self._first_of(others, depth, error)
        finally:
            self._open.pop()

    def _first_of(self, nodes: list[Node], depth: int, error: SamplingError) -> JsonValue:
        """A value of the first node that gives one."""
        for node in nodes:
            try:
                return self.draw_below(node, depth)
            except SamplingError:
                continue
        raise error

    def _live_branches(self, node: UnionNode) -> tuple[tuple[Node, ...], tuple[int, ...]]:
        """The branches that have values, the shallowest first, and their heights."""
        found = self._live.get(node)
        if found is None:
            shown = [(self.heights.height(one), one) for one in node.branches]
            hidden = [(self.heights.height(one), one) for one in node.hidden]
            pairs = [pair for pair in shown if pair[0] is not None]
            pairs = pairs or [pair for pair in hidden if pair[0] is not None]
            ordered = sorted(((high or 0, one) for high, one in pairs), key=lambda pair: pair[0])
            found = (tuple(one for _, one in ordered), tuple(high for high, _ in ordered))
            self._live[node] = found
        return found

    def _string(self, node: StringNode, depth: int) -> str:
        if node.content is not None:
            return canonical_json(self.draw_below(node.content, depth - 1))
        if node in self.accepted and self.source.integer(0, 3):
            known = self.accepted[node]
            varied = variation(known, self.source)
            varied = varied if varied != known else known + self.source.text(0, 12)
            # A string that a validator likes must still be one of the schema's.
            return varied if matches(node, varied) else known
        examples = [one for one in node.annotations.examples if isinstance(one, str)]
        if examples and self.source.index(2, (node, "example")):
            example = examples[self.source.index(len(examples), (node, "examples"))]
            if matches(node, example):
                return example
        if node.media_type == "application/json" and not node.patterns:
            text = canonical_json(self._text(replace(node, encoding="", media_type="")))
            return b64encode(text.encode()).decode() if node.encoding == "base64" else text
        return self._text(node)

    def _text(self, node: StringNode) -> str:
        stretch = self.stretch if node.patterns else 0
        return draw_string(node, self.source, effort=self._effort, stretch=stretch)

    def _any(self, node: Node, depth: int) -> JsonValue:
        source = self.source
        choice = source.index(7 if depth > 0 and self._left > 0 else 5, node)
        if choice == 5:
            return [self._any(node, depth - 1) for _ in range(source.integer(0, 2))]
        if choice == 6:
            names = [source.text(1, None) for _ in range(source.integer(0, 2))]
            return {name: self._any(node, depth - 1) for name in names}
        scalars: tuple[JsonValue, ...] = (
            source.text(0, None),
            source.integer(0, 100),
            bool(source.integer(0, 1)),
            None,
            source.integer(0, 99) / 2,
        )
        return scalars[choice]


def _names_in_checks(node: Node) -> tuple[str, ...]:
    """Keys of which a `not` speaks: it may be their absence that is refused."""
    refused = (one for check in node.checks for one in alternatives(check.node))
    return tuple(name for one in refused if isinstance(one, ObjectNode) for name in one.names)


def _what(node: Node) -> str:
    if node.checks:
        return "a `not`"
    if isinstance(node, UnionNode):
        return "exactly one schema of a `oneOf`"
    return "`contains`" if isinstance(node, ArrayNode) else "`propertyNames`"
