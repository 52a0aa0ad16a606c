"""`schemalora contract`: shows what a contract demands, and who enforces it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import ContractArgument, check_outputs
from schemalora.cli.printing import echo
from schemalora.compliance.tables import aligned_lines
from schemalora.contract import Contract, load_contract


def contract(
    contract: ContractArgument,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the completion schema only.")
    ] = False,
    response_format: Annotated[
        bool, typer.Option("--response-format", help="Print the response_format payload only.")
    ] = False,
    capabilities: Annotated[
        bool, typer.Option("--capabilities", help="Say what enforces each constraint.")
    ] = False,
    optional_keys: Annotated[
        bool, typer.Option("--optional-keys", help="Keys with a default may be left out.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the contract to this file.")
    ] = None,
) -> None:
    """Show a contract: its fingerprint, its instructions and its fields."""
    check_outputs((output,), inputs=(contract,))
    made = load_contract(contract, optional_keys=optional_keys)
    if output is not None:
        made.save(output)
    if json_schema:
        echo(json.dumps(made.json_schema, ensure_ascii=False, indent=2))
    elif response_format:
        echo(json.dumps(made.response_format(), ensure_ascii=False, indent=2))
    elif capabilities:
        _show_capabilities(made)
    else:
        _show(made)


def _show(made: Contract) -> None:
    echo(f"{made.name}  {made.fingerprint}\n\n{made.instructions}\n")
    rows = [
        (field.path, field.relation, field.comparison, "nullable" if field.nullable else "")
        for field in made.fields.values()
    ]
    _table(("field", "relation", "comparison", ""), rows)


def _show_capabilities(made: Contract) -> None:
    from schemalora.strategies import capabilities

    found = capabilities(made)
    rows = [(one.path, one.constraint, one.enforced_by) for one in found]
    _table(("path", "constraint", "enforced by"), rows)
    if any(one.decoder is None for one in found):
        echo("\nno constrained decoder is installed, or it cannot read this schema")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for line in aligned_lines([head, *rows]):
        echo(line)
