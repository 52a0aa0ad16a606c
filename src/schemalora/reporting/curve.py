"""A learning curve: rates against how much was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from schemalora.compliance import ComplianceReport, Rate
from schemalora.compliance.markdown import METRIC_TITLES
from schemalora.compliance.rate import percent
from schemalora.errors import UsageError

_SHOWN: Final = ("schema_compliant", "exact_match")
_HEIGHT: Final = 260
_TOP: Final = 10
_BOTTOM: Final = 230
_LEFT: Final = 9.0
_RIGHT: Final = 98.0


@dataclass(frozen=True)
class LearningCurve:
    """Rates by how much was trained on, in ascending order."""

    points: tuple[tuple[float, Mapping[str, Rate]], ...]
    """(amount, metric → rate)."""
    x_title: str = "training examples"

    @classmethod
    def from_reports(
        cls, reports: Mapping[float, ComplianceReport], *, x_title: str = "training examples"
    ) -> LearningCurve:
        """The curve of one report for each amount, such as of 250, 500 and 1,000 examples.

        Raises:
            UsageError: fewer than two amounts.
        """
        if len(reports) < 2:
            raise UsageError("a learning curve needs at least two points")
        return cls(tuple((x, reports[x].metrics) for x in sorted(reports)), x_title)


def curve_view(curve: LearningCurve) -> dict[str, Any]:
    """What the template draws: places across in percent, places down in pixels."""
    amounts = [amount for amount, _ in curve.points]
    first, last = amounts[0], amounts[-1]

    def across(amount: float) -> float:
        share = (amount - first) / (last - first) if last > first else 0.5
        return round(_LEFT + 2 + share * (_RIGHT - _LEFT - 2), 2)

    def down(share: float) -> float:
        return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)

    lines: list[dict[str, Any]] = []
    for colour, name in enumerate(_SHOWN):
        points = [
            {
                "x": across(amount),
                "y": down(rates[name].rate),
                "low": down(rates[name].ci95.low),
                "high": down(rates[name].ci95.high),
            }
            for amount, rates in curve.points
        ]
        parts = [
            {"x1": a["x"], "y1": a["y"], "x2": b["x"], "y2": b["y"]} for a, b in pairwise(points)
        ]
        lines.append(
            {"title": METRIC_TITLES[name], "colour": colour, "points": points, "parts": parts}
        )
    final = curve.points[-1][1]
    return {
        "height": _HEIGHT,
        "left": _LEFT,
        "x_title": curve.x_title,
        "lines": lines,
        "x_ticks": [
            {
                "x": across(amount),
                "text": f"{amount:,g}",
                "anchor": "end" if amount == last else "middle",
            }
            for amount in _spread(amounts)
        ],
        "y_ticks": [{"y": down(tick / 100), "text": f"{tick}%"} for tick in (0, 25, 50, 75, 100)],
        "label": f"Learning curve over {curve.x_title}, ending at "
        + ", ".join(f"{METRIC_TITLES[name]} {percent(final[name].rate)}" for name in _SHOWN),
    }


def _spread(amounts: list[float]) -> list[float]:
    """The amounts that are labelled: first, last, and those that keep a distance to both."""
    first, last = amounts[0], amounts[-1]
    gap = (last - first) * 0.14
    shown = [first]
    for amount in amounts[1:-1]:
        if amount - shown[-1] >= gap and last - amount >= gap:
            shown.append(amount)
    return [*shown, last]
