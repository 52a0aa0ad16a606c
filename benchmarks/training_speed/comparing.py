"""Ratios and loss curves of two arms that saw the same batches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

_Block = Mapping[str, Any]

# Student's t, 97.5%, for 1 to 10 degrees of freedom; beyond, the last is wider than it need be.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def speed_ratio(
    baseline: Sequence[_Block], other: Sequence[_Block], *, warm_up: int, clock: str = "seconds"
) -> dict[str, Any]:
    """How many times the baseline's rows per second another arm makes, block by block.

    Args:
        baseline: blocks of the baseline.
        other: the blocks of the other arm on the same rows.
        warm_up: steps at the start of each block that are not counted.
        clock: `seconds` on the wall, or `cpu_seconds` over all cores.

    Returns:
        The geometric mean over the blocks, each block's own ratio, and Student's 95% interval of
        the mean of their logarithms (None for a single block).
    """
    ratios = [
        _seconds(slow, warm_up, clock) / _seconds(fast, warm_up, clock)
        for slow, fast in zip(baseline, other, strict=True)
    ]
    logs = [math.log(ratio) for ratio in ratios]
    middle, n = fmean(logs), len(logs)
    interval = None
    if n > 1:
        reach = _T[min(n - 1, len(_T)) - 1] * stdev(logs) / math.sqrt(n)
        interval = [round(math.exp(middle - reach), 3), round(math.exp(middle + reach), 3)]
    return {
        "ratio": round(math.exp(middle), 3),
        "ci95": interval,
        "n": n,
        "blocks": [round(ratio, 3) for ratio in ratios],
    }


def _seconds(block: _Block, warm_up: int, clock: str) -> float:
    return sum(step[clock] for step in block["steps"][warm_up:])


def same_batches(baseline: Sequence[_Block], other: Sequence[_Block]) -> dict[str, Any]:
    """Whether both arms fed the same rows in the same order, and how their losses differ."""
    pairs = [
        (a, b)
        for one, two in zip(baseline, other, strict=True)
        for a, b in zip(one["steps"], two["steps"], strict=True)
    ]
    gaps = [abs(a["loss"] - b["loss"]) for a, b in pairs]
    return {
        "steps": len(pairs),
        "steps_with_the_same_rows": sum(a["digest"] == b["digest"] for a, b in pairs),
        "loss_difference_max": round(max(gaps), 5),
        "loss_difference_mean": round(fmean(gaps), 5),
        "loss_mean_baseline": round(fmean(a["loss"] for a, _ in pairs), 5),
        "loss_mean_other": round(fmean(b["loss"] for _, b in pairs), 5),
    }
