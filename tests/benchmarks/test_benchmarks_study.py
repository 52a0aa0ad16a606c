"""The study: which rows a run sees, what counts as done, and what is made of the runs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from benchmarks.study.cell import append
from benchmarks.study.cells import EVAL_ROWS, SEEDS, Cell, Data, as_key, plan, stratified
from benchmarks.study.plots import write_plots
from benchmarks.study.run import done, slowness
from benchmarks.study.summary import summarise

from schemalora.records import Example


@pytest.fixture(scope="module")
def data() -> Data:
    return Data.build()


def line(cell: Cell, exact: int, *, recipe: str = "r") -> dict[str, Any]:
    return {
        "recipe": recipe, "cell": as_key(cell), "n": 200, "steps": cell.rows // 4,
        "metrics": {"valid_json": 200, "schema_compliant": 199, "exact_match": exact},
        "fields": {"$.intent": 150}, "tokens_per_row": 130.0,
        "train_seconds": 2 * cell.estimate, "eval_seconds": 0.0, "commit": "c",
    }  # fmt: skip


def test_every_run_stands_in_the_plan_once_and_small_settings_have_three_seeds():
    cells = plan()
    assert len(cells) == len(set(cells))
    seeds = Counter((one.rows, one.rank, one.prompt, one.epochs) for one in cells)
    small = {setting: count for setting, count in seeds.items() if setting[0] <= 1000}
    assert set(small.values()) == {len(SEEDS)}
    assert {one.rows for one in cells} == {250, 500, 1000, 2000, 4000, 6000}


def test_rows_of_a_small_run_open_those_of_a_larger_one(data: Data):
    small = data.training_rows(Cell(rows=250, seed=1, rank=4))
    large = data.training_rows(Cell(rows=1000, seed=1, prompt="schema"))
    assert large[:250] == small
    assert data.training_rows(Cell(rows=250, seed=2)) != small
    assert len({one.id for one in data.training_rows(Cell(rows=6000))}) == 6000


def test_eval_rows_are_the_same_for_all_and_share_no_group_with_training(data: Data):
    assert len({one.id for one in data.eval_set}) == EVAL_ROWS
    assert not {one.group for one in data.eval_set} & {one.group for one in data.train_set}
    assert data.recipe() == Data(train_set=data.train_set, eval_set=data.eval_set).recipe()
    assert data.recipe() != Data(train_set=data.train_set, eval_set=data.eval_set[1:]).recipe()


def test_each_group_has_its_share_of_a_stratified_subset():
    examples = [
        Example(id=f"{group}{index}", text="t", target={}, group=group)
        for group, size in (("a", 40), ("b", 120), ("c", 4), ("d", 36))
        for index in range(size)
    ]
    chosen = stratified(examples, 50, seed=0)
    shares = Counter(one.group for one in chosen)
    assert shares == {"a": 10, "b": 30, "c": 1, "d": 9}
    assert chosen == stratified(examples, 50, seed=0) != stratified(examples, 50, seed=1)
    assert stratified(examples, len(examples), seed=3) == examples
    with pytest.raises(ValueError, match="201 rows of 200"):
        stratified(examples, 201, seed=0)


def test_a_torn_line_and_another_recipe_are_not_done(tmp_path: Path):
    path = tmp_path / "new" / "cells.jsonl"
    first, second, other = Cell(rows=250), Cell(rows=500), Cell(rows=1000)
    append(path, line(first, 80))
    with path.open("ab") as file:
        file.write(json.dumps(line(other, 9)).encode()[:-20])  # as a kill leaves it
    append(path, line(second, 100))
    append(path, line(other, 100, recipe="of other data"))
    assert set(done(path, "r")) == {first, second}
    assert slowness(done(path, "r")) == pytest.approx(2.0)
    assert done(tmp_path / "none.jsonl", "r") == {}
    assert slowness({}) == 1.0


def test_contrasts_pair_the_seeds_that_both_settings_have():
    rows = [
        line(Cell(rows=250, seed=0), 80),
        line(Cell(rows=250, seed=1), 90),
        line(Cell(rows=500, seed=0), 100),
        line(Cell(rows=500, seed=1), 86),
        line(Cell(rows=500, seed=2), 200),
    ]
    numbers = summarise(rows)
    (contrast,) = numbers["contrasts"]
    assert contrast["seeds"] == [0, 1]
    assert contrast["exact_match_points"] == [10.0, -2.0]
    assert contrast["mean"] == 4.0
    rates = {one["rows"]: one["rates"]["exact_match"] for one in numbers["settings"]}
    assert rates[250] == {"mean": 0.425, "min": 0.4, "max": 0.45, "ci95": None}
    low, high = numbers["cells"][0]["rates"]["exact_match"]["ci95"]
    assert low < 0.4 < high


def test_the_same_runs_draw_the_same_bytes(tmp_path: Path):
    cells = summarise([line(cell, 20 + cell.rows // 50) for cell in sorted(plan())])["cells"]
    once, again = write_plots(cells, tmp_path / "1"), write_plots(cells, tmp_path / "2")
    assert [one.name for one in once] == ["study-rows.svg", "study-rank.svg", "study-prompt.svg"]
    for a, b in zip(once, again, strict=True):
        assert a.read_bytes() == b.read_bytes()
        assert "training rows" in a.read_text("utf-8") or "rank" in a.read_text("utf-8")
