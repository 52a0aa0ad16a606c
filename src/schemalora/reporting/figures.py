"""What all static plots share: colours, an own figure without global state, and two files."""

# matplotlib's annotations leave keyword arguments unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemalora.extras import require_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers tell apart.
ARM_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


@contextmanager
def new_figure(*, width: float, height: float) -> Generator[Figure]:
    """A figure to draw into, in inches; settings hold within the block only.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_extra("a plot", "report", "matplotlib")
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(
        {
            "svg.fonttype": "none",  # text stays text
            "svg.hashsalt": "schemalora",  # the same reports give the same bytes
            "text.parse_math": False,  # a dollar sign is a dollar sign
            "font.size": 10,
        }
    ):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def save_figure(figure: Figure, path: str | Path) -> tuple[Path, Path]:
    """Writes the figure as PNG and as SVG beside each other."""
    png, svg = Path(path).with_suffix(".png"), Path(path).with_suffix(".svg")
    png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(png, dpi=160)
    figure.savefig(svg, metadata={"Date": None})
    return png, svg
