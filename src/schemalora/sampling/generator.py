"""The generator: one interpreter of the node tree, for seeded targets and for Hypothesis."""

from __future__ import annotations

from schemalora.contract.fields import alternatives
from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue, canonical_json, freeze
from schemalora.sampling.numbers import draw_number
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
_MAX_SLACK = 30
_REPEATS_PER_LEVEL = 4
_RETRIES = 40
_MAX_EXTRA_ITEMS = 3
_MANY_OPTIONAL = 12


class Generator:
    """Draws values of one tree from a source.

    Args:
        root: the node to draw values of.
        source: where choices come from.
        heights: shared by the generators of one tree, since finding heights takes time.
    """

    def __init__(self, root: Node, source: Source, heights: Heights | None = None) -> None:
        self._root = root
        self._source = source
        self._heights = heights or Heights()
        self._slack = _SLACK
        self._repeats = 0
        self._left = 0
        self._effort = 0
        self._all_types = False
        self._checked: dict[Node, bool] = {}
        self._live: dict[Node, tuple[tuple[Node, ...], tuple[int, ...]]] = {}
        self._complete: dict[ObjectNode, bool] = {}
        self._optional: dict[ObjectNode, tuple[str, ...]] = {}
        self._accepted: dict[Node, str] = {}

    def draw(self, node: Node | None = None, *, effort: int = 0) -> JsonValue:
        """One value of a node, the root where none is given; likely valid, the caller checks.

        Raises:
            SamplingError: the node has no finite value, or none was found.
        """
        node = node or self._root
        height = self._heights.height(node)
        if height is None:
            raise SamplingError("no finite value satisfies the schema")
        self._left = self._source.budget
        self._effort = effort
        return self._draw(node, height + self._slack)

    def go_deeper(self) -> None:
        """Lets recursive values grow, after shallow ones have come up again and again."""
        self._repeats += 1
        if self._repeats % _REPEATS_PER_LEVEL == 0:
            self._slack = min(self._slack + 1, _MAX_SLACK)

    def pick(self, count: int) -> int:
        """Any index below count."""
        return self._source.integer(0, count - 1)

    def remember(self, node: Node, text: str) -> None:
        """Notes a string that a validator accepted where it had refused others."""
        self._accepted[node] = text

    def _draw(self, node: Node, depth: int) -> JsonValue:
        self._left -= 1
        if self._left < 0:
            depth = min(depth, self._heights.height(node) or 0)
        if not self._needs_check(node):
            return self._free(node, depth)
        for attempt in range(_RETRIES):
            value = self._free(node, depth) if attempt < _RETRIES // 2 else self._wide(node, depth)
            if matches(node, value):
                return value
        raise SamplingError(f"no value was found that satisfies {_what(node)}")

    def _wide(self, node: Node, depth: int) -> JsonValue:
        """A value for which alternatives count that no author had in mind."""
        before, self._all_types = self._all_types, True
        try:
            return self._free(node, depth)
        finally:
            self._all_types = before

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
                return known[self._source.index(len(known), (node, "known"))]
        match node:
            case FiniteNode():
                return node.values[self._source.index(len(node.values), node)]
            case UnionNode():
                return self._union(node, depth)
            case StringNode():
                return self._string(node, depth)
            case NumberNode():
                return draw_number(node, self._source)
            case ObjectNode():
                return self._object(node, depth)
            case ArrayNode():
                return self._array(node, depth)
            case AnyNode():
                return self._any(node, depth)
            case _:
                reason = node.reason if isinstance(node, NeverNode) else "no value"
                raise SamplingError(reason)

    def _union(self, node: UnionNode, depth: int) -> JsonValue:
        if self._all_types and node.hidden:
            fitting = [one for one in node.hidden if self._heights.fits(one, depth)]
            if fitting and self._source.integer(0, 1):
                return self._draw(fitting[self._source.integer(0, len(fitting) - 1)], depth)
        live, heights = self._live_branches(node)
        if not live:
            raise SamplingError("no branch of a union has a finite value")
        if self._left < 0:
            depth = heights[0]
        if heights[-1] > depth:
            live = tuple(one for one, high in zip(live, heights, strict=True) if high <= depth)
        chosen = self._source.index(len(live), node)
        deeper = self._slack > _SLACK and heights[-1] > heights[0]
        if deeper and self._source.integer(0, self._slack) > 1:
            chosen = len(live) - 1  # the branch that goes on, where there is one
        try:
            return self._draw(live[chosen], depth)
        except SamplingError as error:
            others = [one for place, one in enumerate(live) if place != chosen]
            others += [one for one in node.hidden if self._heights.fits(one, depth)]
            return self._first_of(others, depth, error)

    def _first_of(self, nodes: list[Node], depth: int, error: SamplingError) -> JsonValue:
        """A value of the first node that gives one."""
        for node in nodes:
            try:
                return self._draw(node, depth)
            except SamplingError:
                continue
        raise error

    def _live_branches(self, node: UnionNode) -> tuple[tuple[Node, ...], tuple[int, ...]]:
        """The branches that have values, the shallowest first, and their heights."""
        found = self._live.get(node)
        if found is None:
            shown = [(self._heights.height(one), one) for one in node.branches]
            hidden = [(self._heights.height(one), one) for one in node.hidden]
            pairs = [pair for pair in shown if pair[0] is not None]
            pairs = pairs or [pair for pair in hidden if pair[0] is not None]
            ordered = sorted(((high or 0, one) for high, one in pairs), key=lambda pair: pair[0])
            found = (tuple(one for _, one in ordered), tuple(high for high, _ in ordered))
            self._live[node] = found
        return found

    def _string(self, node: StringNode, depth: int) -> str:
        if node.content is not None:
            return canonical_json(self._draw(node.content, depth - 1))
        if node in self._accepted and self._source.integer(0, 3):
            return variation(self._accepted[node], self._source)
        examples = [one for one in node.annotations.examples if isinstance(one, str)]
        if examples and self._source.index(2, (node, "example")):
            example = examples[self._source.index(len(examples), (node, "examples"))]
            if matches(node, example):
                return example
        if node.media_type == "application/json" and not node.patterns:
            return canonical_json(draw_string(node, self._source, effort=self._effort))
        return draw_string(node, self._source, effort=self._effort)

    def _any(self, node: Node, depth: int) -> JsonValue:
        source = self._source
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

    # -- arrays

    def _array(self, node: ArrayNode, depth: int) -> list[JsonValue]:
        if node.contains:
            return self._array_with_contents(node, depth)
        count = self._count(node, depth)
        if node.unique:
            return self._unique_items(node, count, depth)
        items: list[JsonValue] = []
        for place in range(count):
            try:
                items.append(self._draw(node.item_at(place), depth - 1))
            except SamplingError:
                if place < node.min_items:
                    raise
                break
        return items

    def _count(self, node: ArrayNode, depth: int) -> int:
        """How many items: all places of a tuple, else empty or a few, evenly often."""
        least = node.min_items
        most = node.max_items if node.max_items is not None else None
        usual = max(least, node.prefix_length) + (
            0 if isinstance(node.rest, NeverNode) else _MAX_EXTRA_ITEMS
        )
        most = usual if most is None else min(most, usual)
        if depth <= 0 or self._left <= 0 or most <= least:
            return min(least, most) if most < least else least
        most = self._growable(node, least, most, depth)
        if most <= least:
            return least
        if least == 0 and not self._source.index(2, (node, "empty")):
            return 0
        return self._source.integer(max(least, 1), most)

    def _growable(self, node: ArrayNode, least: int, most: int, depth: int) -> int:
        """How many items can be drawn within the depth that is left."""
        for place in range(least, min(most, node.prefix_length + 1)):
            if not self._heights.fits(node.item_at(place), depth - 1):
                return place
        return most

    def _unique_items(self, node: ArrayNode, count: int, depth: int) -> list[JsonValue]:
        items: list[JsonValue] = []
        seen: set[object] = set()
        for place in range(count):
            for _ in range(_RETRIES):
                item = self._draw(node.item_at(place), depth - 1)
                if freeze(item) not in seen:
                    seen.add(freeze(item))
                    items.append(item)
                    break
            else:
                if place >= node.prefix_length and len(items) >= node.min_items:
                    break
        return items

    def _array_with_contents(self, node: ArrayNode, depth: int) -> list[JsonValue]:
        """Some items of each `contains`, then as many others as the length wants."""
        wanted: list[Node] = []
        for contains in node.contains:
            more = 0 if contains.maximum is not None else self._source.integer(0, 1)
            wanted += [contains.merged] * (contains.minimum + more)
        others = max(0, self._count(node, depth) - len(wanted))
        total = len(wanted) + max(others, node.min_items - len(wanted))
        if node.max_items is not None:
            total = min(total, max(node.max_items, 0))
        items: list[JsonValue] = []
        first = max(0, min(node.prefix_length, total - len(wanted)))
        for place in range(total):
            inside = 0 <= place - first < len(wanted)
            inner = wanted[place - first] if inside else node.item_at(place)
            if inside and place < node.prefix_length and isinstance(node.item_at(place), NeverNode):
                inner = node.item_at(place)
            items.append(self._draw(inner, depth - 1))
        return items

    # -- objects

    def _object(self, node: ObjectNode, depth: int) -> dict[str, JsonValue]:
        depth -= 1
        if node not in self._complete:
            self._complete[node] = self._is_complete(node)
        if self._complete[node]:
            return {name: self._draw(child, depth) for name, child in node.declared}
        chosen = self._chosen_names(node, depth + 1)
        made: dict[str, JsonValue] = {}
        for name, child in node.declared:
            if name not in chosen:
                continue
            try:
                made[name] = self._draw(child, depth)
            except SamplingError:
                if name in node.demanded_by(node.required):
                    raise
        self._add_keys(node, made, depth + 1)
        return made

    def _is_complete(self, node: ObjectNode) -> bool:
        """Whether the object always has all its declared keys, and no others."""
        needed = node.demanded_by(node.required)
        declared = all(name in needed for name in node.names)
        return bool(node.names) and declared and len(node.names) >= node.min_properties

    def _chosen_names(self, node: ObjectNode, depth: int) -> set[str]:
        chosen = set(node.demanded_by(node.required))
        optional = self._optional_names(node)
        if optional:
            fitting = [n for n in optional if self._heights.fits(node.child(n), depth - 1)]
            room = len(fitting)
            if node.max_properties is not None:
                room = min(room, node.max_properties - len(chosen))
            spare = self._left > 0 and depth > 0
            many = len(fitting) > _MANY_OPTIONAL
            for name in fitting:
                if room <= 0:
                    break
                taken = spare and (
                    self._source.integer(0, len(fitting)) < 4
                    if many
                    else self._source.index(2, (node, name))
                )
                demanded = node.demanded_by((name,)) - chosen
                if taken and len(demanded) <= room:
                    chosen |= demanded
                    room -= len(demanded)
            for name in fitting:
                if len(chosen) >= node.min_properties:
                    break
                chosen |= node.demanded_by((name,))
        return chosen

    def _optional_names(self, node: ObjectNode) -> tuple[str, ...]:
        if node not in self._optional:
            self._optional[node] = tuple(
                name
                for name in node.names
                if name not in node.required and self._possible(node, name)
            )
        return self._optional[node]

    def _possible(self, node: ObjectNode, name: str) -> bool:
        """Whether the key, and every key it demands, can be there."""
        return all(
            self._heights.height(node.child(one)) is not None
            and (node.name_node is None or matches(node.name_node, one))
            for one in node.demanded_by((name,))
        )

    def _add_keys(self, node: ObjectNode, made: dict[str, JsonValue], depth: int) -> None:
        """Keys that are not declared: as many as must be, and a few where only such keys are."""
        least = node.min_properties - len(made)
        most = max(least, 0)
        if not node.names and depth > 0 and self._left > 0 and self._open(node, depth):
            most = max(most, 0 if not self._source.index(2, (node, "empty")) else 1)
            if most:
                most = self._source.integer(max(1, least), max(3, least))
        if node.max_properties is not None:
            most = min(most, node.max_properties - len(made))
        tries = 0
        while most > 0 and tries < most * _RETRIES:
            tries += 1
            name = self._new_name(node, tries)
            if name in made or name in node.names:
                continue
            child = node.child(name)
            if not self._heights.fits(child, depth - 1) and tries < most * _RETRIES // 2:
                continue
            if isinstance(child, NeverNode):
                continue
            if node.name_node is not None and not matches(node.name_node, name):
                continue
            made[name] = self._draw(child, depth - 1)
            most -= 1

    def _open(self, node: ObjectNode, depth: int) -> bool:
        if node.name_node is not None and self._heights.height(node.name_node) is None:
            return False
        return bool(node.pattern_names) or self._heights.fits(node.rest, depth - 1)

    def _own_name(self, name_node: Node) -> str:
        """A name that `propertyNames` allows; only its strings count."""
        for _ in range(_RETRIES):
            name = self._draw(name_node, 1)
            if isinstance(name, str):
                return name
        strings = [one for one in alternatives(name_node) if isinstance(one, StringNode)]
        return draw_string(strings[0] if strings else StringNode(), self._source)

    def _new_name(self, node: ObjectNode, attempt: int) -> str:
        names = len(node.pattern_names)
        if names and (isinstance(node.rest, NeverNode) or attempt % 2):
            pattern = node.pattern_names[self._source.integer(0, names - 1)]
            return draw_string(StringNode(patterns=(pattern,)), self._source)
        if node.name_node is not None:
            return self._own_name(node.name_node)
        text = self._source.text(1, 12).split(" ")[0] or "amber"
        return text if attempt < 10 else f"{text}{attempt}"


def _what(node: Node) -> str:
    if node.checks:
        return "a `not`"
    if isinstance(node, UnionNode):
        return "exactly one schema of a `oneOf`"
    return "`contains`" if isinstance(node, ArrayNode) else "`propertyNames`"
