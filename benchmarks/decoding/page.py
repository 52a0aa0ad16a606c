"""The table of the random rows in docs/inference.md."""

from __future__ import annotations

from benchmarks.tables import RESULTS, origin, read
from schemalora.compliance.tables import markdown_table

_COLUMNS = {
    "rows": "rows",
    "stopped": "ended by themselves",
    "at_the_limit": "brought to an end near the token limit",
    "errors": "errors",
    "over_the_limit": "over the limit",
    "compliant": "compliant",
    "not_compliant": "not compliant",
    "not_compliant_and_not_cut": "of these not marked `length`",
}


def random_rows() -> str:
    """What became of the rows of random models."""
    result = read(RESULTS / "decoding_random_rows.json")
    if result is None:
        return "*Not measured yet: `benchmarks/results/decoding_random_rows.json` is not there.*"
    numbers, config = result["numbers"], result["config"]
    kinds = {"enforced": "enforced to the full", "best effort": "best effort"}
    rows = [(kinds[kind], *(str(numbers[kind][key]) for key in _COLUMNS)) for kind in kinds]
    return (
        f"{markdown_table(('contracts', *_COLUMNS.values()), rows)}\n\n"
        f"{numbers['contracts']} contracts, two models, seed {config['seed']}, at most "
        f"{config['max_new_tokens']} tokens. Measured at {origin(result)}."
    )
