"""`schemalora format`: examples to training records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import ContractArgument, ExamplesArgument, check_outputs
from schemalora.cli.printing import echo
from schemalora.contract import load_contract
from schemalora.formatting import PromptFormat, PromptStyle, format_examples
from schemalora.records import read_examples, write_records


def format(
    contract: ContractArgument,
    examples: ExamplesArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Training records (JSONL).")],
    prompt_style: Annotated[
        PromptStyle, typer.Option(help="What the system message tells.")
    ] = "short",
) -> None:
    """Write training records in TRL's conversational form."""
    check_outputs((output,), inputs=(contract, examples))
    count = write_records(
        output,
        format_examples(
            load_contract(contract),
            read_examples(examples),
            prompt_format=PromptFormat(style=prompt_style),
        ),
    )
    echo(f"{output}: {count} training records")
