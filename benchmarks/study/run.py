"""How the flagship's numbers grow with training rows, with rank, and with the schema in the prompt.

    python -m benchmarks.study.run --plan              # every run, its cost, and what is done
    python -m benchmarks.study.run --budget 7200       # go on for at most two hours
    python -m benchmarks.study.run --jobs 2            # two runs side by side
    python -m benchmarks.study.run --budget 0          # only write results and plots anew

A run ("cell") trains one adapter on some of the flagship's 6000 training rows and answers the same
200 of its 800 eval rows, greedily and unconstrained. Each run sees each of its rows once (`epochs`
is 1) with the settings of the preset `cpu`, so twice the rows are twice the steps; runs with 250
rows seen four times tell the two apart. Alpha is twice the rank, so the scale of the update stays.
For one seed, the rows of a small run open those of a larger one; a seed also sets their order and
the adapter's first weights.

A run is one process that appends one line to benchmarks/results/study.jsonl; what stands there is
not run again, unless data or settings have changed since. At the end, or when the budget would not
hold the next run, benchmarks/results/study.json and the plots in docs/assets are written; `make
numbers` writes the tables of docs/study.md from them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.result import RESULTS, write_result
from benchmarks.study.cells import (
    ALPHA_PER_RANK,
    EVAL_ROWS,
    RECIPE,
    ROOT,
    SEEDS,
    Cell,
    Data,
    as_key,
    plan,
)
from benchmarks.study.summary import summarise

CELLS = RESULTS / "study.jsonl"
ASSETS = ROOT / "docs" / "assets"


def done(path: Path, recipe: str) -> dict[Cell, dict[str, Any]]:
    """The runs of this recipe that a file holds; a torn line, as a kill leaves, is passed over."""
    found: dict[Cell, dict[str, Any]] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if row["recipe"] == recipe:
                found[Cell(**row["cell"])] = row
    return found


def slowness(finished: Mapping[Cell, Mapping[str, Any]]) -> float:
    """How many times its estimate a run takes here; 1 before the first."""
    ratios = [
        (row["train_seconds"] + row["eval_seconds"]) / cell.estimate
        for cell, row in finished.items()
    ]
    return median(ratios) if ratios else 1.0


def show(cells: Sequence[Cell], finished: Mapping[Cell, Mapping[str, Any]]) -> None:
    """Prints the plan."""
    factor, total = slowness(finished), 0.0
    for cell in cells:
        row = finished.get(cell)
        if row is not None:
            seconds = row["train_seconds"] + row["eval_seconds"]
            exact = row["metrics"]["exact_match"]
            print(f"done  {seconds / 60:6.1f} min          {cell}: {exact}/{row['n']} exact")
        else:
            total += factor * cell.estimate
            print(f"to do {factor * cell.estimate / 60:6.1f} min {total / 3600:6.2f} h {cell}")
    print(f"{len(finished)} of {len(cells)} runs done; {total / 3600:.1f} h to go")


def go_on(cells: Sequence[Cell], recipe: str, *, budget: float, path: Path, jobs: int) -> None:
    """Runs what is not done yet, in order, until the next run would not fit the budget.

    Args:
        cells: the plan.
        recipe: what the runs share.
        budget: seconds.
        path: the file of finished runs.
        jobs: runs side by side, each with its share of the cores: two runs of one thread get more
            done than one run of two threads, one after the other.
    """
    end = time.monotonic() + budget
    left = iter([cell for cell in cells if cell not in done(path, recipe)])
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))} if jobs > 1 else {}

    def work() -> None:
        for cell in left:
            finished = done(path, recipe)
            cost, rest = slowness(finished) * cell.estimate, end - time.monotonic()
            if cost > rest:
                print(f"{rest:.0f} s left, {cost:.0f} s needed: stopped before {cell}")
                return
            print(f"{cell}: about {cost / 60:.0f} min", flush=True)
            command = [sys.executable, "-m", "benchmarks.study.cell", json.dumps(as_key(cell))]
            subprocess.run(
                [*command, str(path)],
                cwd=ROOT,
                check=True,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **threads},
            )
            if cell not in done(path, recipe):
                raise SystemExit(f"error: {cell}: its line is not in {path}; did the data change?")

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for worker in [pool.submit(work) for _ in range(jobs)]:
            worker.result()


def write(finished: Mapping[Cell, Mapping[str, Any]]) -> None:
    """Writes the result file and the plots."""
    from benchmarks.study.plots import write_plots

    rows = [finished[cell] for cell in sorted(finished)]
    numbers = summarise(rows)
    config = {
        **RECIPE,
        "target_modules": list(RECIPE["target_modules"]),
        "alpha_per_rank": ALPHA_PER_RANK,
        "eval_rows": EVAL_ROWS,
        "seeds": list(SEEDS),
        "recipe": rows[0]["recipe"],
        "commits": sorted({str(row["commit"]) for row in rows}),
    }
    print(write_result("study", numbers=numbers, config=config))
    for picture in write_plots(numbers["cells"], ASSETS):
        print(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plan", action="store_true", help="print the plan and do nothing")
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--cells", type=Path, default=CELLS, help="the file of finished runs")
    options = parser.parse_args()
    cells, recipe = plan(), Data.build().recipe()
    if options.plan:
        show(cells, done(options.cells, recipe))
        return
    go_on(cells, recipe, budget=options.budget, path=options.cells.resolve(), jobs=options.jobs)
    finished = done(options.cells, recipe)
    if not finished:
        raise SystemExit(f"error: {options.cells} holds no run of this recipe")
    write(finished)


if __name__ == "__main__":
    main()
