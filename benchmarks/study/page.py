"""The tables of the study's page, from its result file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.tables import RESULTS, not_measured, origin, read
from schemalora.compliance.tables import markdown_table

_Setting = Mapping[str, Any]

COLUMNS = {
    "schema_compliant": "schema-compliant",
    "$.intent": "`$.intent`",
    "$.priority": "`$.priority`",
    "$.needs_clarification": "`$.needs_clarification`",
    "exact_match": "exact match",
}


def _numbers() -> dict[str, Any] | None:
    result = read(RESULTS / "study.json")
    return None if result is None else result["numbers"]


def _spread(rate: Mapping[str, Any]) -> str:
    """The mean over the seeds and their span; the interval of a single run."""
    mean = f"{100 * rate['mean']:.1f}"
    if rate["ci95"] is not None:
        return f"{mean} [{100 * rate['ci95'][0]:.1f}, {100 * rate['ci95'][1]:.1f}]"
    return f"{mean} ({100 * rate['min']:.1f} to {100 * rate['max']:.1f})"


def _table(
    picture: str,
    label: str,
    name: Callable[[_Setting], str],
    wanted: Callable[[_Setting], bool],
) -> str:
    numbers = _numbers()
    if numbers is None:
        return not_measured("study")
    settings: Sequence[_Setting] = [one for one in numbers["settings"] if wanted(one)]
    if not settings:
        return "*Not measured yet: none of these runs is done.*"
    table = markdown_table(
        [label, "seeds", *COLUMNS.values()],
        [
            [
                name(one),
                str(len(one["seeds"])),
                *(_spread(one["rates"][column]) for column in COLUMNS),
            ]
            for one in settings
        ],
    )
    return f"![Rates over {label}](assets/{picture}.svg)\n\n{table}"


def study_rows() -> str:
    """Over training rows, at rank 16 with the short prompt."""
    return _table(
        "study-rows",
        "training rows",
        lambda one: f"{one['rows']}" + (f", {one['epochs']} times" if one["epochs"] > 1 else ""),
        lambda one: (one["rank"], one["prompt"]) == (16, "short"),
    )


def study_rank() -> str:
    """Over rank, where more than one rank was tried."""
    return _table(
        "study-rank",
        "rows, rank",
        lambda one: f"{one['rows']}, {one['rank']}",
        lambda one: one["rows"] <= 1000 and (one["prompt"], one["epochs"]) == ("short", 1),
    )


def study_prompt() -> str:
    """Over prompt styles."""
    return _table(
        "study-prompt",
        "rows, prompt",
        lambda one: f"{one['rows']}, `{one['prompt']}`",
        lambda one: one["rows"] <= 1000 and (one["rank"], one["epochs"]) == (16, 1),
    )


def study_contrasts() -> str:
    """Differences in exact match, seed by seed, and where all numbers come from."""
    result = read(RESULTS / "study.json")
    if result is None:
        return not_measured("study")
    numbers = result["numbers"]
    table = markdown_table(
        ["what changes", "points of exact match, mean", "seed by seed"],
        [
            [
                one["what"],
                f"{one['mean']:+.1f}",
                ", ".join(f"{value:+.1f}" for value in one["exact_match_points"]),
            ]
            for one in numbers["contrasts"]
        ],
    )
    cells = numbers["cells"]
    hours = sum(one["train_seconds"] for one in cells) / 3600
    return (
        f"{table}\n\n{len(cells)} runs of {cells[0]['n']} eval rows each, {hours:.1f} h of "
        f"training in all. Run at {origin(result, commits=result['config']['commits'])}."
    )


def study_learnt() -> str:
    """What the numbers say, in sentences."""
    numbers = _numbers()
    if numbers is None:
        return not_measured("study")
    plain = [
        one
        for one in numbers["settings"]
        if (one["rank"], one["prompt"], one["epochs"]) == (16, "short", 1)
    ]
    contrasts = {one["what"]: one for one in numbers["contrasts"]}
    first, last = plain[0], plain[-1]
    rows = [
        f"From {first['rows']} rows ({_seeds(first)}) to {last['rows']} ({_seeds(last)}), schema "
        f"compliance goes from {_mean(first, 'schema_compliant')} to "
        f"{_mean(last, 'schema_compliant')}, the intent from {_mean(first, '$.intent')} to "
        f"{_mean(last, '$.intent')}, and exact match from {_mean(first, 'exact_match')} to "
        f"{_mean(last, 'exact_match')}."
    ]
    for title, beginning in (
        ("rows", "Points of exact match for more rows"),
        ("times", "Rows or steps"),
        ("rank", "Rank"),
        ("schema", "Points of exact match for the schema in the prompt"),
    ):
        said = [_said(one) for what, one in contrasts.items() if _topic(what) == title]
        if said:
            rows.append(f"{beginning}: {'; '.join(said)}.")
    rows += _prompts(numbers["settings"])
    return "\n".join(f"- {row}" for row in rows)


def _topic(what: str) -> str:
    return next((word for word in ("times", "rank", "schema") if word in what), "rows")


def _mean(setting: _Setting, column: str) -> str:
    return f"{100 * setting['rates'][column]['mean']:.1f}%"


def _prompts(settings: Sequence[_Setting]) -> Iterator[str]:
    """What exact match does not show of the schema in the prompt."""
    by_prompt = {
        (one["rows"], one["prompt"]): one
        for one in settings
        if (one["rank"], one["epochs"]) == (16, 1)
    }
    for (rows, prompt), one in by_prompt.items():
        short = by_prompt.get((rows, "short"))
        if prompt == "schema" and short is not None:
            yield (
                f"With the schema in the prompt and {rows} rows, compliance is "
                f"{_mean(one, 'schema_compliant')} instead of {_mean(short, 'schema_compliant')}, "
                f"the intent {_mean(one, '$.intent')} instead of {_mean(short, '$.intent')} "
                f"({' and '.join(dict.fromkeys((_seeds(one), _seeds(short))))})."
            )


def _seeds(setting: _Setting) -> str:
    count = len(setting["seeds"])
    return "one seed" if count == 1 else f"mean of {count} seeds"


def _said(contrast: Mapping[str, Any]) -> str:
    points: Sequence[float] = contrast["exact_match_points"]
    if len(points) == 1:
        agreement = "one seed"
    elif min(points) > 0 or max(points) < 0:
        agreement = "seeds agree"
    else:
        agreement = "seeds disagree"
    return f"{contrast['what']}, {contrast['mean']:+.1f} ({agreement})"
