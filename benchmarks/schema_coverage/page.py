"""The table of schema coverage in docs/numbers.md, from its result file."""

from __future__ import annotations

from typing import Any

from schemalora.compliance.rate import percent
from schemalora.compliance.tables import markdown_table

_OUTCOMES = ("done", "exhausted", "few", "invalid", "refused", "timeout", "error")


def coverage(result: dict[str, Any]) -> str:
    """A line for every corpus and tool: how many subjects it did, and what became of all."""
    wanted = result["config"]["wanted"]
    rows = [
        (
            corpus,
            f"{found['with_an_instance']:,} of {found['subjects']:,}",
            tool,
            f"{one['good']:,}",
            percent(one["rate"]),
            *(f"{one['outcomes'].get(name, 0):,}" for name in _OUTCOMES),
        )
        for corpus, found in result["numbers"].items()
        for tool, one in found.items()
        if isinstance(one, dict)
    ]
    table = markdown_table(
        ("corpus", "with an instance", "tool", "good", "of those", *_OUTCOMES), rows
    )
    return (
        f"Subjects are the model classes of the packages, and for `keywords` the schemas of the "
        f"tests. A tool is good where it gives {wanted} distinct valid instances within the limit "
        "(`done`), or all there are (`exhausted`); else it gave `few`, an `invalid` one, `refused` "
        "the subject, ran out of time (`timeout`) or failed (`error`). The rate is over the "
        "subjects of which any tool gave a valid instance; the outcomes are over all, so a subject "
        "that nobody can fill counts against no one: schemalora refuses such.\n\n"
        f"{table}"
    )
