"""Intervals and tests for rates, in plain Python; each docstring gives the formula's source."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import NamedTuple

from schemalora.errors import UsageError

_NORMAL = NormalDist()


class Interval(NamedTuple):
    """A closed interval, in the unit of what it bounds."""

    low: float
    high: float


def wilson_interval(count: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Score interval for a binomial rate; it keeps its coverage near 0 and 1, as Wald's does not.

    With p = count/n and z the two-sided normal quantile, the bounds are
    (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    JASA 22; recommended by Brown, Cai and DasGupta (2001), Statistical Science 16.

    Args:
        count: successes, 0 ≤ count ≤ n.
        n: trials; with none the interval is all of [0, 1].
        confidence: two-sided coverage, between 0 and 1.

    Raises:
        UsageError: a count outside 0..n, or a confidence outside (0, 1).
    """
    _check_confidence(confidence)
    if not 0 <= count <= n:
        raise UsageError(f"a rate needs 0 <= count <= n, not count={count}, n={n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = _two_sided_quantile(confidence)
    rate = count / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends one bound is exactly 0 or 1; rounding must not push it past, or short of it.
    low = 0.0 if count == 0 else (centre - half) / scale
    high = 1.0 if count == n else (centre + half) / scale
    return Interval(low, high)


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


def bootstrap_difference(
    differences: Iterable[float],
    groups: Iterable[Hashable] | None = None,
    *,
    seed: int = 0,
    resamples: int = 2_000,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of the mean paired difference, whole groups drawn together.

    Rows of one group (one template) are not independent: groups, not rows, are drawn with
    replacement, and each resample's mean is its sum over its rows. Groups that have the same sum
    and size are one kind, so that a resample is one multinomial draw over kinds, whose cost does
    not grow with n.

    Source: Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapters 13 and 8.6;
    clusters as units: Davison and Hinkley (1997), "Bootstrap Methods", section 3.8.

    Args:
        differences: for each row, second arm less first arm, such as -1, 0 or 1.
        groups: each row's group; None takes every row as its own.
        seed: of the private random generator.
        resamples: bootstrap draws.
        confidence: two-sided coverage.

    Raises:
        UsageError: no rows, or differences and groups of different lengths.
    """
    _check_confidence(confidence)
    kinds = _cluster_kinds(differences, groups)
    if not kinds:
        raise UsageError("a bootstrap needs at least one row")
    rng = random.Random(seed)
    means = sorted(_resampled_mean(kinds, rng) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return Interval(_quantile(means, tail), _quantile(means, 1 - tail))


def _cluster_kinds(
    differences: Iterable[float], groups: Iterable[Hashable] | None
) -> list[tuple[float, int, int]]:
    """(sum, rows, how many clusters are so), sorted, so that the order of rows is no matter."""
    if groups is None:
        return sorted((value, 1, count) for value, count in Counter(differences).items())
    sums: dict[Hashable, list[float]] = {}
    try:
        for value, group in zip(differences, groups, strict=True):
            sums.setdefault(group, []).append(value)
    except ValueError as error:
        raise UsageError("differences and groups have different lengths") from error
    clusters = Counter((math.fsum(values), len(values)) for values in sums.values())
    return sorted((total, rows, count) for (total, rows), count in clusters.items())


def _resampled_mean(kinds: Sequence[tuple[float, int, int]], rng: random.Random) -> float:
    """The mean of one resample: a multinomial draw, as a chain of conditional binomials."""
    left_drawn = left_there = sum(count for _, _, count in kinds)
    total = 0.0
    rows = 0
    for value, size, count in kinds:
        drawn = _binomial(left_drawn, count / left_there, rng)
        total += drawn * value
        rows += drawn * size
        left_drawn -= drawn
        left_there -= count
        if not left_drawn:
            break
    return total / rows


def _binomial(n: int, p: float, rng: random.Random) -> int:
    """One exact draw of Binomial(n, p) in O(log n + np of the rest).

    Splits at the median order statistic, which is a beta draw, until few successes are left to
    expect, then counts them by their geometric waiting times.

    Source: Devroye (1986), "Non-Uniform Random Variate Generation", X.4.2 and X.4.3.
    """
    if p >= 1:
        return n
    if p > 0.5:
        return n - _binomial(n, 1 - p, rng)
    drawn = 0
    while n * p > 12:
        middle = n // 2 + 1
        split = rng.betavariate(middle, n + 1 - middle)
        if split <= p:
            drawn += middle
            n -= middle
            p = (p - split) / (1 - split)
        else:
            n = middle - 1
            p = p / split
            if p >= 1:
                return drawn + n
    return drawn + _binomial_by_waiting(n, p, rng)


def _binomial_by_waiting(n: int, p: float, rng: random.Random) -> int:
    if p <= 0:
        return 0
    scale = math.log1p(-p)
    drawn = -1
    position = 0
    while position <= n:
        drawn += 1
        position += int(math.log(1 - rng.random()) / scale) + 1
    return drawn


def _quantile(ordered: Sequence[float], q: float) -> float:
    """Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996)."""
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def paired_interval(
    both: int, only_a: int, only_b: int, neither: int, *, confidence: float = 0.95
) -> Interval:
    """Score interval for the paired difference of two rates, (only_b - only_a) / n.

    Square-and-add of the two Wilson intervals with the continuity-corrected correlation φ. Unlike
    a bootstrap it does not shrink to a point where few pairs, or none, differ.

    Source: Newcombe (1998), "Improved confidence intervals for the difference between binomial
    proportions based on paired data", Statistics in Medicine 17, method 10.

    Args:
        both: pairs that both arms got right.
        only_a: pairs that the first arm alone got right.
        only_b: pairs that the second arm alone got right.
        neither: pairs that neither got right.
        confidence: two-sided coverage.
    """
    n = both + only_a + only_b + neither
    if n == 0:
        return Interval(-1.0, 1.0)
    right_a, right_b = both + only_a, both + only_b
    low_a, high_a = wilson_interval(right_a, n, confidence=confidence)
    low_b, high_b = wilson_interval(right_b, n, confidence=confidence)
    rate_a, rate_b = right_a / n, right_b / n
    phi = _corrected_correlation(both, only_a, only_b, neither)

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))

    difference = (only_b - only_a) / n
    return Interval(
        max(-1.0, difference - reach(rate_b - low_b, high_a - rate_a)),
        min(1.0, difference + reach(high_b - rate_b, rate_a - low_a)),
    )


def _corrected_correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """φ of a 2x2 table; a positive one is corrected for continuity, and 0 where undefined."""
    n = both + only_a + only_b + neither
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if not margins:
        return 0.0
    cross = both * neither - only_a * only_b
    return (max(0.0, cross - n / 2) if cross > 0 else cross) / math.sqrt(margins)


def smallest_significant_difference(n: int, *, alpha: float = 0.05) -> float:
    """The smallest paired difference that n pairs can ever show, as a share of n; 1.0 if none.

    The best case of McNemar's exact test is k flips, all in one direction, with p = 2·(1/2)^k:
    fewer than k flips cannot be significant however the rows fall.
    """
    _check_confidence(1 - alpha)
    flips = math.ceil(1 - math.log2(alpha))
    return min(1.0, flips / n) if n else 1.0


def detectable_difference(
    n: int, *, discordant: float, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The true paired difference that n pairs show with the wished power, as a share of n.

    Solves for d in n = (z_(1-alpha/2)·sqrt(ψ) + z_power·sqrt(ψ - d²))² / d², with ψ the share of
    discordant pairs; no difference can be larger than ψ, and where not even ψ suffices, ψ grows.

    Source: Connor (1987), "Sample size for testing differences in proportions for the
    paired-sample design", Biometrics 43; also Miettinen (1968), Biometrics 24.

    Args:
        n: pairs.
        discordant: the share of pairs in which the arms differ, as observed.
        alpha: two-sided level.
        power: the wished chance of a significant result.
    """
    _check_confidence(1 - alpha)
    _check_confidence(power)
    if n < 1:
        return 1.0
    z_alpha = _two_sided_quantile(1 - alpha)
    z_power = _NORMAL.inv_cdf(power)

    def reached(difference: float) -> bool:
        share = max(discordant, difference)
        spread = math.sqrt(max(0.0, share - difference * difference))
        return math.sqrt(n) * difference >= z_alpha * math.sqrt(share) + z_power * spread

    low, high = 0.0, 1.0
    if not reached(high):
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return max(high, smallest_significant_difference(n, alpha=alpha))


def _two_sided_quantile(confidence: float) -> float:
    return _NORMAL.inv_cdf(0.5 + confidence / 2)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence, a level or a power lies between 0 and 1, not {confidence}")
