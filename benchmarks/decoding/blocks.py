"""Arms side by side: the same blocks of rows, in turn, so that a busy machine slows all alike."""

from __future__ import annotations

import json
import math
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from scipy.stats import t as student

from benchmarks.decoding.arms import PAIRS, SAME_OUTPUT, Run, Subject
from schemalora.inference import Completion
from schemalora.inference.attention import unwrap

_NEAR_TIE = 0.5
"""Logits this far apart change places when bfloat16 rounds differently; see `_gap`."""


@dataclass
class Tally:
    """What one arm did."""

    completions: dict[int, Completion] = field(default_factory=dict[int, Completion])
    seconds: list[float] = field(default_factory=list[float])
    cpu_seconds: list[float] = field(default_factory=list[float])
    first: float = 0.0
    peak: float = 0.0

    def row(self, arm: str) -> dict[str, Any]:
        found = list(self.completions.values())
        tokens = sum(len(one.tokens) for one in found)
        passes = sum(one.passes for one in found)
        return {
            "arm": arm,
            "n": len(found),
            "rows_per_second": round(len(found) / sum(self.seconds), 2),
            "rows_per_cpu_second": round(len(found) / sum(self.cpu_seconds), 2),
            "seconds_by_block": [round(one, 2) for one in self.seconds],
            "seconds_to_first_row": round(self.first, 2),
            "tokens_per_row": round(tokens / len(found), 1),
            "passes_per_row": round(passes / len(found), 2),
            "passes_per_token": round(passes / max(tokens, 1), 3),
            "forced_tokens": round(sum(one.forced for one in found) / max(tokens, 1), 3),
            "drafted_tokens": round(sum(one.drafted for one in found) / max(tokens, 1), 3),
            "cut_off": sum(one.finish_reason != "stop" for one in found),
            "peak_memory_gib": round(self.peak, 2),
        }


def compare(
    runs: Mapping[str, Run], subject: Subject, *, blocks: int
) -> tuple[dict[str, Any], dict[str, Tally]]:
    """Runs all arms over all blocks of rows; the order of the arms rotates from block to block."""
    tallies = {name: Tally() for name in runs}
    size = math.ceil(len(subject.prompts) / blocks)
    for block, start in enumerate(range(0, len(subject.prompts), size)):
        rows = range(start, min(start + size, len(subject.prompts)))
        # The longest first, for all arms alike.
        order = sorted(rows, key=lambda row: -len(subject.prompts[row]))
        turn = block % len(runs)
        for name in [*list(runs)[turn:], *list(runs)[:turn]]:
            _time(runs[name], subject, order, tallies[name])
            print(f"block {block}, {name}: {tallies[name].seconds[-1]:.1f} s", flush=True)
    table = [tally.row(name) for name, tally in tallies.items()]
    for row in table:
        contract = subject.contract
        row["compliant"] = sum(
            contract.parse(subject.loaded.tokenizer.decode(list(one.tokens))).compliant
            for one in tallies[row["arm"]].completions.values()
        )
        print(json.dumps(row), flush=True)
    numbers = {"arms": table, "ratios": _ratios(tallies), "same": _same(tallies, subject)}
    return numbers, tallies


def _time(run: Run, subject: Subject, order: Sequence[int], tally: Tally) -> None:
    first = 0.0
    with _peak_memory() as peak:
        began, began_cpu = time.perf_counter(), time.process_time()
        for one in run([subject.prompts[row] for row in order]):
            first = first or time.perf_counter() - began
            tally.completions[order[one.index]] = one
        tally.seconds.append(time.perf_counter() - began)
        tally.cpu_seconds.append(time.process_time() - began_cpu)
    tally.first = tally.first or first
    tally.peak = max(tally.peak, *peak)


def _ratios(tallies: Mapping[str, Tally]) -> list[dict[str, Any]]:
    """How many times as fast, with a 95% interval over blocks (Student's t of the logarithms)."""
    found: list[dict[str, Any]] = []
    for ours, other in PAIRS:
        if ours not in tallies or other not in tallies:
            continue
        for clock in ("seconds", "cpu_seconds"):
            pairs = zip(getattr(tallies[ours], clock), getattr(tallies[other], clock), strict=True)
            logs = [math.log(theirs / mine) for mine, theirs in pairs]
            row: dict[str, Any] = {"ratio": f"{ours} / {other}", "clock": clock, "n": len(logs)}
            middle = statistics.fmean(logs)
            row["times"] = round(math.exp(middle), 2)
            if len(logs) > 1:
                half = student.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / len(logs) ** 0.5
                row["ci95"] = [round(math.exp(middle + sign * half), 2) for sign in (-1, 1)]
            found.append(row)
            print(json.dumps(row), flush=True)
    return found


def _same(tallies: Mapping[str, Tally], subject: Subject) -> list[dict[str, Any]]:
    """In how many rows two arms wrote the same tokens, and how near a tie it was in the others."""
    limit = _NEAR_TIE if subject.loaded.model.dtype != torch.float32 else 1e-3
    found: list[dict[str, Any]] = []
    for one, other in SAME_OUTPUT:
        if one not in tallies or other not in tallies:
            continue
        gaps: list[float] = []
        for row, mine in tallies[one].completions.items():
            theirs = tallies[other].completions[row]
            if mine.tokens != theirs.tokens:
                gaps.append(_gap(subject, row, mine, theirs))
        same = len(tallies[one].completions) - len(gaps)
        found.append(
            {
                "arms": f"{one} = {other}",
                "same_rows": same,
                "n": len(tallies[one].completions),
                "logit_gaps_where_not": [round(gap, 3) for gap in sorted(gaps)],
                "beyond_rounding": sum(gap > limit for gap in gaps),
            }
        )
        print(json.dumps(found[-1]), flush=True)
    return found


@torch.inference_mode()
def _gap(subject: Subject, row: int, mine: Completion, theirs: Completion) -> float:
    """By how much the model preferred one of two tokens where two completions part.

    Taken from a forward pass over the whole row at once, which neither of the two arms made.
    """
    stop = min(subject.loaded.stop_ids)
    a, b = (*mine.tokens, stop), (*theirs.tokens, stop)
    place = next(i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    ids = torch.tensor([[*subject.prompts[row], *a[:place]]])
    model = subject.loaded.model
    with nullcontext() if subject.loaded.with_adapter else model.disable_adapter():
        logits = unwrap(model)(ids, logits_to_keep=1).logits[0, -1].float()
    return abs(float(logits[a[place]] - logits[b[place]]))


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """The resident memory while a block runs, in GiB, twenty times a second."""
    seen = [_resident()]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            seen.append(_resident())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _resident() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kib / 2**20
