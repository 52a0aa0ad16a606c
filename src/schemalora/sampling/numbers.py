"""Numbers between bounds, exactly: drawn as integers on a grid that fits the bounds."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor, gcd, lcm

from schemalora.errors import SamplingError
from schemalora.sampling.source import Source
from schemalora.schema import NumberNode

_MAX_DECIMALS = 17
_STRIDE = 10
"""What one step of stretch adds to the reach."""
_GRIDS = 3
"""Of the grids that fit the bounds, the coarsest few: prices rather than noise."""


def draw_number(node: NumberNode, source: Source, *, stretch: int = 0) -> int | float:
    """A number within the node's bounds.

    Args:
        node: what the number must be.
        source: where choices come from.
        stretch: how far to go beyond the source's reach where one side is open.

    Raises:
        SamplingError: no number of that kind lies between the bounds.
    """
    least, most = source.reach
    below = _STRIDE * stretch if node.minimum is None and node.maximum is not None else 0
    reach = (least - below, most + _STRIDE * stretch)
    grids = [(*_grid(node, step, reach), step) for step in _steps(node)]
    grids = [grid for grid in grids if grid[0] <= grid[1]][:_GRIDS]
    if grids:
        low, high, step = grids[source.integer(0, len(grids) - 1)]
        return plain_number(source.integer(low, high) * step)
    raise SamplingError(f"no {'integer' if node.integer else 'number'} lies between the bounds")


def _steps(node: NumberNode) -> list[Fraction]:
    """Grids to try, coarse ones first: multiples, integers, then decimals."""
    multiples = [*node.multiples, Fraction(1)] if node.integer else [*node.multiples]
    if multiples:
        return [common_multiple(multiples)]
    return [Fraction(1, 10**places) for places in range(_MAX_DECIMALS)]


def common_multiple(values: Iterable[Fraction]) -> Fraction:
    """The least number that is an integer multiple of every value; one or more values."""
    top, bottom = 1, 0
    for value in values:
        top = lcm(top, value.numerator)
        bottom = gcd(bottom, value.denominator)
    return Fraction(top, bottom)


def _grid(node: NumberNode, step: Fraction, reach: tuple[int, int]) -> tuple[int, int]:
    """The first and last multiple of `step` to draw from; near zero where a side is open."""
    low = None if node.minimum is None else ceil(node.minimum / step)
    if low is not None and node.exclusive_minimum and low * step == node.minimum:
        low += 1
    high = None if node.maximum is None else floor(node.maximum / step)
    if high is not None and node.exclusive_maximum and high * step == node.maximum:
        high -= 1
    least, most = floor(reach[0] / step), floor(reach[1] / step)
    if low is None:
        low = least if high is None or high > least else high - most
    if high is None:
        high = most if low < most else low + most
    return low, high


def plain_number(value: Fraction) -> int | float:
    """An integer where the value is one or no double holds it, else the nearest double."""
    if value.denominator == 1:
        return value.numerator
    try:
        return float(value)
    except OverflowError:
        return value.numerator // value.denominator
