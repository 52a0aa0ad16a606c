"""A contract's node tree as the JSON Schema that the grammar engine is given.

The engine knows a part of JSON Schema, and is laxer than the contract in places: it lets 29
February pass in any year, and numbers of any size. So it is given a schema of its own, written from
the node tree, in which everything it is told is enforced. What cannot be told is a gap, with its
keyword and path.

Where the contract leaves a choice of spelling the schema takes the plain one: numbers below 10^15
without exponent, dates and addresses in their common forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from random import Random

from schemalora.inference.formats import (
    FORMAT_PATTERNS,
    NATIVE_FORMATS,
    OPEN_FORMATS,
    ZONED_PATTERNS,
)
from schemalora.inference.variants import Variant, only, variants_of
from schemalora.jsonvalue import JsonValue
from schemalora.sampling.numbers import common_multiple, plain_number
from schemalora.sampling.source import RandomSource
from schemalora.sampling.strings import draw_string
from schemalora.schema import (
    ROOT,
    AnyNode,
    ArrayNode,
    FiniteNode,
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

Schema = dict[str, JsonValue]

# The schema that nothing matches, for places that must stay empty.
_NOTHING: Schema = {"enum": []}

# Larger numbers have no exact decimal spelling in a double, and are better refused than cut.
_LARGEST = 10**15

# Sets of values up to this size are written out, which makes any assertion about them exact.
_MOST_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Gap:
    """Something a contract demands that decoding cannot enforce."""

    keyword: str
    """The JSON Schema keyword, such as `uniqueItems`."""
    path: str
    """Where in the value, such as `$.tags`."""

    def __str__(self) -> str:
        return f"{self.keyword} @ {self.path}"


def grammar_schema(
    root: Node, *, zoned: bool, compiles: Callable[[Schema], bool]
) -> tuple[Schema, tuple[Gap, ...]]:
    """Writes the schema for the grammar engine.

    Args:
        root: the contract's node tree.
        zoned: whether times must carry a time zone, as JSON Schema's formats want it; pydantic
            takes them without.
        compiles: whether the engine takes a string's schema; patterns may use what it lacks.

    Returns:
        The schema, and what it does not enforce of the contract.
    """
    writer = _Writer(zoned=zoned, compiles=compiles)
    schema = writer.write(root, ROOT)
    if writer.definitions:
        schema["$defs"] = writer.definitions
    return schema, tuple(dict.fromkeys(writer.gaps))


class _Writer:
    """Writes nodes; objects and arrays go to `$defs`, so recursion ends."""

    def __init__(self, *, zoned: bool, compiles: Callable[[Schema], bool]) -> None:
        self._zoned = zoned
        self._compiles = compiles
        self.definitions: dict[str, JsonValue] = {}
        self.gaps: list[Gap] = []
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
            return _number(node)
        if isinstance(node, StringNode):
            self._report_checks(node, path)
            return self._string(node, path)
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
        anything: Schema = {"$ref": f"#/$defs/{self._names[0 if not node.checks else id(node)]}"}
        return _any_of(
            [
                {"type": "null"},
                {"type": "boolean"},
                _number(NumberNode()),
                {"type": "string"},
                {"type": "array", "items": anything},
                {"type": "object", "additionalProperties": anything},
            ]
        )

    def _report_checks(self, node: Node, path: str) -> None:
        if node.checks:
            self.gaps.append(Gap("not", path))

    def _string(self, node: StringNode, path: str) -> Schema:
        schema: Schema = {"type": "string"}
        if node.min_length:
            schema["minLength"] = node.min_length
        if node.max_length is not None:
            schema["maxLength"] = node.max_length
        if node.content is not None:
            self.gaps.append(Gap("contentSchema", path))
        parts: list[tuple[str, Schema]] = [("pattern", {"pattern": p}) for p in node.patterns]
        for name in node.formats:
            pattern = (ZONED_PATTERNS if self._zoned else FORMAT_PATTERNS).get(name)
            if pattern is not None:
                parts.append(("format", {"pattern": f"^(?:{pattern})$"}))
            elif name in NATIVE_FORMATS:
                parts.append(("format", {"format": name}))
            elif name == "regex" or not (self._zoned or name in OPEN_FORMATS):
                self.gaps.append(Gap("format", path))
        for keyword, part in parts:
            wider: Schema = {"allOf": [schema, {"type": "string", **part}]}
            if self._compiles(wider):
                schema = wider
            else:
                self.gaps.append(Gap(keyword, path))
        return schema

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
        variants = variants_of(node, finite_values)
        if variants is None:
            variants = [Variant()]
            if node.dependent_required:
                self.gaps.append(Gap("dependentRequired", path))
            self._report_checks(node, path)
        return _any_of(self._plain_object(node, variant, path) for variant in variants)

    def _plain_object(self, node: ObjectNode, variant: Variant, path: str) -> Schema:
        required = node.required | variant.required
        properties: Schema = {}
        for name, child in node.declared:
            if name in variant.refused or (
                node.name_node is not None and not matches(node.name_node, name)
            ):
                continue
            if name in variant.values:
                properties[name] = {"enum": list(variant.values[name])}
            elif isinstance(child, NeverNode):
                if name in required:
                    return _NOTHING
            else:
                properties[name] = self.write(child, child_path(path, name))
        schema: Schema = {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
            **self._other_keys(node, path),
        }
        if node.min_properties > len(required):
            schema["minProperties"] = node.min_properties
        if node.max_properties is not None:
            schema["maxProperties"] = node.max_properties
        undeclared = sorted(required - properties.keys())
        for name in undeclared:
            properties[name] = self.write(node.child(name), child_path(path, name))
        schema["required"] = [name for name in properties if name in required]
        return schema

    def _other_keys(self, node: ObjectNode, path: str) -> Schema:
        """The keywords for keys that are not declared."""
        patterns: Schema = {}
        for pattern in node.pattern_names:
            child = node.child(_key_like(pattern))
            if not self._compiles({"type": "string", "pattern": pattern}):
                self.gaps.append(Gap("patternProperties", path))
            elif not isinstance(child, NeverNode):
                patterns[pattern] = self.write(child, child_path(path, "*"))
        rest_path = child_path(path, "*")
        if isinstance(node.rest, NeverNode):
            return {"patternProperties": patterns, "additionalProperties": False}
        rest = self.write(node.rest, rest_path)
        names = node.name_node and only(node.name_node, StringNode)
        if node.name_node is None:
            return {"patternProperties": patterns, "additionalProperties": rest}
        allowed = finite_values(node.name_node)
        if allowed is not None:
            # Patterns, not properties: they come in any order, after the declared keys.
            keys = "|".join(re.escape(value) for value in allowed if isinstance(value, str))
            return {"patternProperties": {f"^(?:{keys})$": rest}, "additionalProperties": False}
        if names is not None and len(names.patterns) == 1 and not names.checks:
            pattern = names.patterns[0]
            if not (names.min_length or names.max_length or names.formats) and self._compiles(
                {"type": "string", "pattern": pattern}
            ):
                return {"patternProperties": {pattern: rest}, "additionalProperties": False}
        self.gaps.append(Gap("propertyNames", path))
        return {"additionalProperties": rest}


def finite_values(node: Node) -> tuple[JsonValue, ...] | None:
    """All values of a node, where they are few; None where they are not."""
    candidates: Iterable[JsonValue]
    if isinstance(node, FiniteNode):
        candidates = node.values
    elif isinstance(node, NumberNode):
        numbers = _few_numbers(node)
        if numbers is None:
            return None
        candidates = numbers
    elif isinstance(node, UnionNode):
        parts = [finite_values(branch) for branch in node.branches]
        if any(part is None for part in parts):
            return None
        candidates = [value for part in parts if part is not None for value in part]
    else:
        return None
    return tuple(value for value in candidates if matches(node, value))


def _few_numbers(node: NumberNode) -> list[JsonValue] | None:
    """The numbers between the bounds that are multiples, where they are few."""
    steps = [step for step in (*node.multiples, *([Fraction(1)] if node.integer else [])) if step]
    if not steps or node.minimum is None or node.maximum is None:
        return None
    step = common_multiple(steps)
    first, last = ceil(node.minimum / step), floor(node.maximum / step)
    if last - first >= _MOST_VALUES:
        return None
    numbers = [step * index for index in range(first, last + 1)]
    return [plain_number(one) for one in numbers]


def _number(node: NumberNode) -> Schema:
    """A number between bounds; one without them is kept within what a double writes in full."""
    schema: Schema = {"type": "integer" if node.integer else "number"}
    low, high = node.minimum, node.maximum
    if not node.integer:
        if low is None:
            low = min(Fraction(-_LARGEST), -2 * abs(high or Fraction(0)))
        if high is None:
            high = max(Fraction(_LARGEST), 2 * abs(low))
    if low is not None:
        keyword = "exclusiveMinimum" if node.exclusive_minimum else "minimum"
        schema[keyword] = plain_number(low)
    if high is not None:
        keyword = "exclusiveMaximum" if node.exclusive_maximum else "maximum"
        schema[keyword] = plain_number(high)
    if node.multiples:
        schema["multipleOf"] = plain_number(common_multiple(node.multiples))
    return schema


def _key_like(pattern: str) -> str:
    """A key that the pattern matches: the node of all keys like it is read from it."""
    return draw_string(StringNode(patterns=(pattern,)), RandomSource(Random(0)))


def _any_of(schemas: Iterable[Schema]) -> Schema:
    parts: list[JsonValue] = [schema for schema in schemas if schema != _NOTHING]
    return {"anyOf": parts or [_NOTHING]}
