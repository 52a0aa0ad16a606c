"""Everything the HTML page says, as plain values for its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from schemalora.attribution import Attribution
from schemalora.compliance import Comparison, ComplianceReport, Difference, Failure, Rate
from schemalora.compliance.comparison import power_note
from schemalora.compliance.markdown import (
    METRIC_TITLES,
    PAIRED_WORDS,
    interval,
    interval_words,
    p_value,
)
from schemalora.compliance.rate import percent, points
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.reporting.curve import LearningCurve, curve_view
from schemalora.reporting.details import arm_view, rate_view

_COLOURS: Final = 4
_COMPLIANT: Final = "(compliant)"
_NO_PREDICTION: Final = "(no prediction)"
# In a script element only these can end it or start markup.
_UNSAFE: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page_view(
    reports: Mapping[str, ComplianceReport],
    comparisons: Mapping[str, Comparison],
    *,
    unpaired: Sequence[str],
    title: str | None,
    attribution: Attribution | None,
    curve: LearningCurve | None,
) -> dict[str, Any]:
    """The values of the page: all text is plain, and is escaped by the template."""
    first = next(iter(reports.values()))
    rows = [_row(arm, row) for arm, report in reports.items() for row in report.failures]
    return {
        "title": title or first.contract_name,
        "fingerprint": first.contract_fingerprint[:12],
        "n": _rows_counted(reports),
        "headline": _headline(reports, attribution),
        "lede": list(_lede(reports, comparisons, attribution)),
        "reasons": attribution.verdict.reasons if attribution is not None else (),
        "baseline": next(iter(reports)),
        "compared": bool(comparisons),
        "unpaired": unpaired,
        "arms": [arm_view(name, report) for name, report in reports.items()],
        "table": [
            {"title": METRIC_TITLES[name], "cells": _cells(name, reports, comparisons)}
            for name in first.metrics
        ],
        "metric_titles": [METRIC_TITLES[name] for name in list(first.metrics)[:3]],
        "fields": [_field(path, reports) for path in first.fields],
        "curve": None if curve is None else curve_view(curve),
        "rows": bool(rows),
        "rows_note": _rows_note(reports),
        "rows_json": canonical_json(cast(JsonValue, rows)).translate(_UNSAFE),
        "filters": _filters(rows, first),
        "intervals": interval_words(reports.values()),
        "paired": PAIRED_WORDS,
        "power": _power(comparisons),
    }


def _power(comparisons: Mapping[str, Comparison]) -> str:
    paired = next(iter(comparisons.values()), None)
    return "" if paired is None else power_note(paired.n, paired.groups)


def _rows_counted(reports: Mapping[str, ComplianceReport]) -> str:
    """The number of rows, of each arm where they differ."""
    counts = {name: f"{report.n:,}" for name, report in reports.items()}
    if len(set(counts.values())) == 1:
        return next(iter(counts.values()))
    return ", ".join(f"{n} ({name})" for name, n in counts.items())


def _headline(reports: Mapping[str, ComplianceReport], attribution: Attribution | None) -> str:
    if attribution is not None:
        return attribution.verdict.headline
    name, report = list(reports.items())[-1]
    compliant, exact = report.metrics["schema_compliant"], report.metrics["exact_match"]
    shape = f"{percent(compliant.rate)} of {report.n:,} answers follow the schema"
    content = f"{percent(exact.rate)} are right in everything that counts"
    if len(reports) == 1:
        return f"{shape}, {content}."
    return f"{name}: {shape}, {content}."


def _lede(
    reports: Mapping[str, ComplianceReport],
    comparisons: Mapping[str, Comparison],
    attribution: Attribution | None,
) -> Iterator[str]:
    for name, comparison in comparisons.items() if attribution is None else ():
        yield (
            f"Against {comparison.a}, on the same {comparison.n:,} rows, {name} is "
            f"{_change(comparison.metrics['schema_compliant'])} in schema compliance and "
            f"{_change(comparison.metrics['exact_match'])} in exact match."
        )
    gaps = {
        name: report.lenient["schema_compliant"].count - report.metrics["schema_compliant"].count
        for name, report in reports.items()
    }
    hidden = ", ".join(f"{name} {gap:,}" for name, gap in gaps.items() if gap)
    if hidden:
        yield (
            "Not counted are answers that would have followed the schema, had fences or prose "
            f"around them been cut away: {hidden}."
        )


def _change(one: Difference) -> str:
    low, high = one.ci95
    span = f"95% interval {points(low)} to {points(high)}"
    if not one.significant:
        return f"not measurably different ({points(one.difference)} points, {span})"
    word = "better" if one.difference > 0 else "worse"
    return f"{100 * abs(one.difference):.1f} points {word} ({span})"


def _cells(
    name: str, reports: Mapping[str, ComplianceReport], comparisons: Mapping[str, Comparison]
) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    for arm, report in reports.items():
        cell: dict[str, Any] = {**rate_view(report.rate(name)), "difference": None}
        if arm in comparisons:
            cell["difference"] = _difference(comparisons[arm].difference(name))
        cells.append(cell)
    return cells


def _difference(one: Difference) -> dict[str, str]:
    tone = "" if not one.significant else "good" if one.difference > 0 else "bad"
    return {
        "points": points(one.difference),
        "range": f"[{points(one.ci95.low)}, {points(one.ci95.high)}]",
        "p": p_value(one.p),
        "tone": tone,
    }


def _field(path: str, reports: Mapping[str, ComplianceReport]) -> dict[str, Any]:
    how = next(iter(reports.values())).comparisons[path]
    notes = {
        "ignored": "free text: verbatim here, not part of exact match",
        "unordered": "any order",
    }
    return {
        "title": path,
        "note": notes.get(how, ""),
        "bars": [
            _bar(name, i, report.fields[path]) for i, (name, report) in enumerate(reports.items())
        ],
    }


def _bar(arm: str, number: int, rate: Rate) -> dict[str, Any]:
    low, high = rate.ci95
    return {
        "arm": arm,
        "colour": number % _COLOURS,
        "value": round(100 * rate.rate, 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "text": f"{percent(rate.rate)} {interval(rate)}",
        "label": f"{arm} {percent(rate.rate)}, 95% interval {interval(rate)}",
    }


def _row(arm: str, failure: Failure) -> dict[str, Any]:
    row = failure.to_dict()
    slices = [
        f"{dimension}: {value}" for dimension, values in failure.slices.items() for value in values
    ]
    return {**row, "arm": arm, "slices": slices}


def _rows_note(reports: Mapping[str, ComplianceReport]) -> str:
    parts = [
        f"{name}: {len(report.failures):,} of {report.failures_total:,}"
        if len(reports) > 1
        else f"{len(report.failures):,} of {report.failures_total:,} rows that are no exact match."
        for name, report in reports.items()
    ]
    if len(reports) > 1:
        return f"Rows that are no exact match. Shown: {', '.join(parts)}."
    return parts[0]


def _filters(rows: list[dict[str, Any]], report: ComplianceReport) -> dict[str, list[str]]:
    slices = sorted({one for row in rows for one in row["slices"]})
    # A slice that has but one row finds nothing that a search would not.
    counts = {one: sum(one in row["slices"] for row in rows) for one in slices[:2_000]}
    kinds = {one["kind"] for row in rows for one in row["violations"]}
    marks = {_NO_PREDICTION for row in rows if row["completion"] is None}
    marks |= {_COMPLIANT for row in rows if row["completion"] is not None and not row["violations"]}
    wrong = {path for row in rows for path in row["wrong"]}
    return {
        "slices": [one for one, count in counts.items() if count > 1][:300],
        "fields": [path for path in report.fields if path in wrong],
        "kinds": [*sorted(marks), *sorted(kinds)],
    }
