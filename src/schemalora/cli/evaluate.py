"""`schemalora evaluate`: scores predictions, and judges them by a gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import ContractArgument, ExamplesArgument, HtmlOption
from schemalora.compliance import Requirement, evaluate_files, judge
from schemalora.contract import load_contract


def evaluate(
    contract: ContractArgument,
    examples: ExamplesArgument,
    predictions: Annotated[Path, typer.Argument(help="Predictions (JSONL).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write report.json here.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the Markdown report here.")] = None,
    html: HtmlOption = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="A gate: 'schema_compliant>=0.99' judges the rate, 'lower($.intent)>=97%' the "
            "lower bound of its 95% interval (repeatable). Below it the exit code is 1."
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Examples without a prediction are wrong.")
    ] = False,
) -> None:
    """Score predictions strictly, over all examples."""
    # Requirements are read first: a mistyped one should not cost a scoring run.
    requirements = [Requirement.parse(text) for text in require or ()]
    report = evaluate_files(
        load_contract(contract), examples, predictions, allow_missing=allow_missing
    )
    if output is not None:
        report.save(output)
    if markdown is not None:
        report.save_markdown(markdown)
    if html is not None:
        from schemalora.reporting import write_html

        write_html({predictions.stem: report}, html)
    typer.echo(report.to_markdown())
    verdicts = judge(report, requirements)
    for verdict in verdicts:
        typer.echo(str(verdict))
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)
