"""Writes the tables of README and docs from the committed result files.

    python benchmarks/write_tables.py           # `make numbers`
    python benchmarks/write_tables.py --check   # exit code 1 where a table is not its result file's

A table stands between `<!-- numbers: NAME -->` and `<!-- /numbers -->`; NAME is a function below.
A result file that is not there yet gives a line that says so.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs as a script

from benchmarks.decoding.page import decoding, decoding_costs, random_rows
from benchmarks.flagship import (
    FLAGSHIP,
    cpu_full,
    cpu_full_errors,
    cpu_full_routes,
    cpu_full_short,
    cpu_full_slices,
    demo,
)
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
from schemalora.compliance.tables import markdown_table

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"<!-- numbers: (\S+) -->\n.*?<!-- /numbers -->", re.DOTALL)


def measured() -> str:
    """What the benchmarks of the pipeline gave, each with its own commit."""
    rows: list[tuple[str, str, str, str]] = []
    fresh, light = read(RESULTS / "fresh_clone.json"), read(RESULTS / "import_time.json")
    if fresh is not None:
        numbers, commits = fresh["numbers"], fresh["config"].get("commits", {})
        for target in ("demo", "test"):
            if f"make_{target}_s" in numbers:
                what = f"`make {target}` in a fresh clone, with installation (from pip's cache)"
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
    "cpu-full-routes": cpu_full_routes,
    "cpu-full-short": cpu_full_short,
    "cpu-full-slices": cpu_full_slices,
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
