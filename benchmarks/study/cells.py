"""The study's plan: which runs there are, in which order, and what each will cost."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from schemalora.jsonvalue import canonical_json
from schemalora.records import Example

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from customer_support.dataset import build_dataset, support_contract
from customer_support.sides import any_template

Prompt = Literal["short", "schema"]
CONTRACT = support_contract()

EVAL_ROWS = 200
SEEDS = (0, 1, 2)
RECIPE: dict[str, Any] = {
    "base_model": "embedded",
    "target_modules": ("all-linear",),
    "batch_size": 4,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup_steps": 10,
    "save_steps": 10**9,
}
"""What every run shares: the preset `cpu`. A run keeps its last weights, whatever they score."""
ALPHA_PER_RANK = 2

# Seconds on two quiet cores: a training row, an answered eval row, and a process's start.
_TRAIN_SECONDS = {"short": 0.18, "schema": 0.7}
_ANSWER_SECONDS = {"short": 0.15, "schema": 0.35}
_START_SECONDS = 25


@dataclass(frozen=True, order=True, kw_only=True)
class Cell:
    """One run."""

    rows: int
    rank: int = 16
    prompt: Prompt = "short"
    epochs: int = 1
    seed: int = 0
    """Chooses the rows, their order and the adapter's first weights."""

    def __str__(self) -> str:
        again = f" x{self.epochs}" if self.epochs > 1 else ""
        return f"{self.rows} rows{again}, rank {self.rank}, {self.prompt} prompt, seed {self.seed}"

    @property
    def estimate(self) -> float:
        """Seconds on two quiet cores."""
        training = self.rows * self.epochs * _TRAIN_SECONDS[self.prompt]
        return training + EVAL_ROWS * _ANSWER_SECONDS[self.prompt] + _START_SECONDS

    def settings(self) -> dict[str, Any]:
        """The run's settings of `TrainingConfig`."""
        return {
            **RECIPE,
            "rank": self.rank,
            "alpha": ALPHA_PER_RANK * self.rank,
            "prompt_style": self.prompt,
            "epochs": self.epochs,
            "seed": self.seed,
        }


def plan() -> list[Cell]:
    """Every run once, the most telling first, so that a study cut short says most."""
    return list(dict.fromkeys(_in_order()))


def _in_order() -> Iterator[Cell]:
    yield from (Cell(rows=rows) for rows in (250, 1000, 500))
    yield Cell(rows=250, prompt="schema")
    yield from (Cell(rows=500, rank=rank) for rank in (4, 64))
    for seed in SEEDS[1:]:
        yield from (Cell(rows=rows, seed=seed) for rows in (250, 500))
        yield Cell(rows=250, prompt="schema", seed=seed)
        yield from (Cell(rows=500, rank=rank, seed=seed) for rank in (4, 64))
        yield Cell(rows=1000, seed=seed)
    yield Cell(rows=2000)
    yield Cell(rows=6000)
    for seed in SEEDS:
        yield Cell(rows=250, epochs=4, seed=seed)
    yield Cell(rows=4000)
    for seed in SEEDS:
        yield Cell(rows=500, prompt="schema", seed=seed)
    for seed in SEEDS:
        yield from (Cell(rows=1000, rank=rank, seed=seed) for rank in (4, 64))
    yield from (Cell(rows=2000, seed=seed) for seed in SEEDS[1:])
    for seed in SEEDS:
        yield from (Cell(rows=250, rank=rank, seed=seed) for rank in (4, 64))
    yield from (Cell(rows=1000, prompt="schema", seed=seed) for seed in SEEDS)
    yield from (Cell(rows=rows, seed=1) for rows in (4000, 6000))


@dataclass(frozen=True)
class Data:
    """The flagship's rows, as the study uses them."""

    train_set: Sequence[Example]
    eval_set: Sequence[Example]
    """`EVAL_ROWS` of the flagship's eval rows, the same for every run."""

    @classmethod
    def build(cls) -> Data:
        # As the flagship's rows were when the study began: their templates drawn with repetition.
        train_set, eval_set = build_dataset(choose=any_template)
        return cls(train_set=train_set, eval_set=stratified(eval_set, EVAL_ROWS, seed=0))

    def training_rows(self, cell: Cell) -> list[Example]:
        """The rows of a run: for one seed, those of a small run open those of a larger one."""
        return Random(cell.seed).sample(self.train_set, len(self.train_set))[: cell.rows]

    def recipe(self) -> str:
        """Tells what the runs share, data and settings; runs of another recipe do not count."""
        shared = {
            "recipe": {key: repr(value) for key, value in RECIPE.items()},
            "alpha_per_rank": ALPHA_PER_RANK,
            "rows": [[one.text, one.target] for one in (*self.train_set, *self.eval_set)],
        }
        return hashlib.sha256(canonical_json(shared).encode()).hexdigest()[:16]


def stratified(examples: Sequence[Example], count: int, *, seed: int) -> list[Example]:
    """A subset in which every group has its share, in the order of the examples.

    Rows are put in the order of their groups, at random within a group, and taken at equal
    distances: systematic sampling.

    Raises:
        ValueError: more rows wanted than there are.
    """
    if not 0 < count <= len(examples):
        raise ValueError(f"{count} rows of {len(examples)}")
    rng = Random(seed)
    ordered = sorted((str(one.group), rng.random(), index) for index, one in enumerate(examples))
    step = len(examples) / count
    chosen = sorted(ordered[int(step * (place + 0.5))][2] for place in range(count))
    return [examples[index] for index in chosen]


def as_key(cell: Cell) -> dict[str, Any]:
    """The form of a cell in files."""
    return asdict(cell)
