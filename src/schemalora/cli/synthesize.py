"""`schemalora synthesize`: makes examples for a contract."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from schemalora.cli.arguments import ContractArgument, check_outputs
from schemalora.cli.printing import echo
from schemalora.contract import load_contract
from schemalora.contract.loading import load_object
from schemalora.perturbations import by_name
from schemalora.records import write_examples
from schemalora.synthesis import GeneratorContract, split
from schemalora.synthesis import synthesize as make_examples


def synthesize(
    contract: ContractArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Write the examples here (JSONL).")
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many targets to draw.")],
    render: Annotated[
        str | None,
        typer.Option(help="The renderer, as file.py:render; a plain one where none is given."),
    ] = None,
    draw: Annotated[
        str | None, typer.Option(help="Draws a target from a random.Random, as file.py:draw.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    perturb: Annotated[
        list[str] | None,
        typer.Option(help="A perturbation, such as typos, injection or all (repeatable)."),
    ] = None,
    perturbed: Annotated[
        float, typer.Option(min=0, max=1, help="The share of examples that are perturbed.")
    ] = 0.5,
    keep_parents: Annotated[
        bool, typer.Option("--keep-parents", help="Keep the clean parents of perturbed examples.")
    ] = False,
    eval_output: Annotated[
        Path | None, typer.Option(help="Split, and write the eval set here (JSONL).")
    ] = None,
    eval_fraction: Annotated[float, typer.Option(help="The share of the eval set.")] = 0.1,
) -> None:
    """Make examples: targets over the contract's cells, put into words, some made hard."""
    check_outputs((output, eval_output), inputs=(contract, render, draw))
    made = load_contract(contract)
    examples = make_examples(
        GeneratorContract(made, draw=load_object(draw) if draw else None),
        render=load_object(render) if render else None,
        count=count,
        seed=seed,
        perturbations=by_name(made, perturb or ()),
        perturbed=perturbed,
        keep_parents=keep_parents,
    )
    # The first example shows whether renderer and draw work at all, before a bar is drawn.
    first = next(examples)
    console = Console(stderr=True)
    rows = track(
        chain((first,), examples), total=count, console=console, disable=not console.is_terminal
    )
    if eval_output is None:
        written = write_examples(output, rows)
        echo(f"{written} examples: {output}")
        return
    train_rows, eval_rows = split(rows, eval_fraction=eval_fraction, seed=seed, contract=made)
    echo(f"{write_examples(output, train_rows)} training examples: {output}")
    echo(f"{write_examples(eval_output, eval_rows)} eval examples: {eval_output}")
