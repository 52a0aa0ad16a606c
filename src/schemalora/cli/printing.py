"""What stages print: for whoever reads it, and nothing depends on whether somebody does."""

from __future__ import annotations

import os
import sys

import typer


def echo(text: str, *, err: bool = False) -> bool:
    """Prints a line, and says whether it arrived.

    The reader of a pipe may go away, as `head` does. The work goes on without it, so that the exit
    code tells of the work; only a stage that does nothing but print should end then.
    """
    try:
        typer.echo(text, err=err)
    except BrokenPipeError:
        # What lies in the buffer is written again on leaving, which must not fail then.
        stream = sys.stderr if err else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
