"""The table of prompt tokens, from its result file."""

from __future__ import annotations

from benchmarks.tables import RESULTS, not_measured, origin, read
from schemalora.compliance.tables import markdown_table


def prompt_tokens() -> str:
    """Tokens that each prompt style sends beside the text."""
    result = read(RESULTS / "prompt_tokens.json")
    if result is None:
        return not_measured("prompt_tokens")
    numbers = result["numbers"]
    table = markdown_table(
        ["contract", "instruction", "`short`", "`instructions`", "`schema`", "saved", "share"],
        [
            [
                f"`{row['model']}`",
                str(row["short_instruction"]),
                str(row["short_fixed"]),
                str(row["instructions_fixed"]),
                str(row["schema_fixed"]),
                str(row["saved_against_schema"]),
                f"{row['saved_against_schema'] / row['schema_fixed']:.0%}",
            ]
            for row in numbers["contracts"]
        ],
    )
    fewer = numbers["flagship_request"]["share_saved_against_schema"]
    request, seconds = numbers["flagship_request"], numbers["flagship_prompt_seconds"]
    short, schema = seconds["short"]["median_s"], seconds["schema"]["median_s"]
    return (
        f"{table}\n\n"
        "Tokens of the base model's tokenizer and template: `instruction` is the short system "
        "message alone, the styles are all that is sent beside the text, and `saved` is `schema` "
        f"less `short`.\n\nA request of the flagship, text and answer of {request['answer']:.0f} "
        f"tokens included (mean of n={request['n']}): {request['short_prompt']:.0f} prompt tokens "
        f"instead of {request['schema_prompt']:.0f}, so {fewer:.0%} fewer in all. "
        f"Reading the prompt took {short:.2f} s instead of {schema:.2f} s (medians "
        f"of n={seconds['n']}, one request at a time, no cache of the shared prefix, "
        f"{numbers['threads']} threads).\n\nMeasured at {origin(result)}."
    )
