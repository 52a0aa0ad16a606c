"""Quantiles: of the normal distribution, and of what was observed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from schemalora.errors import UsageError

NORMAL = NormalDist()


def two_sided_quantile(confidence: float) -> float:
    """The z that holds a standard normal draw between -z and z with the given confidence."""
    return NORMAL.inv_cdf(0.5 + confidence / 2)


def quantile(ordered: Sequence[float], q: float) -> float:
    """Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996)."""
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def check_confidence(confidence: float) -> None:
    """Refuses what is no share strictly between 0 and 1.

    Raises:
        UsageError: 0, 1, or outside of them.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence, a level or a power lies between 0 and 1, not {confidence}")
