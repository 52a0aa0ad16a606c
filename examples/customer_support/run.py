"""A preset, read, and the folder of one run with what has been measured so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from rich.console import Console

from schemalora import ComplianceReport, Contract, TrainingConfig
from schemalora.environment import commit
from schemalora.errors import UsageError
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue
from schemalora.training.toml import read_toml

HERE = Path(__file__).parent
STAGES = "stages.json"
"""What each stage took so far and which code ran it, in the run folder."""
Arm = Literal["base", "lora", "base_constrained", "lora_constrained"]
out = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Plan:
    """A preset, read."""

    path: Path
    training: TrainingConfig
    train_rows: int
    eval_rows: int
    seed: int
    arms: tuple[Arm, ...]
    base_prompt_style: Literal["short", "instructions", "schema"]
    max_new_tokens: int
    batch_size: int

    @classmethod
    def load(cls, path: Path, overrides: list[str]) -> Plan:
        tables = read_toml(path)
        for name in ("data", "evaluation"):
            if name not in tables:
                raise UsageError(f"{path}: the table [{name}] is missing")
        data, evaluation = tables["data"], tables["evaluation"]
        training = TrainingConfig.from_toml(path, overrides=overrides)
        return cls(
            path=path,
            training=training,
            **data,
            **{**evaluation, "arms": tuple(evaluation["arms"])},
        )


@dataclass
class Stage:
    """What one stage took; several sittings of a resumed run add up."""

    seconds: float = 0.0
    peak_memory_gib: float | None = None
    """The most that the process had held when the stage ended."""
    commits: list[str | None] = field(default_factory=list[str | None])
    """The code of each sitting that worked on it."""


@dataclass
class Run:
    """One run: its folder, its contract, and what has been measured so far."""

    folder: Path
    plan: Plan
    contract: Contract
    reports: dict[str, ComplianceReport] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, what: str) -> Generator[None]:
        out.print(f"[bold]{name}[/bold]: {what}")
        started = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - started
            self._note(name, spent)
        out.print(f"  {spent:.0f} s", style="dim")

    def go_on(self) -> None:
        """Takes over what earlier sittings of this run have measured."""
        if (self.folder / STAGES).is_file():
            found = cast("dict[str, dict[str, Any]]", read_json(self.folder / STAGES))
            self.stages = {name: Stage(**stage) for name, stage in found.items()}

    def _note(self, name: str, spent: float) -> None:
        before = self.stages.get(name, Stage())
        peaks = [peak for peak in (before.peak_memory_gib, peak_memory_gib()) if peak is not None]
        self.stages[name] = Stage(
            seconds=round(before.seconds + spent, 1),
            peak_memory_gib=max(peaks, default=None),
            commits=list(dict.fromkeys([*before.commits, commit(HERE)])),
        )
        write_json(self.folder / STAGES, self.stages_as_json())

    def stages_as_json(self) -> dict[str, JsonValue]:
        """By name: seconds, peak memory and commits."""
        return {name: asdict(stage) for name, stage in self.stages.items()}


def peak_memory_gib() -> float | None:
    """The most memory that this process held at once; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)
