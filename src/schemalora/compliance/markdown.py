"""Reports, comparisons and several arms side by side, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from schemalora.compliance.comparison import Comparison, Difference, compare, power_note
from schemalora.compliance.rate import Rate, percent, points
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.score import METRICS
from schemalora.compliance.slicing import weakest
from schemalora.compliance.tables import code, markdown_table, paragraphs
from schemalora.errors import PairingError, UsageError

METRIC_TITLES: Final = {
    "valid_json": "valid JSON",
    "schema_compliant": "schema-compliant",
    "exact_match": "exact match",
    "key_order": "key order",
}
PAIRED_WORDS: Final = (
    "paired, with the wider of a bootstrap of whole groups and Newcombe's score interval, and the "
    "larger p of exact McNemar tests of rows and of groups"
)
_MOST_VIOLATIONS: Final = 12
_MOST_FLIPS: Final = 5
_MOST_SLICES: Final = 20


def report_markdown(report: ComplianceReport) -> str:
    """One report: metrics, fields, violations, what leniency would hide, slices, robustness."""
    parts = [
        f"### {code(report.contract_name)}: {percent(report.metrics['schema_compliant'].rate)} "
        f"schema-compliant, {percent(report.metrics['exact_match'].rate)} exact match "
        f"(n={report.n:,})",
        markdown_table(
            ("", "right", "rate", "95% interval"),
            [_rate_row(METRIC_TITLES[name], rate) for name, rate in report.metrics.items()],
        ),
        markdown_table(
            ("field", "right", "rate", "95% interval"),
            [_rate_row(field_title(report, path), rate) for path, rate in report.fields.items()],
        ),
        lenient_sentence(report),
        limit_sentence(report),
        f"Rates over all rows {interval_words([report])}.",
        *_violations(report),
        *_calibration(report),
        *_robustness(report),
        *_slices(report),
        "\n".join(f"- {note}" for note in report.notes),
    ]
    return paragraphs(parts)


def field_title(report: ComplianceReport, path: str) -> str:
    """The path as code, with how it is compared where that is not exactly."""
    how = report.comparisons[path]
    return code(path) if how in ("exact", "ordered") else f"{code(path)} ({how})"


def interval_words(reports: Iterable[ComplianceReport]) -> str:
    """How the intervals of the rates came about, to follow "rates over all rows"."""
    if any(rate.effective_n is not None for one in reports for rate in one.metrics.values()):
        return (
            "with Wilson 95% intervals, in which rows of one group count as the fewer independent "
            "rows that they are worth (but where all rows are right, or all wrong, each counts)"
        )
    return "with Wilson 95% intervals, as if rows were independent"


def lenient_sentence(report: ComplianceReport) -> str:
    """What cutting JSON out of fences and prose would have given; the gap is named."""
    strict, lenient = report.metrics, report.lenient
    gained = lenient["valid_json"].count - strict["valid_json"].count
    if not gained:
        return "Cutting JSON out of fences or prose would change no row."
    gap = lenient["schema_compliant"].rate - strict["schema_compliant"].rate
    return (
        f"Not counted: cutting JSON out of fences or prose would have made {gained:,} more "
        f"row{'s' * (gained != 1)} valid JSON, and schema compliance "
        f"{percent(lenient['schema_compliant'].rate)} instead of "
        f"{percent(strict['schema_compliant'].rate)} ({points(gap)} points)."
    )


def limit_sentence(report: ComplianceReport) -> str:
    """How many answers the token limit shaped; empty where it shaped none."""
    cut = report.generation.cut_off
    if not cut:
        return ""
    return (
        f"{cut:,} of {report.n:,} answers met the token limit: they were cut off there or, where "
        "decoding was constrained, brought to an end."
    )


def _rate_row(title: str, rate: Rate) -> tuple[str, str, str, str]:
    return title, f"{rate.count:,}/{rate.n:,}", percent(rate.rate), interval(rate)


def interval(rate: Rate) -> str:
    """Such as `[95.9, 98.5]`, in percent."""
    low, high = rate.ci95
    return f"[{percent(low)[:-1]}, {percent(high)[:-1]}]"


def _violations(report: ComplianceReport) -> Iterator[str]:
    rows = [
        (code(kind), code(path), count)
        for kind, paths in report.violations.items()
        for path, count in paths.items()
    ]
    if not rows:
        return
    rows.sort(key=lambda row: -row[2])
    yield markdown_table(
        ("violation", "path", "rows"),
        [(kind, path, f"{count:,}") for kind, path, count in rows[:_MOST_VIOLATIONS]],
        align="llr",
    )
    if len(rows) > _MOST_VIOLATIONS:
        yield f"… and {len(rows) - _MOST_VIOLATIONS} more pairs of violation and path."
    if report.causes:
        causes = ", ".join(f"{cause} {count:,}" for cause, count in report.causes.items())
        yield f"Not JSON because: {causes}."


def _calibration(report: ComplianceReport) -> Iterator[str]:
    if not report.calibration:
        return
    yield "How far confidences can be believed (expected calibration error, in points):"
    yield markdown_table(
        ("field", "rows", "error", "95% interval", "by chance"),
        [
            (
                code(path),
                f"{one.n:,}",
                f"{100 * one.error:.1f}",
                f"[{100 * one.ci95.low:.1f}, {100 * one.ci95.high:.1f}]",
                f"{100 * one.by_chance:.1f}",
            )
            for path, one in report.calibration.items()
        ],
    )
    yield (
        "In at most ten bins of equal numbers of rows; intervals by bootstrap of groups. By "
        "chance: about what perfectly calibrated confidences would show on so many rows."
    )


def _robustness(report: ComplianceReport) -> Iterator[str]:
    if not report.robustness:
        return
    rows: list[tuple[str, ...]] = []
    for name, columns in report.robustness.items():
        flips = columns["exact_match"]
        rows.append(
            (
                code(name),
                f"{flips.clean.n:,}",
                percent(flips.clean.rate),
                percent(flips.perturbed.rate),
                f"{flips.lost:,}",
                f"{flips.won:,}",
                p_value(flips.p),
            )
        )
    yield "Exact match on clean texts and on the same texts perturbed:"
    yield markdown_table(("perturbation", "pairs", "clean", "perturbed", "lost", "won", "p"), rows)


def _slices(report: ComplianceReport) -> Iterator[str]:
    for dimension, values in report.slices.items():
        if len(values) < 2:
            continue
        shown = weakest(values, _MOST_SLICES)
        of = f", the weakest of {len(values):,}" if len(shown) < len(values) else ""
        yield markdown_table(
            (f"by {dimension}{of}", "n", *(METRIC_TITLES[name] for name in METRICS[:3])),
            [
                (
                    code(value),
                    f"{rates['valid_json'].n:,}",
                    *(percent(rates[name].rate) for name in METRICS[:3]),
                )
                for value, rates in shown.items()
            ],
        )


def p_value(p: float) -> str:
    """Three decimals, or `<0.001`."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def comparison_markdown(comparison: Comparison) -> str:
    """A comparison: both rates, the difference, its interval, flips and p-values."""
    a, b = comparison.a, comparison.b
    rows = [
        _difference_row(METRIC_TITLES.get(name, code(name)), one)
        for name, one in {**comparison.metrics, **comparison.fields}.items()
    ]
    parts = [
        f"### {code(comparison.contract_name)}: {b} against {a} (n={comparison.n:,} pairs)",
        markdown_table(
            ("", a, b, "difference", "95% interval", f"only {a}", f"only {b}", "p", "p (Holm)"),
            rows,
        ),
        *_flips(comparison),
        f"Differences in points, {PAIRED_WORDS}; p (Holm) is corrected for how many metrics, or "
        f"fields, are compared. {power_note(comparison.n, comparison.groups)}",
    ]
    return paragraphs(parts)


def _difference_row(title: str, one: Difference) -> tuple[str, ...]:
    return (
        title,
        percent(one.a.rate),
        percent(one.b.rate),
        points(one.difference),
        f"[{points(one.ci95.low)}, {points(one.ci95.high)}]",
        f"{len(one.only_a):,}",
        f"{len(one.only_b):,}",
        p_value(one.p),
        p_value(one.p_holm),
    )


def _flips(comparison: Comparison) -> Iterator[str]:
    exact = comparison.metrics["exact_match"]
    for name, ids in ((comparison.a, exact.only_a), (comparison.b, exact.only_b)):
        if ids:
            first = ", ".join(code(row_id) for row_id in ids[:_MOST_FLIPS])
            more = f" and {len(ids) - _MOST_FLIPS} more" if len(ids) > _MOST_FLIPS else ""
            yield f"Exact match in {name} only: {first}{more}."


def comparison_table(
    reports: Mapping[str, ComplianceReport], *, baseline: str | None = None, seed: int = 0
) -> str:
    """Several arms side by side in one Markdown table that also reads well in a terminal.

    Each cell is a rate with its 95% interval. Beside each arm but the baseline stands its paired
    difference to the baseline in points, with the exact McNemar p-value, where both are of the
    same rows.

    Args:
        reports: arm name → report.
        baseline: the arm the others are compared with; the first where none is given.
        seed: of the bootstrap.

    Raises:
        UsageError: no reports, or no such baseline.
        PairingError: reports of different contracts.
    """
    if not reports:
        raise UsageError("a table needs at least one report")
    baseline = baseline or next(iter(reports))
    if baseline not in reports:
        raise UsageError(f"no arm {baseline!r} (arms: {', '.join(reports)})")
    first = reports[baseline]
    for name, report in reports.items():
        if report.contract_fingerprint != first.contract_fingerprint:
            raise PairingError(
                f"{name} was scored under another contract than {baseline}: "
                f"{report.contract_name!r}, not {first.contract_name!r}"
            )
    comparisons, notes = against_baseline(reports, baseline, seed=seed)
    headers = [""]
    for name, report in reports.items():
        headers.append(f"{name} (n={report.n:,})")
        if name in comparisons:
            headers += [f"{name} − {baseline}", "p"]
    rows = [
        _side_by_side(title, column, reports, comparisons)
        for column, title in {
            **{name: METRIC_TITLES[name] for name in METRICS},
            **{path: field_title(first, path) for path in first.fields},
        }.items()
    ]
    legend = f"Rates over all rows {interval_words(reports.values())}."
    paired = next(iter(comparisons.values()), None)
    if paired is not None:
        legend += (
            f" Differences in points, {PAIRED_WORDS}; each p on its own, not corrected for how "
            f"many there are. {power_note(paired.n, paired.groups)}"
        )
    return paragraphs([markdown_table(headers, rows), legend, *_limits(reports), *notes])


def _limits(reports: Mapping[str, ComplianceReport]) -> Iterator[str]:
    cut = {name: one.generation.cut_off for name, one in reports.items()}
    if any(cut.values()):
        said = ", ".join(
            f"{name} {count:,} of {reports[name].n:,}" for name, count in cut.items() if count
        )
        yield (
            f"Answers that met the token limit (cut off there or, where decoding was constrained, "
            f"brought to an end): {said}."
        )


def against_baseline(
    reports: Mapping[str, ComplianceReport], baseline: str, *, seed: int = 0
) -> tuple[dict[str, Comparison], list[str]]:
    """Each arm against the baseline, and for those that cannot be paired with it the reason."""
    comparisons: dict[str, Comparison] = {}
    notes: list[str] = []
    for name, report in reports.items():
        if name == baseline:
            continue
        try:
            comparisons[name] = compare(
                reports[baseline], report, names=(baseline, name), seed=seed
            )
        except PairingError as error:
            notes.append(f"No paired difference for {name}: {error}.")
    return comparisons, notes


def _side_by_side(
    title: str,
    column: str,
    reports: Mapping[str, ComplianceReport],
    comparisons: Mapping[str, Comparison],
) -> list[str]:
    cells = [title]
    for name, report in reports.items():
        cells.append(str(report.rate(column)))
        if name in comparisons:
            one = comparisons[name].difference(column)
            cells += [
                f"{points(one.difference)} [{points(one.ci95.low)}, {points(one.ci95.high)}]",
                p_value(one.p),
            ]
    return cells
