"""Arguments and options that several stages share, each worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SOURCES = "package.module:Model, path/to/file.py:Model or schema.json"

ContractArgument = Annotated[str, typer.Argument(help=_SOURCES)]
ContractOption = Annotated[
    str | None, typer.Option("--contract", help=f"{_SOURCES}; an adapter brings its own.")
]
ExamplesArgument = Annotated[Path, typer.Argument(help="Rows of text and target (JSONL).")]
HtmlOption = Annotated[Path | None, typer.Option(help="Write the HTML page here.")]
