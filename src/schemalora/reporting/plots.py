"""Static plots of one or more reports, through matplotlib."""

# matplotlib's annotations leave keyword arguments unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemalora.compliance import ComplianceReport
from schemalora.compliance.markdown import METRIC_TITLES
from schemalora.compliance.rate import percent
from schemalora.errors import UsageError
from schemalora.reporting.figures import ARM_COLOURS, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_FIELDS: Final = 60
# Hatches tell arms apart in print.
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "++")


def write_plot(reports: Mapping[str, ComplianceReport], path: str | Path) -> tuple[Path, Path]:
    """Draws each metric and each field as one bar an arm, with its 95% interval.

    Of more than 60 fields the first 60 are drawn, which the axis says.

    Args:
        reports: arm name → report.
        path: where to; written twice, with the suffixes `.png` and `.svg`.

    Returns:
        The paths of the PNG and of the SVG.

    Raises:
        UsageError: no reports.
        MissingExtraError: matplotlib is not installed.
    """
    if not reports:
        raise UsageError("a plot needs at least one report")
    first = next(iter(reports.values()))
    columns = [*first.metrics, *list(first.fields)[:_MOST_FIELDS]]
    height = 1.4 + len(columns) * (0.16 + 0.22 * len(reports))
    with new_figure(width=9, height=height) as figure:
        _draw(figure.subplots(), reports, columns)
        figure.suptitle(first.contract_name, x=0.01, ha="left", fontweight="bold")
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return save_figure(figure, path)


def _draw(axes: Axes, reports: Mapping[str, ComplianceReport], columns: Sequence[str]) -> None:
    thick = 0.8 / len(reports)
    for number, (name, report) in enumerate(reports.items()):
        rates = [report.rate(column) for column in columns]
        places = [row + (number - (len(reports) - 1) / 2) * thick for row in range(len(columns))]
        values = [100 * rate.rate for rate in rates]
        errors = [
            [100 * (rate.rate - rate.ci95.low) for rate in rates],
            [100 * (rate.ci95.high - rate.rate) for rate in rates],
        ]
        axes.barh(
            places,
            values,
            height=thick * 0.92,
            xerr=errors,
            label=f"{name} (n={report.n:,})",
            color=ARM_COLOURS[number % len(ARM_COLOURS)],
            hatch=_HATCHES[number % len(_HATCHES)],
            edgecolor="white",
            error_kw={"ecolor": "#222222", "elinewidth": 1, "capsize": 2.5},
        )
        for place, rate in zip(places, rates, strict=True):
            axes.text(
                102,
                place,
                percent(rate.rate),
                va="center",
                fontsize=8,
            )
    _label(axes, reports, columns)


def _label(axes: Axes, reports: Mapping[str, ComplianceReport], columns: Sequence[str]) -> None:
    first = next(iter(reports.values()))
    axes.set_yticks(
        range(len(columns)),
        [METRIC_TITLES.get(column, column) for column in columns],
    )
    axes.axhline(len(first.metrics) - 0.5, color="#888888", linewidth=0.8, linestyle=":")
    axes.invert_yaxis()
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20), [f"{tick}%" for tick in range(0, 101, 20)])
    left_out = len(first.metrics) + len(first.fields) - len(columns)
    axes.set_xlabel(
        "share of all rows, with Wilson 95% intervals"
        + (f"; {left_out} more fields are not drawn" if left_out else "")
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.01)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
