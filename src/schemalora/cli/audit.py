"""`schemalora audit`: what would teach the wrong thing, or test nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from schemalora.audit import FindingKind
from schemalora.audit import audit as audit_examples
from schemalora.cli.arguments import ContractArgument, ExamplesArgument, check_outputs
from schemalora.cli.printing import echo
from schemalora.contract import load_contract
from schemalora.errors import UsageError
from schemalora.records import read_examples


def audit(
    contract: ContractArgument,
    examples: ExamplesArgument,
    against: Annotated[
        Path | None, typer.Option(help="The other side of a split, such as the training set.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="The most tokens that text and target may have.")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="The base model whose tokenizer counts.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A kind of finding to leave out (repeatable).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report here (JSON).")
    ] = None,
) -> None:
    """Audit a data set; exit with 1 where there are errors."""
    if (max_tokens is None) != (tokenizer is None):
        raise UsageError("--max-tokens needs --tokenizer, and the other way round")
    check_outputs((output,), inputs=(contract, examples, against))
    report = audit_examples(
        read_examples(examples),
        load_contract(contract),
        read_examples(against) if against else None,
        count_tokens=_token_counter(tokenizer) if tokenizer else None,
        max_tokens=max_tokens,
        ignore=cast("list[FindingKind]", ignore or []),
    )
    if output is not None:
        report.save(output)
    if as_json:
        echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        echo(report.to_text())
    if not report.ok:
        raise typer.Exit(1)


def _token_counter(name: str) -> Callable[[str], int]:
    from schemalora.base_model import find_base_model, load_tokenizer

    tokenizer = load_tokenizer(find_base_model(name))
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])
