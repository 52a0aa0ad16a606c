"""`schemalora init`: writes a starter project for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.synthesis.starter import write_starter


def init(
    model: Annotated[
        str, typer.Argument(help="package.module:Model, path/to/file.py:Model or schema.json")
    ],
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="Write the project into this folder.")
    ] = Path("schemalora-project"),
) -> None:
    """Write a starter project for a model: a renderer, a config, a data audit, a property test."""
    for path in write_starter(model, folder):
        typer.echo(str(path))
    typer.echo(f"Next: cd {folder} && python make_data.py && pytest")
