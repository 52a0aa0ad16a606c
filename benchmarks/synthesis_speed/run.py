"""How fast and in how much memory examples are made: `python -m benchmarks.synthesis_speed.run`.

Four rates on one core: the flagship's renderer with and without perturbations, the fallback
renderer with and without. Then a million examples are streamed to a file in a process of its own,
and the peak resident memory is reported beside that of ten thousand.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from benchmarks.result import write_result

from customer_support.dataset import NOISE, SURFACE, TRAIN_FAMILIES, support_contract
from customer_support.messages import make_renderer
from customer_support.names import TRAIN_PRODUCTS
from customer_support.sides import draw_ticket
from schemalora.perturbations import Typos, injections
from schemalora.records import write_examples
from schemalora.synthesis import GeneratorContract, Renderer, synthesize


def flagship() -> tuple[GeneratorContract, Renderer]:
    contract = support_contract()

    def draw(rng: Random):
        return draw_ticket(rng, (TRAIN_PRODUCTS,))

    return GeneratorContract(contract, draw=draw), make_renderer(contract, "train")


def stream(count: int, *, perturbed: bool, fallback: bool = False, seed: int = 0):
    """The stream that is measured; with `perturbed`, every example is."""
    generator, render = flagship()
    if fallback:
        generator, render = GeneratorContract(generator.contract), None
    contract = generator.contract
    recipes = (Typos(rate=0.3), *SURFACE, *NOISE, *injections(contract, families=TRAIN_FAMILIES))
    return synthesize(
        generator,
        render=render,
        count=count,
        seed=seed,
        perturbations=recipes if perturbed else (),
        perturbed=1.0,
    )


def rate(count: int, repeats: int, **kind: bool) -> dict[str, float | int]:
    """Examples per second: the best and the median of several runs, the first is a warm-up."""
    rates: list[float] = []
    for turn in range(repeats + 1):
        start = time.perf_counter()
        made = sum(1 for _ in stream(count, seed=turn, **kind))
        rates.append(made / (time.perf_counter() - start))
    ordered = sorted(rates[1:])
    return {
        "n": count,
        "median_per_s": round(ordered[len(ordered) // 2]),
        "best_per_s": round(ordered[-1]),
    }


def peak_memory(count: int) -> dict[str, float | int]:
    """Streams to a file in a process of its own; returns seconds, bytes and peak RSS in MiB."""
    command = [sys.executable, __file__, "--stream", str(count)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {
        "n": count,
        "seconds": float(out[0]),
        "file_mib": float(out[1]),
        "peak_rss_mib": float(out[2]),
    }


def _stream_to_file(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "examples.jsonl"
        start = time.perf_counter()
        write_examples(path, stream(count, perturbed=True))
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(round(seconds, 1), round(path.stat().st_size / 2**20, 1), round(peak, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--stream", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stream:
        _stream_to_file(arguments.stream)
        return
    count, repeats = arguments.count, arguments.repeats
    numbers = {
        "flagship_plain": rate(count, repeats, perturbed=False),
        "flagship_perturbed": rate(count, repeats, perturbed=True),
        "fallback_plain": rate(count, repeats, perturbed=False, fallback=True),
        "fallback_perturbed": rate(count, repeats, perturbed=True, fallback=True),
        "memory_small": peak_memory(10_000),
        "memory_long": peak_memory(arguments.long),
    }
    write_result(
        "synthesis_speed",
        numbers=numbers,
        config={"count": count, "repeats": repeats, "long": arguments.long, "cores": 1},
    )


if __name__ == "__main__":
    main()
