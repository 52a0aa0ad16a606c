"""`schemalora sample`: draws valid targets of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import ContractArgument, check_outputs
from schemalora.cli.printing import echo
from schemalora.contract import load_contract
from schemalora.jsonl import write_jsonl
from schemalora.jsonvalue import canonical_json
from schemalora.sampling import sample as draw_targets


def sample(
    contract: ContractArgument,
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="How many targets.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same targets.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A JSONL file instead of the screen.")
    ] = None,
) -> None:
    """Draw valid targets, one JSON value a line, balanced over the values of every field."""
    check_outputs((output,), inputs=(contract,))
    targets = draw_targets(load_contract(contract), count, seed)
    if output is not None:
        written = write_jsonl(output, targets)
        echo(f"{written} targets written to {output}")
        return
    for target in targets:
        if not echo(canonical_json(target)):
            return
