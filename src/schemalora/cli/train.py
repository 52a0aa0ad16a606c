"""`schemalora train`: training records to an adapter directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import ContractArgument
from schemalora.cli.printing import echo
from schemalora.contract import load_contract
from schemalora.records import read_records
from schemalora.training import TrainingConfig


def train(
    contract: ContractArgument,
    records: Annotated[Path, typer.Argument(help="Training records (JSONL).")],
    config: Annotated[
        Path, typer.Option("--config", "-c", help="TOML file with the table `training`.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The adapter directory; a new folder.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a setting: --set rank=8 (repeatable)."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in OUTPUT.")
    ] = False,
) -> None:
    """Train a LoRA adapter."""
    settings = TrainingConfig.from_toml(config, overrides=overrides or ())
    wanted = load_contract(contract)
    rows = list(read_records(records))

    from schemalora.training import train as run
    from schemalora.training.ranks import is_main_process

    adapter = run(wanted, rows, settings, output_dir=output, resume=resume)
    if is_main_process():
        echo(
            f"{adapter.path}: adapter for {wanted.name}, from {len(rows)} records, "
            f"weights of step {adapter.manifest.step}"
        )
