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


def student_quantile(confidence: float, degrees: int) -> float:
    """The t that holds a draw of Student's t between -t and t with the given confidence.

    Found by halving; the distribution has a closed form for whole degrees of freedom.

    Source: Abramowitz and Stegun (1972), 26.7.3 and 26.7.4; from 400 degrees of freedom on, the
    expansion 26.7.5.

    Args:
        confidence: two-sided.
        degrees: of freedom, at least 1.
    """
    check_confidence(confidence)
    if degrees >= 400:
        return _student_by_expansion(two_sided_quantile(confidence), degrees)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _student_between(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan(high)


def _student_between(angle: float, degrees: int) -> float:
    """P(|T| ≤ t), with angle = arctan(t/sqrt(degrees))."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _student_by_expansion(z: float, degrees: int) -> float:
    square = z * z
    terms = (
        (square + 1) / 4,
        ((5 * square + 16) * square + 3) / 96,
        (((3 * square + 19) * square + 17) * square - 15) / 384,
        ((((79 * square + 776) * square + 1482) * square - 1920) * square - 945) / 92160,
    )
    return z + z * sum(term / degrees**power for power, term in enumerate(terms, start=1))


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
