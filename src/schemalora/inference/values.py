"""What a node's values are where they are few, and the range of a number where they are not."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor

from schemalora.jsonvalue import JsonValue
from schemalora.sampling.numbers import common_multiple, plain_number
from schemalora.schema import FiniteNode, Node, NumberNode, UnionNode, matches

# Larger numbers have no exact decimal spelling in a double, and are better refused than cut.
_LARGEST = 10**15

# Sets of values up to this size are written out, which makes any assertion about them exact.
_MOST_VALUES = 1000


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


def number_schema(node: NumberNode) -> dict[str, JsonValue]:
    """A number between bounds; one without them is kept within what a double writes in full."""
    schema: dict[str, JsonValue] = {"type": "integer" if node.integer else "number"}
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
