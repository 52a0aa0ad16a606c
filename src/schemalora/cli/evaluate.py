"""`schemalora evaluate`: scores predictions, judges them by a gate, and routes what is unsure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import (
    ContractArgument,
    ExamplesArgument,
    HtmlOption,
    check_outputs,
)
from schemalora.cli.printing import echo
from schemalora.compliance import Requirement, check_wishes, evaluate_files, judge
from schemalora.compliance import route as route_rows
from schemalora.compliance.evaluation import MOST_ROWS_KEPT
from schemalora.contract import load_contract
from schemalora.errors import UsageError


def evaluate(
    contract: ContractArgument,
    examples: ExamplesArgument,
    predictions: Annotated[Path, typer.Argument(help="Predictions (JSONL).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write report.json here.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the Markdown report here.")] = None,
    html: HtmlOption = None,
    learning_curve: Annotated[
        Path | None,
        typer.Option(help="An adapter directory, whose learning curve the HTML page draws."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="A gate: 'schema_compliant>=0.99' judges the rate, 'lower($.intent)>=97%' the "
            "lower bound of its 95% interval (repeatable). Below it the exit code is 1."
        ),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            help="Say how many rows a person would have to check so that the others are right as "
            "often as '$.intent>=0.99' wishes; 'exact_match>=0.99' is about whole rows "
            "(repeatable). Needs predictions with confidences."
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Examples without a prediction are wrong.")
    ] = False,
    keep_rows: Annotated[
        bool,
        typer.Option(
            "--keep-rows",
            help="Keep every row's outcome in the report, also of more than 100,000 rows, so that "
            "it can be compared with another. --route does so too.",
        ),
    ] = False,
) -> None:
    """Score predictions strictly, over all examples."""
    if learning_curve is not None and html is None:
        raise UsageError("--learning-curve is drawn in the page: it needs --html")
    check_outputs((output, markdown, html), inputs=(contract, examples, predictions))
    made = load_contract(contract)
    # All that can be refused is refused first: a mistyped name should not cost a scoring run.
    requirements = [Requirement.parse(text) for text in require or ()]
    for requirement in requirements:
        requirement.check_name(made.fields)
    wishes = [Requirement.parse(text) for text in route or ()]
    check_wishes(wishes, {path: one.comparison for path, one in made.fields.items()})
    curve = None
    if learning_curve is not None:
        from schemalora.reporting import LearningCurve

        curve = LearningCurve.from_training(learning_curve)
    report = evaluate_files(
        made,
        examples,
        predictions,
        allow_missing=allow_missing,
        keep_rows=None if keep_rows or wishes else MOST_ROWS_KEPT,
    )
    if output is not None:
        report.save(output)
    if markdown is not None:
        report.save_markdown(markdown)
    if html is not None:
        from schemalora.reporting import write_html

        write_html({predictions.stem: report}, html, learning_curve=curve)
    echo(report.to_markdown())
    judgements = judge(report, requirements)
    for judgement in judgements:
        echo(str(judgement))
    if wishes:
        echo(str(route_rows(report, wishes)))
    if not all(judgement.passed for judgement in judgements):
        raise typer.Exit(1)
