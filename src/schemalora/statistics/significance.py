"""Whether a difference is more than chance: an exact test, and many of them at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from schemalora.errors import UsageError


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided exact McNemar test: the p-value of two arms being right equally often.

    Only the discordant pairs speak. Under the null hypothesis min(only_a, only_b) is a draw of
    Binomial(only_a + only_b, 1/2), so p = min(1, 2·P(X ≤ min)).

    Source: McNemar (1947), Psychometrika 12; the exact form is the sign test on discordant pairs
    (Fay 2010, "Two-sided exact tests and matching confidence intervals", R Journal 2).

    Args:
        only_a: pairs that the first arm alone got right.
        only_b: pairs that the second arm alone got right.
    """
    if only_a < 0 or only_b < 0:
        raise UsageError(f"discordant pairs cannot be negative: {only_a}, {only_b}")
    if only_a == only_b:
        return 1.0
    return min(1.0, 2 * _fair_binomial_tail(min(only_a, only_b), only_a + only_b))


def _fair_binomial_tail(k: int, n: int) -> float:
    """P(X ≤ k) of Binomial(n, 1/2), for 2k < n; summed downwards until nothing changes."""
    term = total = _fair_binomial_probability(k, n)
    for i in range(k, 0, -1):
        term *= i / (n - i + 1)
        if total + term == total:
            break
        total += term
    return total


def _fair_binomial_probability(k: int, n: int) -> float:
    """P(X = k) of Binomial(n, 1/2): exact where integers are small, else by Loader's expansion.

    Source: Loader (2000), "Fast and accurate computation of binomial probabilities".
    """
    if n <= 2_000 or k < 16:
        return math.comb(n, k) / (1 << n)
    half = n / 2
    deviance = _loader_deviance(k, half) + _loader_deviance(n - k, half)
    correction = _stirling_error(n) - _stirling_error(k) - _stirling_error(n - k)
    return math.exp(correction - deviance) * math.sqrt(n / (2 * math.pi * k * (n - k)))


def _stirling_error(n: int) -> float:
    """log(n!) - log(sqrt(2πn)·(n/e)^n), by its asymptotic series; n ≥ 16."""
    square = n * n
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / n


def _loader_deviance(x: float, mean: float) -> float:
    """x·log(x/mean) + mean - x, without cancellation where x is near the mean."""
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * math.log(x / mean) + mean - x
    v = (x - mean) / (x + mean)
    total = (x - mean) * v
    term = 2 * x * v
    for j in range(1, 1_000):
        term *= v * v
        grown = total + term / (2 * j + 1)
        if grown == total:
            break
        total = grown
    return total


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: adjusted p-values, in the order they came.

    Sorted ascending, the i-th of m (from 0) becomes the running maximum of (m - i)·p_i, at most 1;
    the chance of one false finding among all stays below the level, whatever their dependence.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise UsageError("p-values lie between 0 and 1")
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = ((len(order) - rank) * p_values[index] for rank, index in enumerate(order))
    adjusted = [0.0] * len(order)
    for index, value in zip(order, accumulate(scaled, max), strict=True):
        adjusted[index] = min(1.0, value)
    return adjusted
