"""From finished runs to the study's numbers: rates with intervals, spreads and contrasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from schemalora.statistics import wilson_interval

_Row = Mapping[str, Any]
_Setting = tuple[int, int, str, int]

METRICS = ("valid_json", "schema_compliant", "exact_match")

# What is compared with what, everything else being the same: (title, one setting, the other).
CONTRASTS: tuple[tuple[str, _Setting, _Setting], ...] = (
    ("twice the rows, from 250", (500, 16, "short", 1), (250, 16, "short", 1)),
    ("twice the rows, from 500", (1000, 16, "short", 1), (500, 16, "short", 1)),
    ("twice the rows, from 1000", (2000, 16, "short", 1), (1000, 16, "short", 1)),
    ("twice the rows, from 2000", (4000, 16, "short", 1), (2000, 16, "short", 1)),
    ("half as many rows again, from 4000", (6000, 16, "short", 1), (4000, 16, "short", 1)),
    ("250 rows four times, against once", (250, 16, "short", 4), (250, 16, "short", 1)),
    ("1000 rows once, against 250 four times", (1000, 16, "short", 1), (250, 16, "short", 4)),
    *(
        (f"rank {rank} against 16, {rows} rows", (rows, rank, "short", 1), (rows, 16, "short", 1))
        for rows in (250, 500, 1000)
        for rank in (4, 64)
    ),
    *(
        (f"schema in the prompt, {rows} rows", (rows, 16, "schema", 1), (rows, 16, "short", 1))
        for rows in (250, 500, 1000)
    ),
)


def summarise(rows: Sequence[_Row]) -> dict[str, Any]:
    """The numbers of the result file.

    Args:
        rows: the lines of finished runs, in order.

    Returns:
        `cells`: every run with its rates and their Wilson intervals; `settings`: the mean over the
        seeds of each setting, with the smallest and the largest; `contrasts`: differences between
        two settings, seed by seed, in points.
    """
    by_setting: dict[_Setting, dict[int, _Row]] = defaultdict(dict)
    for row in rows:
        by_setting[_setting(row)][row["cell"]["seed"]] = row
    return {
        "cells": [_cell(row) for row in rows],
        "settings": [_spread(setting, found) for setting, found in by_setting.items()],
        "contrasts": [
            _contrast(title, by_setting[one], by_setting[other])
            for title, one, other in CONTRASTS
            if by_setting.get(one, {}).keys() & by_setting.get(other, {}).keys()
        ],
    }


def _setting(row: _Row) -> _Setting:
    cell = row["cell"]
    return cell["rows"], cell["rank"], cell["prompt"], cell["epochs"]


def _columns(row: _Row) -> dict[str, int]:
    """Right rows by metric and by field."""
    return {**{name: row["metrics"][name] for name in METRICS}, **row["fields"]}


def _cell(row: _Row) -> dict[str, Any]:
    n = row["n"]
    return {
        **row["cell"],
        "commit": row["commit"],
        "n": n,
        "steps": row["steps"],
        "tokens_per_row": row["tokens_per_row"],
        "train_seconds": row["train_seconds"],
        "rates": {
            name: {"rate": count / n, "ci95": _interval(count, n)}
            for name, count in _columns(row).items()
        },
    }


def _spread(setting: _Setting, runs: Mapping[int, _Row]) -> dict[str, Any]:
    rows = list(runs.values())
    n = rows[0]["n"]
    counts = {name: [_columns(row)[name] for row in rows] for name in _columns(rows[0])}
    return {
        **dict(zip(("rows", "rank", "prompt", "epochs"), setting, strict=True)),
        "seeds": sorted(runs),
        "n": n,
        "tokens_per_row": rows[0]["tokens_per_row"],
        "rates": {name: _rate(of_seeds, n) for name, of_seeds in counts.items()},
    }


def _rate(counts: Sequence[int], n: int) -> dict[str, Any]:
    """Mean and span over the seeds; a single run has its own interval instead.

    The runs answer the same rows, so their counts are not pooled into one interval.
    """
    return {
        "mean": round(fmean(counts) / n, 4),
        "min": round(min(counts) / n, 4),
        "max": round(max(counts) / n, 4),
        "ci95": _interval(counts[0], n) if len(counts) == 1 else None,
    }


def _interval(count: int, n: int) -> list[float]:
    return [round(end, 4) for end in wilson_interval(count, n)]


def _contrast(title: str, one: Mapping[int, _Row], other: Mapping[int, _Row]) -> dict[str, Any]:
    seeds = sorted(one.keys() & other.keys())
    points = [
        100 * (one[seed]["metrics"]["exact_match"] - other[seed]["metrics"]["exact_match"])
        / one[seed]["n"]
        for seed in seeds
    ]  # fmt: skip
    return {
        "what": title,
        "seeds": seeds,
        "exact_match_points": [round(value, 1) for value in points],
        "mean": round(fmean(points), 1),
    }
