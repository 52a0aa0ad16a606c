"""Markdown tables that also line up in a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Control characters, and lone surrogates, which UTF-8 cannot carry.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def markdown_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, align: str = ""
) -> str:
    """A Markdown table whose columns are padded to one width.

    Args:
        headers: one a column.
        rows: cells may hold anything, as pipes and line breaks are made harmless.
        align: a letter for each column, `l` for text and `r` for numbers; where there are fewer
            letters than columns, the first column is text and the rest are numbers.
    """
    cells = [[_cell(text) for text in row] for row in (headers, *rows)]
    widths = [max(3, *(_width(row[i]) for row in cells)) for i in range(len(headers))]
    align = align if len(align) == len(headers) else "l" + "r" * (len(headers) - 1)
    rule = [
        "-" * (width - 1) + (":" if one == "r" else "-")
        for width, one in zip(widths, align, strict=True)
    ]
    body = [_padded(row, widths, align) for row in cells]
    return "\n".join("| " + " | ".join(row) + " |" for row in (body[0], rule, *body[1:]))


def aligned_lines(rows: Sequence[Sequence[str]], *, align: str = "") -> list[str]:
    """Rows as lines whose columns line up in a terminal; `align` as for Markdown, text if short."""
    cells = [[_CONTROL.sub(" ", text) for text in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    align = align.ljust(len(widths), "l")
    return ["  ".join(_padded(row, widths, align)).rstrip() for row in cells]


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


def _padded(cells: Sequence[str], widths: Sequence[int], align: str) -> list[str]:
    """The cells filled with spaces to their widths: behind text, before numbers."""
    return [
        " " * (width - _width(cell)) + cell if one == "r" else cell + " " * (width - _width(cell))
        for cell, width, one in zip(cells, widths, align, strict=True)
    ]


def _width(text: str) -> int:
    """Columns that the text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
