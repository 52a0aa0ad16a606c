"""Arguments and options that several stages share, each worded once, and what holds for outputs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from schemalora.errors import UsageError

_SOURCES = "package.module:Model, path/to/file.py:Model or schema.json"

ContractArgument = Annotated[str, typer.Argument(help=_SOURCES)]
ContractOption = Annotated[
    str | None, typer.Option("--contract", help=f"{_SOURCES}; an adapter brings its own.")
]
ExamplesArgument = Annotated[Path, typer.Argument(help="Rows of text and target (JSONL).")]
HtmlOption = Annotated[Path | None, typer.Option(help="Write the HTML page here.")]


def check_outputs(
    outputs: Iterable[Path | None], *, inputs: Iterable[str | Path | None] = ()
) -> None:
    """Refuses outputs that would overwrite an input or each other; to be called before any work.

    Args:
        outputs: the files that will be written; None where none was asked for.
        inputs: what is read: paths, and sources such as `file.py:render`.

    Raises:
        UsageError: an output is a folder, is an input, or is given twice.
    """
    read = {os.path.realpath(_file(source)) for source in inputs if source is not None}
    written = set[str]()
    for output in outputs:
        if output is None:
            continue
        if output.is_dir():
            raise UsageError(f"{output}: Is a directory; name a file in it")
        if output.exists() and not output.is_file():
            continue  # a pipe, a terminal or /dev/null: nothing in it can be lost
        place = os.path.realpath(output)
        if place in read:
            raise UsageError(f"{output}: would overwrite what is read; give another output file")
        if place in written:
            raise UsageError(f"{output}: two outputs in one file; give each its own")
        written.add(place)


def _file(source: str | Path) -> str | Path:
    place, _, _ = str(source).rpartition(":")
    return place if place.endswith(".py") else source
