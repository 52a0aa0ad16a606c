"""Numbers between bounds, exactly: drawn as integers on a grid that fits the bounds."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, gcd, lcm

from schemalora.errors import SamplingError
from schemalora.sampling.source import Source
from schemalora.schema import NumberNode

_MAX_DECIMALS = 17


def draw_number(node: NumberNode, source: Source) -> int | float:
    """A number within the node's bounds.

    Raises:
        SamplingError: no number of that kind lies between the bounds.
    """
    steps = _steps(node)
    for step in steps:
        low, high = _grid(node, step, source.span)
        if low <= high:
            return _plain(source.integer(low, high) * step)
    raise SamplingError(f"no {'integer' if node.integer else 'number'} lies between the bounds")


def _steps(node: NumberNode) -> list[Fraction]:
    """Grids to try, coarse ones first: multiples, integers, then decimals."""
    multiples = [*node.multiples, Fraction(1)] if node.integer else [*node.multiples]
    if multiples:
        return [_common_multiple(multiples)]
    decimals = [Fraction(1, 10**places) for places in range(_MAX_DECIMALS)]
    if node.minimum is not None and node.maximum is not None and node.maximum - node.minimum < 10:
        return decimals[2:]
    return [Fraction(1, 2), *decimals]


def _common_multiple(values: list[Fraction]) -> Fraction:
    top, bottom = 1, 0
    for value in values:
        top = lcm(top, value.numerator)
        bottom = gcd(bottom, value.denominator)
    return Fraction(top, bottom)


def _grid(node: NumberNode, step: Fraction, span: int) -> tuple[int, int]:
    """The first and last multiple of `step` to draw from; near zero where a side is open."""
    low = None if node.minimum is None else ceil(node.minimum / step)
    if low is not None and node.exclusive_minimum and low * step == node.minimum:
        low += 1
    high = None if node.maximum is None else floor(node.maximum / step)
    if high is not None and node.exclusive_maximum and high * step == node.maximum:
        high -= 1
    if low is not None and high is not None:
        return low, high
    if low is not None:
        return low, max(low, 0) + span
    if high is not None:
        return (0, high) if high >= 0 else (high - span, high)
    return 0, span


def _plain(value: Fraction) -> int | float:
    if value.denominator == 1:
        return value.numerator
    try:
        return float(value)
    except OverflowError:
        return value.numerator // value.denominator
