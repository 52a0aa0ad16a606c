"""A contract's node tree as the JSON Schema that the grammar engine is given.

The engine knows a part of JSON Schema, and is laxer than the contract in places: it lets 29
February pass in any year, and numbers of any size. So it is given a schema of its own, written from
the node tree, in which everything it is told is enforced. What cannot be told is a gap, with its
keyword and path.

Where the contract leaves a choice of spelling the schema takes the plain one: numbers below 10^15
without exponent, dates and addresses in their common forms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from schemalora.inference.strings import Schema, string_schema
from schemalora.inference.values import finite_values, number_schema
from schemalora.inference.variants import Variant, only, variants_of
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.sampling.source import RandomSource
from schemalora.sampling.strings import draw_string
from schemalora.schema import (
    ROOT,
    AnyNode,
    ArrayNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
    child_path,
    matches,
)
from schemalora.schema.disjoint import are_disjoint

# The schema that nothing matches, for places that must stay empty.
_NOTHING: Schema = {"enum": []}

# Patterns that, whatever there is of a key, match endlessly many keys that go on from it: they have
# no end, or end in something repeated. Only these; others may be as well.
_ENDLESS = re.compile(r"(?:[^|$\\]|\\[dDsSwW.+*-])*?(?:(?<!\\)[+*]\$)?")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something a contract demands that decoding cannot enforce."""

    keyword: str
    """The JSON Schema keyword, such as `uniqueItems`."""
    path: str
    """Where in the value, such as `$.tags`."""

    def __str__(self) -> str:
        return f"{self.keyword} @ {self.path}"


@dataclass(frozen=True, slots=True)
class Grammar:
    """A schema for the grammar engine."""

    schema: Schema
    gaps: tuple[Gap, ...]
    """What it does not enforce of the contract."""
    free_keys: Literal["any", "limited"] | None
    """Whether some object has keys that are not declared, and whether these can run out."""


def write_grammar(root: Node, *, zoned: bool, compiles: Callable[[Schema], bool]) -> Grammar:
    """Writes the schema for the grammar engine.

    Args:
        root: the contract's node tree.
        zoned: whether times must carry a time zone, as JSON Schema's formats want it; pydantic
            takes them without.
        compiles: whether the engine takes a schema; patterns may use what it lacks.
    """
    writer = _Writer(zoned=zoned, compiles=compiles)
    schema = writer.write(root, ROOT)
    if writer.definitions:
        schema["$defs"] = writer.definitions
    return Grammar(schema, tuple(dict.fromkeys(writer.gaps)), writer.free_keys)


class _Writer:
    """Writes nodes; objects and arrays go to `$defs`, so recursion ends."""

    def __init__(self, *, zoned: bool, compiles: Callable[[Schema], bool]) -> None:
        self._zoned = zoned
        self._compiles = compiles
        self.definitions: dict[str, JsonValue] = {}
        self.gaps: list[Gap] = []
        self.free_keys: Literal["any", "limited"] | None = None
        self._names: dict[int, str] = {}
        self._kept: list[Node] = []
        """Nodes that were named: an id is only unique while its node lives."""

    def write(self, node: Node, path: str) -> Schema:
        """The schema of one node."""
        ranged = isinstance(node, NumberNode) and not node.checks and not node.multiples
        values = None if ranged else finite_values(node)
        if values is not None:
            return {"enum": list(values)}
        if isinstance(node, NumberNode):
            self._report_checks(node, path)
            return number_schema(node)
        if isinstance(node, StringNode):
            self._report_checks(node, path)
            schema, missing = string_schema(node, zoned=self._zoned, compiles=self._compiles)
            self.gaps += [Gap(keyword, path) for keyword in missing]
            return schema
        if isinstance(node, NeverNode):
            return dict(_NOTHING)
        return self._named(node, path)

    def _named(self, node: Node, path: str) -> Schema:
        key = 0 if isinstance(node, AnyNode) and not node.checks else id(node)
        name = self._names.get(key)
        if name is None:
            self._kept.append(node)
            name = self._names[key] = f"n{len(self._names)}"
            self.definitions[name] = {}
            self.definitions[name] = self._compound(node, path)
        return {"$ref": f"#/$defs/{name}"}

    def _compound(self, node: Node, path: str) -> Schema:
        if isinstance(node, UnionNode):
            if not are_disjoint(node.exclusive):
                self.gaps.append(Gap("oneOf", path))
            self._report_checks(node, path)
            possible = [b for b in node.branches if not isinstance(b, NeverNode)]
            return _any_of(self.write(branch, path) for branch in possible)
        if isinstance(node, ArrayNode):
            self._report_checks(node, path)
            return self._array(node, path)
        if isinstance(node, ObjectNode):
            return self._object(node, path)
        self._report_checks(node, path)
        self._note_free_keys(limited=False)
        anything: Schema = {"$ref": f"#/$defs/{self._names[0 if not node.checks else id(node)]}"}
        return _any_of(
            [
                {"type": "null"},
                {"type": "boolean"},
                number_schema(NumberNode()),
                {"type": "string"},
                {"type": "array", "items": anything},
                {"type": "object", "additionalProperties": anything},
            ]
        )

    def _report_checks(self, node: Node, path: str) -> None:
        if node.checks:
            self.gaps.append(Gap("not", path))

    def _array(self, node: ArrayNode, path: str) -> Schema:
        schema: Schema = {"type": "array", "minItems": node.min_items}
        if node.max_items is not None:
            schema["maxItems"] = node.max_items
        if node.unique and (node.max_items is None or node.max_items > 1):
            self.gaps.append(Gap("uniqueItems", path))
        if any(one.minimum > 0 or one.maximum is not None for one in node.contains):
            self.gaps.append(Gap("contains", path))
        if node.prefix:
            schema["prefixItems"] = [
                self.write(item, f"{path}[{index}]") for index, item in enumerate(node.prefix)
            ]
        room = node.max_items is None or node.max_items > len(node.prefix)
        if room and not isinstance(node.rest, NeverNode):
            schema["items"] = self.write(node.rest, f"{path}[{len(node.prefix)}]")
        else:
            schema["items"] = False
        return schema

    def _object(self, node: ObjectNode, path: str) -> Schema:
        """An object; where keys depend on each other, a choice between plain ones."""
        variants = variants_of(node)
        if variants is None:
            variants = [Variant()]
            if node.dependent_required:
                self.gaps.append(Gap("dependentRequired", path))
            self._report_checks(node, path)
        return _any_of(self._plain_object(node, variant, path) for variant in variants)

    def _plain_object(self, node: ObjectNode, variant: Variant, path: str) -> Schema:
        required = node.required | variant.required
        properties: Schema = {}
        refused: Schema = {}
        for name, child in node.declared:
            misnamed = node.name_node is not None and not matches(node.name_node, name)
            if name in variant.refused or misnamed or isinstance(child, NeverNode):
                if name in required:
                    return _NOTHING
                refused[name] = False
            elif name in variant.values:
                properties[name] = {"enum": list(variant.values[name])}
            else:
                properties[name] = self.write(child, child_path(path, name))
        schema: Schema = {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
            **self._other_keys(node, path),
        }
        if schema["additionalProperties"] is not False or schema["patternProperties"]:
            # Else they could come as keys that are not declared.
            properties |= refused
        # The engine counts keys only where each declared one is required.
        counted = properties.keys() <= required
        limits = (("minProperties", node.min_properties), ("maxProperties", node.max_properties))
        for keyword, limit in limits:
            if limit is None or (keyword == "minProperties" and limit <= len(required)):
                continue
            if counted:
                schema[keyword] = limit
            else:
                self.gaps.append(Gap(keyword, path))
        undeclared = sorted(required - properties.keys())
        for name in undeclared:
            properties[name] = self.write(node.child(name), child_path(path, name))
        schema["required"] = [name for name in properties if name in required]
        return schema

    def _other_keys(self, node: ObjectNode, path: str) -> Schema:
        """The keywords for keys that are not declared."""
        patterns = self._named_patterns(node, path)
        if patterns is not None:
            rest: JsonValue = False
        else:
            patterns = self._patterns(node, path)
            rest = self._others(node.rest, path)
        if patterns or rest is not False:
            endless = rest is not False or all(map(_ENDLESS.fullmatch, patterns))
            self._note_free_keys(limited=not endless or False in patterns.values())
        return {"patternProperties": patterns, "additionalProperties": rest}

    def _patterns(self, node: ObjectNode, path: str) -> Schema:
        """What keys that match a pattern hold; False for keys that may not be."""
        patterns: Schema = {}
        for pattern in node.pattern_names:
            together: Schema = {**dict.fromkeys(patterns, True), pattern: True}
            if not self._compiles({"type": "object", "patternProperties": together}):
                self.gaps.append(Gap("patternProperties", path))
                continue
            patterns[pattern] = self._others(node.child(_key_like(pattern)), path)
        return patterns

    def _others(self, node: Node, path: str) -> JsonValue:
        """What keys hold that are not declared; False where there may be none."""
        return False if isinstance(node, NeverNode) else self.write(node, child_path(path, "*"))

    def _named_patterns(self, node: ObjectNode, path: str) -> Schema | None:
        """What keys hold that `propertyNames` allows; None where it says nothing that is enforced.

        Patterns, not properties: they come in any order, after the declared keys.
        """
        if node.name_node is None:
            return None
        allowed = finite_values(node.name_node)
        if allowed is not None:
            alike: dict[str, list[str]] = {}
            for name in allowed:
                if isinstance(name, str) and name not in node.names:
                    schema = canonical_json(self._others(node.child(name), path))
                    alike.setdefault(schema, []).append(re.escape(name))
            return {f"^(?:{'|'.join(keys)})$": json.loads(one) for one, keys in alike.items()}
        names = only(node.name_node, StringNode)
        if names is not None and len(names.patterns) == 1 and not (names.checks or names.formats):
            pattern = names.patterns[0]
            plain = not (names.min_length or names.max_length or node.pattern_names)
            if plain and self._compiles({"type": "string", "pattern": pattern}):
                return {pattern: self._others(node.rest, path)}
        self.gaps.append(Gap("propertyNames", path))
        return None

    def _note_free_keys(self, *, limited: bool) -> None:
        self.free_keys = "limited" if limited else self.free_keys or "any"


def _key_like(pattern: str) -> str:
    """A key that the pattern matches: the node of all keys like it is read from it."""
    return draw_string(StringNode(patterns=(pattern,)), RandomSource(Random(0)))


def _any_of(schemas: Iterable[Schema]) -> Schema:
    parts: list[JsonValue] = [schema for schema in schemas if schema != _NOTHING]
    return {"anyOf": parts or [_NOTHING]}
