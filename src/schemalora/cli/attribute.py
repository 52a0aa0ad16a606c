"""`schemalora attribute`: who earned what, the grammar or the adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemalora.attribution import ARM_TITLES, ARMS
from schemalora.attribution import attribute as attribute_arms
from schemalora.cli.arguments import HtmlOption, check_outputs
from schemalora.cli.printing import echo
from schemalora.compliance import ComplianceReport
from schemalora.jsonl import write_json


def attribute(
    base_free: Annotated[Path, typer.Argument(help="report.json of the base model, free.")],
    base_constrained: Annotated[Path, typer.Argument(help="... of the base model, constrained.")],
    lora_free: Annotated[Path, typer.Argument(help="... of the adapter, free.")],
    lora_constrained: Annotated[Path, typer.Argument(help="... of the adapter, constrained.")],
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="Differences smaller than this do not matter.")
    ] = 0.02,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the attribution (JSON).")
    ] = None,
    html: HtmlOption = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Divide the gain between grammar and adapter, and say what was needed."""
    check_outputs((output, html), inputs=(base_free, base_constrained, lora_free, lora_constrained))
    reports = {
        "base_free": ComplianceReport.load(base_free),
        "base_constrained": ComplianceReport.load(base_constrained),
        "lora_free": ComplianceReport.load(lora_free),
        "lora_constrained": ComplianceReport.load(lora_constrained),
    }
    attribution = attribute_arms(reports, margin=margin, seed=seed)
    if output is not None:
        write_json(output, attribution.to_dict())
    if html is not None:
        from schemalora.reporting import write_html

        titled = {ARM_TITLES[arm]: reports[arm] for arm in ARMS}
        write_html(titled, html, attribution=attribution)
    echo(attribution.to_markdown())
