"""`schemalora predict`: examples to predictions."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import Progress

from schemalora.base_model import Quantization
from schemalora.cli.arguments import ContractOption, check_outputs
from schemalora.cli.printing import echo
from schemalora.contract import load_contract
from schemalora.errors import UsageError
from schemalora.formatting import PromptFormat, PromptStyle
from schemalora.records import read_examples


def predict(
    adapter_or_base_model: Annotated[
        str, typer.Argument(help="An adapter directory, or a base model: hub id, folder or .gguf.")
    ],
    examples: Annotated[Path, typer.Argument(help="Examples (JSONL).")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Predictions (JSONL); a rerun goes on where it ended."),
    ],
    contract: ContractOption = None,
    constrained: Annotated[
        bool, typer.Option("--constrained/--free", help="Enforce the contract while decoding.")
    ] = False,
    best_effort: Annotated[
        bool,
        typer.Option("--best-effort", help="Constrain as far as the contract can be enforced."),
    ] = False,
    prompt_style: Annotated[
        PromptStyle | None,
        typer.Option(help="What the system message tells; an adapter brings its own."),
    ] = None,
    confidence: Annotated[
        bool, typer.Option("--confidence", help="Keep the probability of every field's value.")
    ] = False,
    quantization: Annotated[
        Quantization | None,
        typer.Option(help="Precision of the base model's weights; an adapter brings its own."),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Base URL of an OpenAI-compatible server, such as http://localhost:8000/v1."
        ),
    ] = None,
    served_model: Annotated[
        str | None,
        typer.Option(help="The name it has on the server; ADAPTER_OR_BASE_MODEL where not given."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.01, help="Seconds that the server has for an answer (default: 120)."),
    ] = None,
    attempts: Annotated[
        int | None,
        typer.Option(min=1, help="How often the server is asked before a row fails (default: 6)."),
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest completion in tokens.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rows at once (default: 32); with --server, requests at once (default: 16)."
        ),
    ] = None,
) -> None:
    """Ask a model for the JSON value of every example."""
    from schemalora.inference import OpenAIServer, load
    from schemalora.inference import predict as run
    from schemalora.inference.options import DEFAULT_BATCH_SIZE, DEFAULT_MAX_NEW_TOKENS

    check_outputs((output,), inputs=(contract, examples))
    rows = list(read_examples(examples))
    engine = None
    if server is not None:
        model = served_model or adapter_or_base_model
        engine = OpenAIServer(url=server, model=model)
        engine = engine if batch_size is None else replace(engine, concurrency=batch_size)
        engine = engine if timeout is None else replace(engine, timeout=timeout)
        engine = engine if attempts is None else replace(engine, attempts=attempts)
        if quantization is not None:
            raise UsageError("--quantization is the server's choice with --server")
    elif (timeout, attempts, served_model) != (None, None, None):
        raise UsageError("--served-model, --timeout and --attempts want --server")
    with _Shown(len(rows)) as shown:
        with warnings.catch_warnings(record=True) as notices:
            predictions = run(
                adapter_or_base_model
                if quantization is None
                else load(adapter_or_base_model, quantization=quantization),
                rows,
                contract=None if contract is None else load_contract(contract),
                prompt_format=None if prompt_style is None else PromptFormat(style=prompt_style),
                constrained="best_effort" if best_effort else constrained,
                engine=engine or "transformers",
                confidence=confidence,
                max_new_tokens=max_new_tokens or DEFAULT_MAX_NEW_TOKENS,
                batch_size=batch_size or DEFAULT_BATCH_SIZE,
                output=output,
                progress=shown.show,
            )
        for notice in notices:
            # Those of other libraries are not about this run.
            if notice.category is UserWarning:
                echo(f"warning: {notice.message}", err=True)
        count = sum(1 for _ in predictions)
    echo(f"{output}: {count} predictions")


class _Shown:
    """Progress: a bar on a terminal, a line every tenth of the way in a log."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        self._terminal = console.is_terminal
        self._tenths = 0
        self._bar = Progress(console=console, disable=not self._terminal, transient=True)
        self._task = self._bar.add_task("predicting", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Called with rows done and rows in all."""
        self._bar.update(self._task, completed=done)
        tenths = 10 * done // max(total, 1)
        if not self._terminal and tenths > self._tenths:
            self._tenths = tenths
            echo(f"{done} of {total} rows", err=True)
