"""`schemalora init`: writes a starter project for a contract."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import ContractArgument
from schemalora.cli.printing import echo
from schemalora.synthesis.starter import write_starter


def init(
    contract: ContractArgument,
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="Write the project into this folder.")
    ] = Path("schemalora-project"),
) -> None:
    """Write a starter project: a renderer, a config, a data audit, a property test."""
    for path in write_starter(contract, folder):
        echo(str(path))
    echo(f"Next: cd {shlex.quote(str(folder))} && python make_data.py && pytest")
