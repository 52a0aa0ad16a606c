"""How fast are predictions scored, and in how much memory?

    python benchmarks/scoring_speed/run.py [--repeats 5] [--stream 1000000]

Scores 100,000 predictions of the flagship held in memory, on one core, at two mixtures of faults:
`adapter` (4% of rows spoilt, 3% with a wrong value) and `base` (70% spoilt). Then streams as many
and ten times as many from JSONL files, each in a process of its own, whose peak resident memory is
reported above that of a process that scores a thousand rows.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from benchmarks.result import write_result

from customer_support.ticket import SupportTicket
from schemalora.compliance import evaluate
from schemalora.contract import Contract
from schemalora.jsonvalue import JsonValue
from schemalora.records import (
    Example,
    Prediction,
    read_examples,
    read_predictions,
    write_examples,
    write_predictions,
)
from schemalora.sampling import sample

ROWS = 100_000
MIXTURES = {"adapter": (0.04, 0.03), "base": (0.7, 0.2)}
TEXT = "Hello, my order {} arrived yesterday, but the {} is broken. I would like my money back."


def examples(contract: Contract, count: int) -> Iterator[Example]:
    targets = list(sample(contract, 2_000, 0))
    rng = Random(0)
    for i, target in enumerate(islice(cycle(targets), count)):
        yield Example(
            text=TEXT.format(f"ORD-{i:07d}", "lamp") * rng.randrange(1, 5),
            target=target,
            id=f"ex-{i:07d}",
            group=f"template-{i % 60}",
            perturbations=("typos",) if i % 5 == 4 else (),
            parent=f"ex-{i - 1:07d}" if i % 5 == 4 else None,
            columns={"channel": ("mail", "chat")[i % 2]},
        )


def predictions(contract: Contract, count: int, mixture: str) -> Iterator[Prediction]:
    spoilt, wrong = MIXTURES[mixture]
    rng = Random(1)
    for example in examples(contract, count):
        completion = contract.encode(example.target)
        draw = rng.random()
        if draw < spoilt:
            completion = spoil(completion, rng)
        elif draw < spoilt + wrong:
            value = json.loads(completion)
            value["priority"] = "high" if value["priority"] != "high" else "low"
            completion = contract.encode(value)
        yield Prediction(example.id, completion, 180, 40, 0.2, "stop")


def spoil(completion: str, rng: Random) -> str:
    return rng.choice(
        (
            f"```json\n{completion}\n```",
            f"Here is the ticket you asked for:\n{completion}",
            completion[: len(completion) // 2],
            completion.replace('"intent"', '"category"'),
            completion.replace('"entities":{', '"entities":{"colour":"red",'),
        )
    )


def seconds_in_memory(contract: Contract, mixture: str, repeats: int) -> list[float]:
    """Processor seconds, which neighbours on the machine disturb less than wall time."""
    rows = list(examples(contract, ROWS))
    answers = list(predictions(contract, ROWS, mixture))
    evaluate(contract, rows[:2_000], answers[:2_000])
    found: list[float] = []
    for _ in range(repeats):
        started = time.process_time()
        report = evaluate(contract, rows, answers)
        found.append(time.process_time() - started)
        assert report.n == ROWS
    return found


def stream(folder: Path) -> None:
    """Scores the files of a folder; the parent reads what this prints."""
    contract = Contract.from_model(SupportTicket)
    started = time.perf_counter()
    report = evaluate(
        contract,
        read_examples(folder / "examples.jsonl"),
        read_predictions(folder / "predictions.jsonl"),
        keep_rows=0,
    )
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    # Not getrusage, whose peak a process inherits from the one that started it.
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
    seconds = time.perf_counter() - started
    print(json.dumps({"n": report.n, "seconds": seconds, "peak_mib": peak}))


def streamed(contract: Contract, count: int) -> dict[str, JsonValue]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_examples(folder / "examples.jsonl", examples(contract, count))
        write_predictions(folder / "predictions.jsonl", predictions(contract, count, "adapter"))
        done = subprocess.run(
            [sys.executable, __file__, "--folder", name],
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--stream", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.folder is not None:
        stream(options.folder)
        return
    contract = Contract.from_model(SupportTicket)
    numbers: dict[str, JsonValue] = {"rows": ROWS}
    for mixture in MIXTURES:
        found = seconds_in_memory(contract, mixture, options.repeats)
        numbers[f"{mixture}_seconds"] = {
            "median": round(statistics.median(found), 3),
            "min": round(min(found), 3),
            "max": round(max(found), 3),
        }
    few = streamed(contract, 1_000)
    for count in (options.stream // 10, options.stream):
        many = streamed(contract, count)
        numbers[f"streamed_{count}"] = {
            "seconds": round(many["seconds"], 2),
            "peak_mib": round(many["peak_mib"], 1),
            "above_1000_rows_mib": round(many["peak_mib"] - few["peak_mib"], 1),
        }
    path = write_result(
        "scoring_speed",
        numbers=numbers,
        config={
            "contract": "SupportTicket",
            "repeats": options.repeats,
            "mixtures": {name: list(shares) for name, shares in MIXTURES.items()},
        },
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
