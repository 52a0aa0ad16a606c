"""What the page shows of one arm: violations, robustness, confusions, nulls and slices."""

from __future__ import annotations

from typing import Any, Final

from schemalora.compliance import ComplianceReport, Confusion, Flips, Rate
from schemalora.compliance.markdown import interval, lenient_sentence, limit_sentence, p_value
from schemalora.compliance.rate import percent
from schemalora.compliance.score import METRICS
from schemalora.compliance.slicing import weakest
from schemalora.reporting.reliability import reliability_view

_MOST_PATHS: Final = 16
_LEVELS: Final = (0.02, 0.1, 0.3, 0.6)
_SLICE_METRICS: Final = METRICS[:3]
_MOST_SLICE_LINES: Final = 60


def arm_view(name: str, report: ComplianceReport) -> dict[str, Any]:
    """One arm's part of the page."""
    return {
        "name": name,
        "n": f"{report.n:,}",
        "notes": report.notes,
        "heat": _heat(report),
        "causes": ", ".join(f"{cause} {count:,}" for cause, count in report.causes.items()),
        "lenient": lenient_sentence(report),
        "limit": limit_sentence(report),
        "robustness": [
            _robustness(perturbation, columns["exact_match"])
            for perturbation, columns in report.robustness.items()
        ],
        "reliability": reliability_view(report),
        "confusion": [_confusion(path, one) for path, one in report.confusion.items()],
        "nulls": [
            {"path": path, "invented": _share(one.invented), "missed": _share(one.missed)}
            for path, one in report.nulls.items()
        ],
        "slices": _slices(report),
    }


def rate_view(rate: Rate) -> dict[str, str]:
    """A rate and its interval, as the tables show them."""
    return {"rate": percent(rate.rate), "range": interval(rate)}


def _share(rate: Rate) -> dict[str, str]:
    return {"rate": percent(rate.rate) if rate.n else "–", "of": f"{rate.count:,} of {rate.n:,}"}


def _level(share: float) -> int:
    """0 for nothing, else 1 to 5 by steps that tell small shares apart."""
    return 0 if share <= 0 else 1 + sum(share >= step for step in _LEVELS)


def _heat(report: ComplianceReport) -> dict[str, Any] | None:
    if not report.violations:
        return None
    totals: dict[str, int] = {}
    for paths in report.violations.values():
        for path, count in paths.items():
            totals[path] = totals.get(path, 0) + count
    shown = sorted(totals, key=lambda path: (-totals[path], path))[:_MOST_PATHS]
    lines = [
        {
            "kind": kind,
            "cells": [
                {
                    "text": f"{paths[path]:,}" if path in paths else "",
                    "level": _level(paths.get(path, 0) / report.n),
                }
                for path in shown
            ],
        }
        for kind, paths in report.violations.items()
    ]
    return {"paths": shown, "lines": lines, "left_out": len(totals) - len(shown)}


def _robustness(name: str, flips: Flips) -> dict[str, Any]:
    change = f"{percent(flips.clean.rate)} → {percent(flips.perturbed.rate)}"
    counts = f"lost {flips.lost:,}, won {flips.won:,}, p {p_value(flips.p)}"
    return {
        "name": name,
        "pairs": f"{flips.clean.n:,}",
        "clean": round(100 * flips.clean.rate, 2),
        "perturbed": round(100 * flips.perturbed.rate, 2),
        "change": change,
        "flips": counts,
        "label": f"{name}: {change}, {counts}",
    }


def _confusion(path: str, confusion: Confusion) -> dict[str, Any]:
    came = {label for row in confusion.counts.values() for label in row}
    columns = [*confusion.labels, *sorted(came - set(confusion.labels))]
    lines: list[dict[str, Any]] = []
    for expected, row in confusion.counts.items():
        total = sum(row.values())
        cells = [
            {
                "text": f"{row[label]:,}" if label in row else "",
                "share": f"{100 * row[label] / total:.0f}%" if label in row else "",
                "level": _level(row.get(label, 0) / total),
                "right": label == expected,
            }
            for label in columns
        ]
        lines.append({"label": expected, "cells": cells})
    return {"path": path, "columns": columns, "lines": lines}


def _slices(report: ComplianceReport) -> list[dict[str, Any]]:
    return [
        {
            "dimension": dimension,
            "count": f"{len(values):,}"
            + (f", the weakest {_MOST_SLICE_LINES}" if len(values) > _MOST_SLICE_LINES else ""),
            "lines": [
                {
                    "value": value,
                    "n": f"{rates['valid_json'].n:,}",
                    "cells": [rate_view(rates[name]) for name in _SLICE_METRICS],
                }
                for value, rates in weakest(values, _MOST_SLICE_LINES).items()
            ],
        }
        for dimension, values in report.slices.items()
        if len(values) > 1
    ]
