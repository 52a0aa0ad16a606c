"""How far a rate, or a paired difference of two rates, may be off."""

from __future__ import annotations

import math
from typing import NamedTuple

from schemalora.errors import UsageError
from schemalora.statistics.quantiles import check_confidence, two_sided_quantile


class Interval(NamedTuple):
    """A closed interval, in the unit of what it bounds."""

    low: float
    high: float


def wilson_interval(
    count: int, n: int, *, confidence: float = 0.95, effective_n: float | None = None
) -> Interval:
    """Score interval for a binomial rate; it keeps its coverage near 0 and 1, as Wald's does not.

    With p = count/n and z the two-sided normal quantile, the bounds are
    (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    JASA 22; recommended by Brown, Cai and DasGupta (2001), Statistical Science 16.

    Args:
        count: successes, 0 ≤ count ≤ n.
        n: trials; with none the interval is all of [0, 1].
        confidence: two-sided coverage, between 0 and 1.
        effective_n: stands for n in the bounds, where rows are not independent and n trials are
            worth fewer: see `effective_sample_size`.

    Raises:
        UsageError: a count outside 0..n, an effective n outside of (0, n], or a confidence outside
            (0, 1).
    """
    check_confidence(confidence)
    if not 0 <= count <= n:
        raise UsageError(f"a rate needs 0 <= count <= n, not count={count}, n={n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = two_sided_quantile(confidence)
    rate = count / n
    worth = n if effective_n is None else effective_n
    if not 0 < worth <= n:
        raise UsageError(f"the effective n lies above 0 and is at most {n}, not {effective_n}")
    centre = rate + z * z / (2 * worth)
    half = z * math.sqrt(rate * (1 - rate) / worth + z * z / (4 * worth * worth))
    scale = 1 + z * z / worth
    # At the ends one bound is exactly 0 or 1; rounding must not push it past, or short of it.
    low = 0.0 if rate == 0 else (centre - half) / scale
    high = 1.0 if rate == 1 else (centre + half) / scale
    return Interval(low, high)


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
