"""The Typer application, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from schemalora import __version__
from schemalora.cli.printing import echo
from schemalora.errors import SchemaloraError, UsageError
from schemalora.quiet import quiet_libraries

# In the order in which data flows; each module of that name holds one function of that name.
STAGES = (
    "init",
    "contract",
    "sample",
    "synthesize",
    "audit",
    "format",
    "train",
    "predict",
    "evaluate",
    "compare",
    "attribute",
)

app = typer.Typer(
    name="schemalora",
    help="From a Pydantic model to a small language model that answers in exactly its shape.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"schemalora {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]  (Typer calls it)
    debug: Annotated[bool, typer.Option(help="Show the whole trace of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for _stage in STAGES:
    app.command(name=_stage)(getattr(import_module(f"schemalora.cli.{_stage}"), _stage))


def main() -> None:
    """The `schemalora` command: 0 done, 1 a finding or a failed gate, 2 wrong use."""
    quiet_libraries()
    # A contract argument may name a module in the current folder, as with `python -m`.
    sys.path.insert(0, "")
    arguments = sys.argv[1:] or ["--help"]
    try:
        code = app(args=arguments, standalone_mode=False)
    except (SchemaloraError, typer.TyperException) as error:
        if "--debug" in sys.argv[1:]:
            raise
        _fail(error)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except SystemExit as left:
        # Typer makes 1 of a pipe whose reader went away. Stages print through `echo`, which goes on
        # without the reader, so it is Typer's own help that was cut off, or a library's output and
        # the work with it.
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        if "--help" in arguments:
            sys.exit(0)
        _fail(UsageError("the reader of the output went away before the work was done"))
    except Exception as error:
        # Exit code 1 is a finding, so nothing unforeseen may end with it, as a traceback does.
        if "--debug" in sys.argv[1:]:
            raise
        _fail(UsageError(_worded(error)))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: Exception) -> NoReturn:
    # Typer's own errors (a missing argument, an unknown option) know how to word themselves.
    worded = getattr(error, "format_message", error.__str__)
    echo("error: " + " ".join(worded().split()), err=True)
    sys.exit(2)


def _worded(error: Exception) -> str:
    """An error that no stage foresaw; most often a place that cannot be written, or a full disk."""
    if isinstance(error, OSError) and error.strerror:
        place = error.filename2 or error.filename
        return f"{place}: {error.strerror}" if place else error.strerror
    return f"unexpected {type(error).__name__}: {error}; `schemalora --debug ...` shows the trace"
