"""`schemalora contract`: shows what a contract demands."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from schemalora.contract import load_contract


def contract(
    source: Annotated[
        str, typer.Argument(help="package.module:Model, path/to/file.py:Model or schema.json")
    ],
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the completion schema.")
    ] = False,
    output: Annotated[str | None, typer.Option(help="Write the contract to this file.")] = None,
    optional_keys: Annotated[
        bool, typer.Option("--optional-keys", help="Keys with a default may be left out.")
    ] = False,
) -> None:
    """Show a contract: its instructions, its fields and its fingerprint."""
    made = load_contract(source, optional_keys=optional_keys)
    if output is not None:
        made.save(output)
    if json_schema:
        typer.echo(json.dumps(made.json_schema, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{made.name}  {made.fingerprint}")
    typer.echo(made.instructions)
    for field in made.fields.values():
        nullable = "nullable " if field.nullable else ""
        typer.echo(f"{field.path}  {nullable}{field.relation}, {field.comparison}")
