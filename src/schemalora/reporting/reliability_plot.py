"""Reliability diagrams as static plots, through matplotlib."""

# matplotlib's annotations leave keyword arguments unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemalora.compliance import Calibration, ComplianceReport
from schemalora.errors import UsageError
from schemalora.reporting.figures import ARM_COLOURS, new_figure, save_figure
from schemalora.reporting.reliability import bin_rate, calibration_words, lowest_shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS: Final = 3
_MOST_FIELDS: Final = 30


def write_reliability_plot(report: ComplianceReport, path: str | Path) -> tuple[Path, Path]:
    """Draws, for each field, how often answers of each confidence are right.

    Of more than 30 fields the first 30 are drawn, which the title says.

    Args:
        report: of predictions that carry confidences.
        path: where to; written twice, with the suffixes `.png` and `.svg`.

    Returns:
        The paths of the PNG and of the SVG.

    Raises:
        UsageError: no prediction carries a confidence.
        MissingExtraError: matplotlib is not installed.
    """
    if not report.calibration:
        raise UsageError(
            "no prediction carries a confidence: predict with confidence=True "
            "(`schemalora predict --confidence`) to draw how far it can be believed"
        )
    shown = list(report.calibration.items())[:_MOST_FIELDS]
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    with new_figure(width=3.4 * columns, height=0.5 + 3.5 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        cells = [axes for line in grid for axes in line]
        for axes, (name, one) in zip(cells, shown, strict=False):
            _draw(axes, name, one)
        for axes in cells[len(shown) :]:
            axes.set_visible(False)
        left_out = len(report.calibration) - len(shown)
        title = f"{report.contract_name}: confidence and share right, Wilson 95% intervals"
        figure.suptitle(
            title + (f"; {left_out} more fields are not drawn" if left_out else ""),
            x=0.01,
            ha="left",
            fontweight="bold",
            fontsize=10,
        )
        return save_figure(figure, path)


def _draw(axes: Axes, name: str, one: Calibration) -> None:
    lowest = 100 * lowest_shown(one)
    axes.plot([lowest, 100], [lowest, 100], color="#888888", linewidth=0.9, linestyle="--")
    rates = [bin_rate(part) for part in one.bins]
    axes.errorbar(
        [100 * part.confidence for part in one.bins],
        [100 * rate.rate for rate in rates],
        yerr=[
            [100 * (rate.rate - rate.ci95.low) for rate in rates],
            [100 * (rate.ci95.high - rate.rate) for rate in rates],
        ],
        fmt="o",
        color=ARM_COLOURS[0],
        markersize=4,
        elinewidth=1,
    )
    margin = 0.03 * (100 - lowest)
    axes.set_xlim(lowest - margin, 100 + margin)
    axes.set_ylim(lowest - margin, 100 + margin)
    axes.set_aspect("equal")
    axes.set_title(f"{name}\n{calibration_words(one).replace('; ', chr(10))}", fontsize=8)
    axes.set_xlabel("mean confidence, %", fontsize=8)
    axes.set_ylabel("right, %", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
