"""What the page shows of confidences: reliability diagrams, and rows that a person would check."""

from __future__ import annotations

import math
from typing import Any, Final

from schemalora.compliance import Calibration, ComplianceReport, Rate, Requirement, Routing, route
from schemalora.compliance.markdown import METRIC_TITLES
from schemalora.compliance.rate import percent
from schemalora.compliance.routing import counted_fields
from schemalora.statistics import CalibrationBin

WISHES: Final = (0.95, 0.99)
"""The shares of right rows for which the page says how many rows a person would check."""
_HEIGHT: Final = 190
_TOP: Final = 8
_BOTTOM: Final = 168
_LEFT: Final = 16.0
_RIGHT: Final = 97.0


def reliability_view(report: ComplianceReport) -> dict[str, Any] | None:
    """The diagrams and the routing table of one arm; None where nothing carries a confidence."""
    if not report.calibration:
        return None
    return {
        "fields": [_diagram(path, one) for path, one in report.calibration.items()],
        "wishes": [percent(wish) for wish in WISHES],
        "routes": _routes(report),
    }


def lowest_shown(calibration: Calibration) -> float:
    """Where both axes of a reliability diagram begin: whole tenths, below all that is drawn."""
    drawn = [min(one.confidence, bin_rate(one).ci95.low) for one in calibration.bins]
    return min(0.9, math.floor(10 * min(drawn)) / 10)


def bin_rate(one: CalibrationBin) -> Rate:
    """The share of right rows in a bin."""
    return Rate(one.right, one.n)


def calibration_words(one: Calibration) -> str:
    """The error, its interval, and what chance alone would show, in points."""
    return (
        f"ECE {100 * one.error:.1f} points [{100 * one.ci95.low:.1f}, {100 * one.ci95.high:.1f}], "
        f"by chance about {100 * one.by_chance:.1f}; n = {one.n:,}"
    )


def _diagram(path: str, calibration: Calibration) -> dict[str, Any]:
    lowest = lowest_shown(calibration)

    def across(share: float) -> float:
        return round(_LEFT + (share - lowest) / (1 - lowest) * (_RIGHT - _LEFT), 2)

    def down(share: float) -> float:
        return round(_BOTTOM - (share - lowest) / (1 - lowest) * (_BOTTOM - _TOP), 1)

    ticks = (lowest, (1 + lowest) / 2, 1.0)
    points: list[dict[str, Any]] = []
    for one in calibration.bins:
        rate = bin_rate(one)
        points.append(
            {
                "x": across(one.confidence),
                "y": down(rate.rate),
                "low": down(rate.ci95.low),
                "high": down(rate.ci95.high),
                "label": f"{one.n:,} rows, confidence {percent(one.confidence)}, right {rate}",
            }
        )
    return {
        "path": path,
        "height": _HEIGHT,
        "words": calibration_words(calibration),
        "label": f"Reliability of {path}: {calibration_words(calibration)}",
        "points": points,
        "diagonal": {"x1": _LEFT, "y1": _BOTTOM, "x2": _RIGHT, "y2": _TOP},
        "x_ticks": [
            {"x": across(tick), "text": f"{100 * tick:g}%", "anchor": anchor}
            for tick, anchor in zip(ticks, ("start", "middle", "end"), strict=True)
        ],
        "y_ticks": [{"y": down(tick), "text": f"{100 * tick:g}%"} for tick in ticks],
        "left": _LEFT,
    }


def _routes(report: ComplianceReport) -> list[dict[str, Any]]:
    if report.rows is None:
        return []
    counted = set(counted_fields(report.comparisons))
    names = list(report.calibration)
    # Where all is free text, exact match looks at nothing that could have a confidence.
    if counted and counted <= set(names):
        names.insert(0, "exact_match")
    lines: list[dict[str, Any]] = []
    for name in names:
        plan = route(report, [Requirement(name, wish) for wish in WISHES])
        lines.append(
            {
                "title": METRIC_TITLES.get(name, name),
                "is_path": name not in METRIC_TITLES,
                "cells": [_route_cell(one) for one in plan.routings],
            }
        )
    return lines


def _route_cell(one: Routing) -> dict[str, str]:
    if one.threshold is None:
        return {"check": f"all {one.n:,}", "detail": f"not reached; best {percent(one.best.rate)}"}
    return {
        "check": f"{one.to_check:,} of {one.n:,}",
        # In full: whoever types a rounded threshold in may take other rows than were counted.
        "detail": f"confidence ≥ {one.threshold!r}; {_held_out(one)}",
    }


def _held_out(one: Routing) -> str:
    if one.held_out is None:
        return "one group, nothing held out"
    return f"held out {one.held_out}" if one.held_out.n else "held out, no row is taken"
