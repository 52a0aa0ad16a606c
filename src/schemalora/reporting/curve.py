"""A learning curve: rates against how much was trained on, and the loss beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

from schemalora.compliance import ComplianceReport, Rate
from schemalora.compliance.markdown import METRIC_TITLES
from schemalora.compliance.rate import percent
from schemalora.errors import UsageError
from schemalora.jsonl import read_json

FILE_NAME: Final = "learning_curve.json"
_SHOWN: Final = ("schema_compliant", "exact_match")
_TOP: Final = 10
_LEFT: Final = 9.0
_RIGHT: Final = 98.0
_MOST_LOSSES: Final = 160


@dataclass(frozen=True)
class LearningCurve:
    """Rates by how much was trained on, in ascending order."""

    points: tuple[tuple[float, Mapping[str, Rate]], ...]
    """(amount, metric → rate)."""
    x_title: str = "training examples"
    losses: tuple[tuple[float, float], ...] = ()
    """(amount, training loss)."""
    selected: float | None = None
    """The amount whose weights were kept."""

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

    @classmethod
    def from_training(cls, path: str | Path) -> LearningCurve:
        """The curve that `train` left in an adapter directory: loss, and rates where it took any.

        Args:
            path: the adapter directory, or its `learning_curve.json`.

        Raises:
            UsageError: no such file, or nothing in it to draw.
        """
        file = Path(path)
        file = file / FILE_NAME if file.is_dir() else file
        data = read_json(file)
        try:
            steps = cast("list[dict[str, float]]", data.get("steps", []))
            evaluations = cast("list[dict[str, Any]]", data.get("evaluations", []))
            losses = [(one["step"], one["loss"]) for one in steps if "loss" in one]
            points = [(one["step"], _rates(one["metrics"], one["rows"])) for one in evaluations]
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{file}: not a learning curve ({error!r})") from error
        if len(losses) < 2 and len(points) < 2:
            raise UsageError(f"{file}: fewer than two points of a learning curve")
        return cls(
            points=tuple(sorted(points, key=lambda point: point[0])),
            x_title="training steps",
            losses=tuple(sorted(losses)),
            selected=cast("float | None", data.get("selected_step")),
        )


def _rates(metrics: Mapping[str, float], rows: int) -> dict[str, Rate]:
    return {name: Rate(round(metrics[name] * rows), rows) for name in _SHOWN}


def curve_view(curve: LearningCurve) -> dict[str, Any]:
    """What the template draws: one plot of rates, one of losses, over the same amounts."""
    amounts = sorted({*(x for x, _ in curve.points), *(x for x, _ in curve.losses)})
    axis = _Axis(amounts)
    plots: list[dict[str, Any]] = []
    if curve.points:
        plots.append(_rates_plot(curve, axis))
    if len(curve.losses) > 1:
        plots.append(_loss_plot(curve, axis))
    selected = None
    if curve.selected is not None and amounts[0] <= curve.selected <= amounts[-1]:
        selected = {"x": axis.across(curve.selected), "text": f"{curve.selected:,g}"}
    return {"x_title": curve.x_title, "plots": plots, "selected": selected}


class _Axis:
    """The axis of amounts, which both plots share."""

    def __init__(self, amounts: Sequence[float]) -> None:
        self._first, self._last = amounts[0], amounts[-1]
        self.ticks = [
            {
                "x": self.across(amount),
                "text": f"{amount:,g}",
                "anchor": "end" if amount == self._last else "middle",
            }
            for amount in _spread(amounts)
        ]

    def across(self, amount: float) -> float:
        """The place of an amount, in percent of the plot's width."""
        width = self._last - self._first
        share = (amount - self._first) / width if width > 0 else 0.5
        return round(_LEFT + 2 + share * (_RIGHT - _LEFT - 2), 2)


def _rates_plot(curve: LearningCurve, axis: _Axis) -> dict[str, Any]:
    bottom = 230

    def down(share: float) -> float:
        return round(bottom - share * (bottom - _TOP), 1)

    lines: list[dict[str, Any]] = []
    for colour, name in enumerate(_SHOWN):
        points = [
            {
                "x": axis.across(amount),
                "y": down(rates[name].rate),
                "low": down(rates[name].ci95.low),
                "high": down(rates[name].ci95.high),
            }
            for amount, rates in curve.points
        ]
        lines.append(_line(METRIC_TITLES[name], colour, points, marked=True))
    final = curve.points[-1][1]
    rows = sorted({rates[_SHOWN[0]].n for _, rates in curve.points})
    return {
        "title": f"Rates with Wilson 95% intervals (n = {', '.join(f'{n:,}' for n in rows)})",
        "height": bottom + 30,
        "bottom": bottom,
        "left": _LEFT,
        "lines": lines,
        "x_ticks": axis.ticks,
        "y_ticks": [{"y": down(tick / 100), "text": f"{tick}%"} for tick in (0, 25, 50, 75, 100)],
        "label": f"Learning curve over {curve.x_title}, ending at "
        + ", ".join(f"{METRIC_TITLES[name]} {percent(final[name].rate)}" for name in _SHOWN),
    }


def _loss_plot(curve: LearningCurve, axis: _Axis) -> dict[str, Any]:
    bottom = 120
    stride = -(-len(curve.losses) // _MOST_LOSSES)
    shown = [*curve.losses[:-1:stride], curve.losses[-1]]
    most = max(loss for _, loss in shown) or 1.0

    def down(loss: float) -> float:
        return round(bottom - loss / most * (bottom - _TOP), 1)

    points = [{"x": axis.across(amount), "y": down(loss)} for amount, loss in shown]
    return {
        "title": "Training loss",
        "height": bottom + 30,
        "bottom": bottom,
        "left": _LEFT,
        "lines": [_line("training loss", 2, points, marked=False)],
        "x_ticks": axis.ticks,
        "y_ticks": [{"y": down(one), "text": f"{one:.2g}"} for one in (0.0, most / 2, most)],
        "label": f"Training loss over {curve.x_title}, from {shown[0][1]:.3g} "
        f"to {shown[-1][1]:.3g}",
    }


def _line(
    title: str, colour: int, points: list[dict[str, float]], *, marked: bool
) -> dict[str, Any]:
    parts = [{"x1": a["x"], "y1": a["y"], "x2": b["x"], "y2": b["y"]} for a, b in pairwise(points)]
    shown = points if marked else []
    return {"title": title, "colour": colour, "points": shown, "parts": parts, "marked": marked}


def _spread(amounts: Sequence[float]) -> list[float]:
    """The amounts that are labelled: first, last, and those that keep a distance to both."""
    first, last = amounts[0], amounts[-1]
    gap = (last - first) * 0.14
    shown = [first]
    for amount in amounts[1:-1]:
        if amount - shown[-1] >= gap and last - amount >= gap:
            shown.append(amount)
    return [*shown, last] if last > first else shown
