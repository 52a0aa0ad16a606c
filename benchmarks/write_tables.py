"""Writes the tables of README and docs from the committed result files.

    python benchmarks/write_tables.py           # `make numbers`
    python benchmarks/write_tables.py --check   # exit code 1 where a table is not its result file's

A table stands between `<!-- numbers: NAME -->` and `<!-- /numbers -->`; NAME is a function below.
A result file that is not there yet gives a line that says so.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs as a script

from benchmarks.decoding.page import decoding, decoding_costs, random_rows
from benchmarks.prompt_tokens.page import prompt_tokens
from benchmarks.schema_coverage.page import coverage
from benchmarks.study.page import (
    study_contrasts,
    study_learnt,
    study_prompt,
    study_rank,
    study_rows,
)
from benchmarks.tables import RESULTS, flat, origin, read, setting
from benchmarks.training_speed.page import training_speed
from schemalora import ComplianceReport, compare
from schemalora.compliance.markdown import interval_words
from schemalora.compliance.rate import points
from schemalora.compliance.tables import markdown_table

FLAGSHIP = ROOT / "examples" / "customer_support" / "results"
ARMS = {
    "base": "base",
    "base_constrained": "base + grammar",
    "lora": "LoRA",
    "lora_constrained": "LoRA + grammar",
}
METRICS = {
    "valid_json": "valid JSON",
    "schema_compliant": "schema-compliant",
    "exact_match": "exact match",
}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"<!-- numbers: (\S+) -->\n.*?<!-- /numbers -->", re.DOTALL)


def flagship(preset: str) -> str:
    """The table of one preset of the flagship, as the run printed it."""
    folder = FLAGSHIP / preset
    run = read(folder / "run.json")
    if run is None:
        return f"*Not measured yet: `examples/customer_support/results/{preset}` holds no run.*"
    data, seconds = run["data"], run["seconds"]
    stages = ", ".join(f"{stage} {value:.0f} s" for stage, value in seconds.items())
    total = sum(seconds.values()) / 60
    peaks = [one["peak_memory_gib"] for one in run.get("stages", {}).values()]
    peak = max((one for one in peaks if one is not None), default=run.get("peak_memory_gib"))
    memory = f" The process held {peak} GiB at most." if peak else ""
    return (
        f"{(folder / 'report.md').read_text(encoding='utf-8').strip()}\n\n"
        f"Preset `{preset}`: base model `{run['base_model']}`, {data['train_rows']} training rows, "
        f"{data['eval_rows']} eval rows, seed {data['seed']}. {stages}: {total:.0f} min in all."
        f"{memory}\n\n"
        f"Measured at {origin(run)}.{computed_at(run)}"
    )


def computed_at(run: dict[str, Any]) -> str:
    """Which code computed what, where a run was gone on with by later code than began it."""
    stages = run.get("stages", {})
    if {made for one in stages.values() for made in one["commits"]} <= {run["commit"]}:
        return ""
    parts = ", ".join(f"{name} `{one['commits'][0]}`" for name, one in stages.items())
    apart = len({one["commits"][0] for name, one in stages.items() if name in ARMS}) > 1
    note = " The arms were not decoded at the same commit." if apart else ""
    return f" The run was resumed; what is scored there was computed at: {parts}.{note}"


def demo() -> str:
    return flagship("cpu")


def cpu_full() -> str:
    return flagship("cpu-full")


def cpu_full_short() -> str:
    """The four arms in a few columns: rates only."""
    folder = FLAGSHIP / "cpu-full"
    run = read(folder / "run.json")
    if run is None:
        return "*Not measured yet: `examples/customer_support/results/cpu-full` holds no run.*"
    reports = [ComplianceReport.load(folder / "reports" / f"{arm}.json") for arm in ARMS]
    names = METRICS | {path: f"`{path}`" for path in reports[0].fields}
    table = markdown_table(
        ("", *ARMS.values()),
        [(what, *(str(one.rate(name)) for one in reports)) for name, what in names.items()],
    )
    cut = ", ".join(
        f"{title} {one.generation.cut_off}"
        for title, one in zip(ARMS.values(), reports, strict=True)
        if one.generation.cut_off
    )
    bought = compare(reports[0], reports[2]).metrics["exact_match"]
    return (
        f"{table}\n\nRates over all {reports[0].n} rows {interval_words(reports)}; exact match "
        "leaves free text aside. LoRA is "
        f"{points(bought.difference)} [{points(bought.ci95.low)}, {points(bought.ci95.high)}] "
        "points of exact match above the base. All paired differences and their tests stand on "
        "[the flagship's page](docs/customer-support.md). Answers that met the limit of tokens, "
        f"and were cut off or brought to an end there: {cut or 'none'}. One run, one seed; "
        f"{sum(run['seconds'].values()) / 60:.0f} min in all, of which training took "
        f"{run['seconds']['train'] / 60:.0f}.\n\n"
        f"Measured at {origin(run)}.{computed_at(run)}"
    )


def cpu_full_errors() -> str:
    """Where the adapter's wrong intents and products of `cpu-full` lie."""
    report = read(FLAGSHIP / "cpu-full" / "reports" / "lora.json")
    if report is None:
        return "*Not measured yet.*"
    failures = report["failures"]["rows"]
    readable = [row for row in failures if not row["violations"]]
    wrong: dict[str, list[dict[str, Any]]] = {
        path: [row for row in readable if path in row["wrong"]]
        for path in ("$.intent", "$.entities.product")
    }
    templates = Counter(
        group for row in wrong["$.intent"] for group in row["slices"]["group"][0].split("+")
    )
    worst = [group for group, _ in templates.most_common(3)]
    hit = sum(
        bool(set(worst) & set(row["slices"]["group"][0].split("+"))) for row in wrong["$.intent"]
    )
    products = [
        (row["target"]["entities"]["product"], json.loads(row["completion"])["entities"]["product"])
        for row in wrong["$.entities.product"]
    ]
    missed = sum(answer is None for _, answer in products)
    shown = [pair for pair, _ in Counter(one for one in products if one[1]).most_common(2)]
    examples = ", ".join(f"`{target}` became `{answer}`" for target, answer in shown)
    return (
        f"Of {len(wrong['$.intent'])} wrong intents, {hit} are messages of three of the eval "
        f"templates ({', '.join(f'`{one}`' for one in worst)}), whose wording training never saw. "
        f"Of {len(products)} wrong products, {len(products) - missed} are names copied amiss "
        f"({examples}), and {missed} were not taken for a name. Not compliant, and not counted "
        f"here: {len(failures) - len(readable)}."
    )


def measured() -> str:
    """What the benchmarks of the pipeline gave, each with its own commit."""
    rows: list[tuple[str, str, str, str]] = []
    fresh, light = read(RESULTS / "fresh_clone.json"), read(RESULTS / "import_time.json")
    if fresh is not None:
        numbers, commits = fresh["numbers"], fresh["config"].get("commits", {})
        for target in ("demo", "test"):
            if f"make_{target}_s" in numbers:
                what = f"`make {target}` in a fresh clone, installation included"
                made = commits.get(target, fresh["commit"])
                rows.append((what, f"{numbers[f'make_{target}_s'] / 60:.1f} min", "n=1", made))
    if light is not None:
        for name, what in (
            ("import", "`import schemalora`, warm"),
            ("everything", "… and every public name of the light layers"),
        ):
            one = light["numbers"][name]
            span = f"{one['min_s']:.3f} to {one['max_s']:.3f} s, n={light['config']['runs']}"
            rows.append((what, f"{one['median_s']:.3f} s", span, light["commit"]))
    if not rows:
        return "*Not measured yet.*"
    lines = ["| what | median | range | commit |", "| --- | ---: | --- | --- |"]
    lines += [f"| {what} | {value} | {span} | `{made}` |" for what, value, span, made in rows]
    source = fresh or light
    assert source is not None
    return "\n".join(lines) + f"\n\n{setting(source)}."


def every_result() -> str:
    """All result files, number by number; what stands in lists becomes tables of its own."""
    parts: list[str] = []
    for path in sorted(RESULTS.glob("*.json")):
        result = read(path)
        assert result is not None
        numbers: dict[str, Any] = result["numbers"]
        page = PAGE_OF.get(path.stem)
        lists = {} if page else dict(tables_in(numbers))
        plain = () if page else flat(numbers)
        rows = [f"| `{key}` | {value} |" for key, value in plain if key not in lists]
        listed = [f"`{key}`:\n\n{table_of(value)}" for key, value in lists.items()]
        config = ", ".join(f"{key} = {value}" for key, value in flat(result["config"]))
        parts += [
            f"## {path.stem}",
            *([page(result)] if page else []),
            *(["\n".join(["| number | value |", "| --- | ---: |", *rows])] if rows else []),
            *listed,
            f"Config: {config or 'none'}. Written on {result['date']} at {origin(result)}.",
        ]
    return "\n\n".join(parts) or "*No result file yet.*"


def tables_in(numbers: dict[str, Any], *path: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Lists of rows at any depth, by their dotted path."""
    for key, value in numbers.items():
        if is_table(value):
            yield ".".join((*path, key)), value
        elif isinstance(value, dict):
            yield from tables_in(value, *path, key)


def is_table(value: Any) -> bool:
    """Whether a number is a list of rows."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """Rows with their keys as columns; too many of either are only counted."""
    flattened = [dict(flat(row)) for row in rows]
    columns = list(dict.fromkeys(key for row in flattened for key in row))
    if len(columns) > 20 or len(rows) > 50:
        return f"{len(rows)} rows of {len(columns)} numbers each; they stand in the result file."
    return markdown_table(columns, [[row.get(key, "") for key in columns] for row in flattened])


PAGE_OF: dict[str, Callable[[dict[str, Any]], str]] = {"schema_coverage": coverage}
"""Results whose numbers say more in a table of their own."""

TABLES: dict[str, Callable[[], str]] = {
    "demo": demo,
    "cpu-full": cpu_full,
    "cpu-full-errors": cpu_full_errors,
    "cpu-full-short": cpu_full_short,
    "measured": measured,
    "training-speed": training_speed,
    "random-rows": random_rows,
    "decoding": decoding,
    "decoding-costs": decoding_costs,
    "prompt-tokens": prompt_tokens,
    "study-rows": study_rows,
    "study-rank": study_rank,
    "study-prompt": study_prompt,
    "study-contrasts": study_contrasts,
    "study-learnt": study_learnt,
    "every-result": every_result,
}


def written(page: Path) -> str:
    def table(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- numbers: {name} -->\n{TABLES[name]()}\n<!-- /numbers -->"

    return BLOCK.sub(table, page.read_text(encoding="utf-8"))


def main() -> None:
    stale = [page for page in PAGES if written(page) != page.read_text(encoding="utf-8")]
    if "--check" in sys.argv[1:]:
        for page in stale:
            print(f"{page.relative_to(ROOT)}: a table is not its result file's; run `make numbers`")
        sys.exit(1 if stale else 0)
    for page in stale:
        page.write_text(written(page), encoding="utf-8")
        print(f"{page.relative_to(ROOT)}: written")
    picture = FLAGSHIP / "cpu" / "report.png"
    if picture.is_file():
        (ROOT / "docs" / "assets").mkdir(exist_ok=True)
        shutil.copy(picture, ROOT / "docs" / "assets" / "demo.png")


if __name__ == "__main__":
    main()
