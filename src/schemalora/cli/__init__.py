"""The command line: one module and one subcommand a stage, no logic inside."""

from schemalora.cli.app import main

__all__ = ["main"]
