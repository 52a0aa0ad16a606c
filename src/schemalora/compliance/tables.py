"""Markdown tables that also line up in a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Control characters, and lone surrogates, which UTF-8 cannot carry.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are padded to one width; numbers align right.

    The first column is text; cells may hold anything, as pipes and line breaks are made harmless.
    """
    cells = [[_cell(text) for text in row] for row in (headers, *rows)]
    widths = [max(3, *(_width(row[i]) for row in cells)) for i in range(len(headers))]
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines = [_line(cells[0], widths), "| " + " | ".join(rule) + " |"]
    lines += [_line(row, widths) for row in cells[1:]]
    return "\n".join(lines)


def paragraphs(parts: Iterable[str]) -> str:
    """Parts of a Markdown text, apart by empty lines; what UTF-8 cannot carry is replaced."""
    text = "\n\n".join(part for part in parts if part) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


def code(text: str) -> str:
    """Text as Markdown code, whatever backticks it holds."""
    text = _CONTROL.sub(" ", text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _cell(text: str) -> str:
    return _CONTROL.sub(" ", text).replace("|", "\\|")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) if i == 0 else " " * (width - _width(cell)) + cell
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join(padded) + " |"


def _width(text: str) -> int:
    """Columns that the text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
