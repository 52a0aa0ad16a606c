"""Bootstrap intervals of paired differences, whole groups drawn together."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from schemalora.errors import UsageError
from schemalora.statistics.intervals import Interval
from schemalora.statistics.quantiles import check_confidence, quantile


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
    check_confidence(confidence)
    kinds = _cluster_kinds(differences, groups)
    if not kinds:
        raise UsageError("a bootstrap needs at least one row")
    rng = random.Random(seed)
    means = sorted(_resampled_mean(kinds, rng) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return Interval(quantile(means, tail), quantile(means, 1 - tail))


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
