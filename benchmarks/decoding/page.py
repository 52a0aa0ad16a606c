"""The tables of decoding in docs/inference.md, from its result files."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import RESULTS, not_measured, origin, read
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


def decoding() -> str:
    """Every arm on the flagship's contract and on the larger one, with their ratios."""
    result = read(RESULTS / "decoding.json")
    if result is None:
        return not_measured("decoding")
    numbers, config = result["numbers"], result["config"]
    theirs = config["generate"]
    return "\n\n".join(
        (
            f"The flagship's contract and adapter, {_rows(numbers['flagship'])} eval rows in "
            f"{config['blocks']} blocks, {config['threads']} threads, {config['dtype']}. Each side "
            "has the batch size it is fastest with of those tried: `generate` "
            f"{theirs['batch_size']} (with {theirs['attention']} attention), this decoder "
            f"{config['batch_size']}.",
            _arms(numbers["flagship"]),
            _ratios(numbers["flagship"]),
            f"A claim of {numbers['nested']['fields']} fields, for which the adapter was not "
            f"trained, {_rows(numbers['nested'])} rows in a block, to {config['nested_tokens']} "
            "tokens. The last columns tell how many answers were cut at the limit and how many "
            "were compliant: where few were, this compares the pace of tokens, not answers:",
            _arms(numbers["nested"]),
            _ratios(numbers["nested"]),
            "Memory is the most that the process held while an arm ran, with what arms before it "
            "left there.",
            f"Measured at {origin(result)}.",
        )
    )


def _rows(part: dict[str, Any]) -> int:
    return part["arms"][0]["n"]


def _arms(part: dict[str, Any]) -> str:
    columns = (
        "arm", "rows/s", "first row, s", "passes per token", "forced", "memory, GiB", "cut",
        "compliant",
    )  # fmt: skip
    rows = [
        (
            one["arm"],
            f"{one['rows_per_second']:.2f}",
            f"{one['seconds_to_first_row']:.1f}",
            f"{100 * one['passes_per_token']:.0f}%",
            f"{100 * one['forced_tokens']:.0f}%",
            f"{one['peak_memory_gib']:.1f}",
            str(one["cut_off"]),
            f"{one['compliant']} of {one['n']}",
        )
        for one in part["arms"]
    ]
    return markdown_table(columns, rows)


def _ratios(part: dict[str, Any]) -> str:
    """Ratios of rows a second, with 95% intervals over the blocks, and how rows differ."""
    said = [
        f"{one['ratio']}: {one['times']:.2f}"
        + (f" [{one['ci95'][0]:.2f}, {one['ci95'][1]:.2f}]" if "ci95" in one else " (one block)")
        for one in part["ratios"]
        if one["clock"] == "seconds"
    ]
    same = [
        f"{one['arms']} in {one['same_rows']} of {one['n']} rows"
        + (
            f" (where not, the two tokens' logits were at most {max(one['logit_gaps_where_not'])} "
            "apart)"
            if one["logit_gaps_where_not"]
            else ""
        )
        for one in part["same"]
    ]
    return f"Times as many rows a second: {'; '.join(said)}.\n\nThe same tokens: {'; '.join(same)}."


def decoding_costs() -> str:
    """What masks, `Extractor` and the shared prefix cost."""
    result = read(RESULTS / "decoding_costs.json")
    if result is None:
        return not_measured("decoding", "costs")
    numbers = result["numbers"]
    masks, own, shared = numbers["masks"], numbers["extractor"], numbers["shared_prefix"]
    return (
        f"Masks take {100 * masks['share_p99']:.1f}% of the pass they are computed beside (99th "
        f"percentile of {masks['n_passes']} passes). "
        f"A warm call of `Extractor` takes {own['own_ms_p50']:.1f} ms of its own (median of "
        f"{own['n']}, 90th percentile {own['own_ms_p90']:.1f}) beside {own['model_ms_p50']:.0f} ms "
        "of forward passes, both in processor time of the thread that decodes. With the schema in "
        f"the prompt ({shared['prompt_tokens']:.0f} tokens), sharing its prefix makes "
        f"the prompt {shared['prompt_ratio']:.1f} times as cheap, and the whole answer "
        f"{shared['whole_ratio']:.2f} times, in processor time (n={shared['n']}, run once).\n\n"
        f"Measured at {origin(result)}."
    )
