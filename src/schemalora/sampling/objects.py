"""Draws objects: which optional keys, and which keys that are not declared."""

from __future__ import annotations

from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue
from schemalora.sampling.drawing import RETRIES, Drawing
from schemalora.sampling.strings import draw_string
from schemalora.schema import AnyNode, NeverNode, ObjectNode, StringNode, matches

_MANY_OPTIONAL = 12


class ObjectDrawer:
    """Draws objects for a generator; what it finds out about a node is kept."""

    def __init__(self, generator: Drawing) -> None:
        self._generator = generator
        self._complete: dict[ObjectNode, bool] = {}
        self._optional: dict[ObjectNode, tuple[str, ...]] = {}
        self._inviting: dict[ObjectNode, bool] = {}
        self.suggested: tuple[str, ...] = ()
        """Names for keys that are not declared, where the usual words were refused."""

    def draw(self, node: ObjectNode, depth: int) -> dict[str, JsonValue]:
        depth -= 1
        if node not in self._complete:
            self._complete[node] = self._is_complete(node)
        if self._complete[node]:
            return {name: self._generator.draw_below(child, depth) for name, child in node.declared}
        chosen = self._chosen_names(node, depth + 1)
        made: dict[str, JsonValue] = {}
        for name, child in node.declared:
            if name not in chosen:
                continue
            try:
                made[name] = self._generator.draw_below(child, depth)
            except SamplingError:
                if name in node.demanded_by(node.required):
                    raise
        self._add_keys(node, made, depth + 1)
        return made

    def _is_complete(self, node: ObjectNode) -> bool:
        """Whether the object always has all its declared keys, and no others."""
        needed = node.demanded_by(node.required)
        declared = all(name in needed for name in node.names)
        enough = len(node.names) >= node.min_properties
        return bool(node.names) and declared and enough and not self._invites(node)

    def _chosen_names(self, node: ObjectNode, depth: int) -> set[str]:
        chosen = set(node.demanded_by(node.required))
        optional = self._optional_names(node)
        if optional:
            fitting = [
                n for n in optional if self._generator.heights.fits(node.child(n), depth - 1)
            ]
            room = len(fitting)
            if node.max_properties is not None:
                room = min(room, node.max_properties - len(chosen))
            spare = self._generator.has_budget and depth > 0
            many = len(fitting) > _MANY_OPTIONAL
            for name in fitting:
                if room <= 0:
                    break
                taken = spare and (
                    self._generator.source.integer(0, len(fitting)) < 4
                    if many
                    else self._generator.source.index(2, (node, name))
                )
                if not taken or name in chosen:
                    continue
                demanded = node.demanded_by((name,)) - chosen
                if len(demanded) <= room:
                    chosen |= demanded
                    room -= len(demanded)
            for name in fitting:
                if len(chosen) >= node.min_properties:
                    break
                chosen |= node.demanded_by((name,))
        return chosen

    def _optional_names(self, node: ObjectNode) -> tuple[str, ...]:
        if node not in self._optional:
            impossible = self._impossible_names(node)
            self._optional[node] = tuple(
                name for name in node.names if name not in node.required and name not in impossible
            )
        return self._optional[node]

    def _impossible_names(self, node: ObjectNode) -> set[str]:
        """Keys that cannot be there, and those that demand one of them."""
        demanding: dict[str, list[str]] = {}
        for name, demanded in node.dependent_required.items():
            for one in demanded:
                demanding.setdefault(one, []).append(name)
        found: set[str] = set()
        pending = [name for name in node.names if not self._possible(node, name)]
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending += demanding.get(name, ())
        return found

    def _possible(self, node: ObjectNode, name: str) -> bool:
        return self._generator.heights.height(node.child(name)) is not None and (
            node.name_node is None or matches(node.name_node, name)
        )

    def _add_keys(self, node: ObjectNode, made: dict[str, JsonValue], depth: int) -> None:
        """Keys that are not declared: as many as must be, and a few where only such keys are."""
        least = node.min_properties - len(made)
        most = max(least, 0)
        if self._generator.has_budget and self._invites(node) and self._has_room(node, depth):
            most = max(most, 0 if not self._generator.source.index(2, (node, "empty")) else 1)
            if most:
                most = self._generator.source.integer(max(1, least), max(3, least))
        if node.max_properties is not None:
            most = min(most, node.max_properties - len(made))
        tries = 0
        while most > 0 and tries < most * RETRIES:
            tries += 1
            name = self._new_name(node, tries)
            if name in made or name in node.names:
                continue
            child = node.child(name)
            if not self._generator.heights.fits(child, depth - 1) and tries < most * RETRIES // 2:
                continue
            if isinstance(child, NeverNode):
                continue
            if node.name_node is not None and not matches(node.name_node, name):
                continue
            made[name] = self._generator.draw_below(child, depth - 1)
            most -= 1

    def _invites(self, node: ObjectNode) -> bool:
        """Whether keys that are not declared are what the author had in mind.

        They are where the schema says what they must be, or declares none that could be there. An
        object that merely is not closed gets none.
        """
        if node not in self._inviting:
            height = self._generator.heights.height
            takes = bool(node.pattern_names) or height(node.rest) is not None
            if node.name_node is not None:
                takes = takes and height(node.name_node) is not None
            described = bool(node.pattern_names) or not isinstance(node.rest, AnyNode)
            declares = any(not isinstance(child, NeverNode) for _, child in node.declared)
            self._inviting[node] = takes and (described or not declares)
        return self._inviting[node]

    def _has_room(self, node: ObjectNode, depth: int) -> bool:
        return depth > 0 and (
            bool(node.pattern_names) or self._generator.heights.fits(node.rest, depth - 1)
        )

    def _new_name(self, node: ObjectNode, attempt: int) -> str:
        names = len(node.pattern_names)
        if names and (isinstance(node.rest, NeverNode) or attempt % 2):
            pattern = node.pattern_names[self._generator.source.integer(0, names - 1)]
            return draw_string(StringNode(patterns=(pattern,)), self._generator.source)
        if node.name_node is not None:
            return str(self._generator.draw_below(node.name_node, 1))
        if self.suggested and attempt % 2:
            return self.suggested[self._generator.source.integer(0, len(self.suggested) - 1)]
        text = self._generator.source.text(1, 12).split(" ")[0] or "amber"
        return text if attempt < 10 else f"{text}{attempt}"
