"""How much rows are worth that come in groups of like rows."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from functools import lru_cache

from schemalora.errors import UsageError
from schemalora.statistics.quantiles import student_quantile, two_sided_quantile


def effective_sample_size(
    right: Iterable[bool], groups: Iterable[Hashable], *, confidence: float = 0.95
) -> float:
    """How many independent rows would tell a rate as well as these rows do, which come in groups.

    Rows of one group, such as one template, are right or wrong together. With x_g right rows of
    n_g in group g of G, and p the rate, the variance of p is estimated between groups,
    v = G/(G-1)·Σ(x_g - p·n_g)² / n², and p(1-p)/v rows would have it. Few groups tell v badly; the
    factor (z/t)², with Student's t of G-1 degrees of freedom, allows for it. Where all rows are
    right, or all wrong, nothing shows how alike rows of a group are, and all n count; so do all
    where every row is a group of its own.

    Source: Kish (1965), "Survey Sampling", chapter 8.2 (the design effect); as the n of a score
    interval: Korn and Graubard (1998), "Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data", Survey Methodology 24.

    Args:
        right: for each row, whether it is right.
        groups: each row's group.
        confidence: two-sided coverage of the interval it is for.

    Returns:
        Rows, between 0 and n; 1 where there is one group only.

    Raises:
        UsageError: rows and groups of different lengths.
    """
    counts: dict[Hashable, list[int]] = {}
    try:
        for one, group in zip(right, groups, strict=True):
            count = counts.setdefault(group, [0, 0])
            count[0] += one
            count[1] += 1
    except ValueError as error:
        raise UsageError("rows and groups have different lengths") from error
    clusters = counts.values()
    n = sum(size for _, size in clusters)
    if len(clusters) == n:
        return float(n)
    rate = sum(count for count, _ in clusters) / n
    if rate in (0, 1):
        return float(n)
    if len(clusters) == 1:
        return 1.0
    spread = sum((count - rate * size) ** 2 for count, size in clusters)
    variance = spread * len(clusters) / (len(clusters) - 1) / n**2
    worth = rate * (1 - rate) / variance if variance else math.inf
    return min(float(n), worth * _few_groups_factor(len(clusters), confidence))


@lru_cache
def _few_groups_factor(groups: int, confidence: float) -> float:
    return (two_sided_quantile(confidence) / student_quantile(confidence, groups - 1)) ** 2
