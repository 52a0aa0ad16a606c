"""What the tables of README and docs are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def read(path: Path) -> dict[str, Any] | None:
    """A result file; None where it is not there yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def not_measured(folder: str, command: str = "run") -> str:
    """What stands in place of a table without a result file."""
    return f"*Not measured yet: `python -m benchmarks.{folder}.{command}` writes the numbers.*"


def origin(result: dict[str, Any], *, commits: Sequence[str] = ()) -> str:
    """Where a number comes from, in one line.

    Args:
        result: a result file, read.
        commits: the code that computed the numbers, where it is not the file's own commit.
    """
    made = list(dict.fromkeys(commits)) or [result["commit"]]
    named = ", ".join(f"`{one}`" for one in made)
    return f"commit{'s' * (len(made) > 1)} {named}; {setting(result)}"


def setting(result: dict[str, Any]) -> str:
    """The machine and the versions of a result file."""
    versions, box = result["versions"], result["machine"]
    shown = ("torch", "transformers", "trl", "peft", "llguidance", "xgrammar", "outlines")
    packages = ", ".join(f"{name} {versions[name]}" for name in shown if name in versions)
    return (
        f"{box['cores']} cores ({box['processor']}), {box['memory_gib']} GiB; "
        f"Python {versions['python']}, {packages}"
    )


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and readable values of nested numbers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, float):
        yield prefix, f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    elif isinstance(value, int) and not isinstance(value, bool):
        yield prefix, f"{value:,}"
    else:
        yield prefix, str(value)
