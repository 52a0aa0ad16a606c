"""What n pairs cannot show."""

from __future__ import annotations

import math

from schemalora.statistics.quantiles import NORMAL, check_confidence, two_sided_quantile


def smallest_significant_difference(n: int, *, alpha: float = 0.05) -> float:
    """The smallest paired difference that n pairs can ever show, as a share of n; 1.0 if none.

    The best case of McNemar's exact test is k flips, all in one direction, with p = 2·(1/2)^k:
    fewer than k flips cannot be significant however the rows fall.
    """
    check_confidence(1 - alpha)
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
    check_confidence(1 - alpha)
    check_confidence(power)
    if n < 1:
        return 1.0
    z_alpha = two_sided_quantile(1 - alpha)
    z_power = NORMAL.inv_cdf(power)

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
