"""Redraws what a validator refused, and leaves the rest of the value as it was."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias, cast

from schemalora.contract.fields import alternatives
from schemalora.contract.ordering import meant_branch
from schemalora.contract.outcome import Violation
from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue, type_name
from schemalora.sampling.generator import Generator
from schemalora.schema import ArrayNode, Node, ObjectNode, StringNode, UnionNode
from schemalora.schema.paths import split_path

Keys: TypeAlias = "tuple[str | int, ...]"

_WHOLE = 290
"""Every so many attempts the whole value is drawn anew."""
_PATIENCE = 150
"""Attempts at one place, after which what contains it is redrawn as well."""
_ALIGNING = 4
"""Of every five attempts at a whole object, the one that makes two of its fields equal."""


class Repair:
    """Redraws the refused places of one value, again and again, the search ever wider."""

    def __init__(self, root: Node, generator: Generator) -> None:
        self._root = root
        self._generator = generator
        self._attempt = 0
        self._touched: dict[Keys, Node] = {}

    def redraw(self, value: JsonValue, violations: Sequence[Violation]) -> JsonValue:
        """The value with the places of its violations drawn anew; it is changed where it can be."""
        self._attempt += 1
        refused = {split_path(violation.path) for violation in violations}
        self.remember(value, refused)
        if self._attempt % _WHOLE == 0:
            return self._drawn(self._root, value)
        for violation in dict.fromkeys(violations):
            keys = split_path(violation.path)
            up = self._attempt // _PATIENCE
            keys = keys[: max(0, len(keys) - up)]
            value = self._redraw(self._root, value, keys, (), violation.kind == "validator")
        return value

    def remember(self, value: JsonValue, refused: Collection[Keys] = ()) -> None:
        """Lets the generator know which strings were accepted at the places that were redrawn."""
        for keys, node in self._touched.items():
            if keys in refused:
                continue
            found: object = value
            for key in keys:
                found = _item(found, key)
            leaf = _leaf(node, found)
            if isinstance(found, str) and leaf is not None and not _is_temporal(leaf):
                self._generator.accepted[leaf] = found

    def _redraw(
        self, node: Node, value: JsonValue, keys: Keys, above: Keys, by_validator: bool
    ) -> JsonValue:
        if keys:
            child = _child(node, value, keys[0])
            if child is not None:
                return self._inside(child, value, keys, above, by_validator)
        if by_validator and isinstance(value, dict) and len(value) > 1 and self._attempt % 5:
            early = self._attempt < _PATIENCE
            if early and self._attempt % 5 == _ALIGNING and self._align(value):
                return value
            # A validator looked at the object as a whole: change one of its fields.
            untouched = [name for name in value if (*above, name) not in self._touched]
            names = untouched or list(value)
            name = names[self._generator.pick(len(names))]
            child = _child(node, value, name)
            if child is not None:
                inside = cast("dict[str, JsonValue]", value)
                inside[name] = self._drawn(child, value[name])
                return value
        self._touched[above] = node
        return self._drawn(node, value)

    def _align(self, value: dict[str, JsonValue]) -> bool:
        """Makes two fields of one type equal, as a password and its repetition must be."""
        names = list(value)
        name = names[self._generator.pick(len(names))]
        kind = type_name(value[name])
        others = [one for one in names if one != name and type_name(value[one]) == kind]
        if not others or kind not in ("string", "number"):
            return False
        value[others[self._generator.pick(len(others))]] = value[name]
        return True

    def _drawn(self, node: Node, value: JsonValue) -> JsonValue:
        try:
            return self._generator.draw(node, effort=self._attempt)
        except SamplingError:
            return value

    def _inside(
        self, child: Node, value: JsonValue, keys: Keys, above: Keys, by_validator: bool
    ) -> JsonValue:
        key = keys[0]
        inside = cast("dict[str | int, JsonValue]", value)
        above = (*above, key)
        inside[key] = self._redraw(child, inside[key], keys[1:], above, by_validator)
        return value


def _item(value: object, key: str | int) -> object:
    if isinstance(value, dict):
        return cast("dict[str | int, object]", value).get(key)
    if isinstance(value, list) and isinstance(key, int):
        items = cast("list[object]", value)
        return items[key] if key < len(items) else None
    return None


def _is_temporal(node: StringNode) -> bool:
    return any(name in ("date", "time", "date-time", "duration") for name in node.formats)


def _leaf(node: Node, value: object) -> StringNode | None:
    fitting = (one for one in alternatives(node) if isinstance(one, StringNode))
    return next(fitting, None) if isinstance(value, str) else None


def _child(node: Node, value: JsonValue, key: str | int) -> Node | None:
    """The node of a key or place that the value has, or None."""
    while isinstance(node, UnionNode):
        branch = meant_branch(node, value)
        if branch is None:
            return None
        node = branch
    if isinstance(node, ObjectNode) and isinstance(value, dict) and key in value:
        return node.child(str(key))
    if isinstance(node, ArrayNode) and isinstance(value, list) and isinstance(key, int):
        return node.item_at(key) if key < len(value) else None
    return None
