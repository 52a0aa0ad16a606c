"""How long does `import schemalora` take, warm?

    python benchmarks/import_time/run.py

Times whole interpreters, with and without the import, one after the other, and takes the
difference of the medians. `everything` also touches every public name of the light layers.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.result import write_result

RUNS = 21
PROGRAMS = {
    "nothing": "pass",
    "import": "import schemalora",
    "contract": "from schemalora import Contract",
    "everything": "import schemalora\nfor name in schemalora.__all__: getattr(schemalora, name)",
}


def seconds(program: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - started


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for run in range(RUNS + 1):
        for name, program in PROGRAMS.items():
            measured = seconds(program)
            if run:  # the first round warms the caches
                times[name].append(measured)
    empty = statistics.median(times["nothing"])
    numbers = {
        name: {
            "median_s": round(statistics.median(all_of_it) - empty, 4),
            "min_s": round(min(all_of_it) - empty, 4),
            "max_s": round(max(all_of_it) - empty, 4),
        }
        for name, all_of_it in times.items()
        if name != "nothing"
    }
    print(numbers)
    print(write_result("import_time", numbers=numbers, config={"runs": RUNS}))


if __name__ == "__main__":
    main()
