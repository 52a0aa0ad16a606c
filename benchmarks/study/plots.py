"""The study's plots, readable on light and on dark pages, the same bytes from the same numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

_Cell = Mapping[str, Any]
_Series = Mapping[str, Sequence[tuple[float, _Cell]]]
"""Name → (place on the x axis, run)."""

GREY = "#7d7d7d"  # stands out from white and from near-black alike
COLOURS = ("#1f86c8", "#d55e00", "#009e73", "#cc79a7")
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "schemalora",
    "text.parse_math": False,
    "font.size": 11,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), GREY),
    **dict.fromkeys(("xtick.color", "ytick.color", "grid.color"), GREY),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def write_plots(cells: Sequence[_Cell], folder: Path) -> list[Path]:
    """Draws exact match and others over rows, over rank, and over rows by prompt.

    Args:
        cells: the runs of the result file.
        folder: where to; made where it is missing.

    Returns:
        The SVG files.
    """
    plain = [one for one in cells if one["epochs"] == 1]
    short = [one for one in plain if one["prompt"] == "short"]
    by_rows = [one for one in short if one["rank"] == 16]
    n: int = cells[0]["n"]
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _draw(
            folder / "study-rows.svg",
            {
                title: [(one["rows"], _of(one, name)) for one in by_rows]
                for title, name in (
                    ("schema-compliant", "schema_compliant"),
                    ("intent right", "$.intent"),
                    ("exact match", "exact_match"),
                )
            },
            "training rows, each seen once (rank 16, short prompt)",
            n=n,
        ),
        _draw(
            folder / "study-rank.svg",
            _grouped(
                [one for one in short if one["rows"] <= 1000],
                name=lambda one: f"{one['rows']} rows",
                place=lambda one: one["rank"],
            ),
            "rank (alpha twice the rank); exact match",
            n=n,
        ),
        _draw(
            folder / "study-prompt.svg",
            _grouped(
                [one for one in plain if one["rank"] == 16 and one["rows"] <= 1000],
                name=lambda one: f"{one['prompt']} prompt",
                place=lambda one: one["rows"],
            ),
            "training rows, each seen once (rank 16); exact match",
            n=n,
        ),
    ]


def _of(cell: _Cell, name: str) -> _Cell:
    return cell["rates"][name]


def _grouped(
    cells: Sequence[_Cell], *, name: Callable[[_Cell], str], place: Callable[[_Cell], float]
) -> _Series:
    series: dict[str, list[tuple[float, _Cell]]] = defaultdict(list)
    for cell in cells:
        series[name(cell)].append((place(cell), _of(cell, "exact_match")))
    return series


def _draw(path: Path, series: _Series, label: str, *, n: int) -> Path:
    """One line a series through the means over the seeds, one point with its interval a run."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(7.5, 4.2), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        ticks = sorted({place for points in series.values() for place, _ in points})
        for number, (name, points) in enumerate(series.items()):
            colour = COLOURS[number % len(COLOURS)]
            by_place: dict[float, list[float]] = defaultdict(list)
            for place, rate in sorted(points, key=lambda point: point[0]):
                value = 100 * rate["rate"]
                below, above = (100 * end for end in rate["ci95"])
                # Side by side: runs of one place would hide each other.
                shift = 1.012 ** (len(by_place[place]) + 3.5 * (number - len(series) / 2))
                by_place[place].append(value)
                axes.errorbar(
                    place * shift,
                    value,
                    yerr=[[value - below], [above - value]],
                    fmt="o",
                    markersize=4,
                    linewidth=0.8,
                    color=colour,
                    alpha=0.75,
                )
            means = [fmean(values) for values in by_place.values()]
            axes.plot(list(by_place), means, color=colour, linewidth=2, label=name)
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(0, 102)
        axes.set_xlabel(label)
        axes.set_ylabel(f"% of {n} eval rows")
        figure.legend(loc="outside upper center", ncols=len(series))
        figure.savefig(path, transparent=True, metadata={"Date": None})
    return path
