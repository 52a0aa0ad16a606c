"""`schemalora compare`: two reports on the same rows, pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.cli.arguments import HtmlOption, check_outputs
from schemalora.cli.printing import echo
from schemalora.compliance import ComplianceReport
from schemalora.compliance import compare as compare_reports
from schemalora.errors import UsageError
from schemalora.jsonl import write_json


def compare(
    a: Annotated[Path, typer.Argument(help="The first arm's report.json.")],
    b: Annotated[Path, typer.Argument(help="The second arm's report.json.")],
    names: Annotated[
        tuple[str, str], typer.Option(help="What to call the two, such as --names base lora.")
    ] = ("a", "b"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the comparison, all flips included (JSON)."),
    ] = None,
    html: HtmlOption = None,
    not_worse: Annotated[
        list[str] | None,
        typer.Option(
            help="A gate: exit with 1 where the second arm is significantly worse in this metric "
            "or field (repeatable)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Compare two reports on the same rows, pair by pair."""
    if names[0] == names[1]:
        raise UsageError(f"--names: both are called {names[0]!r}; give two names")
    check_outputs((output, html), inputs=(a, b))
    reports = (ComplianceReport.load(a), ComplianceReport.load(b))
    # A mistyped name should not cost the comparison.
    for name in not_worse or ():
        reports[0].rate(name)
    comparison = compare_reports(*reports, names=names, seed=seed)
    if output is not None:
        write_json(output, comparison.to_dict())
    if html is not None:
        from schemalora.reporting import write_html

        write_html(dict(zip(names, reports, strict=True)), html)
    echo(comparison.to_markdown())
    worse = [one for one in map(comparison.difference, not_worse or ()) if one.significantly_worse]
    for one in worse:
        echo(f"failed: {names[1]} is significantly worse than {names[0]} in {one.name}")
    if worse:
        raise typer.Exit(1)
