"""How long do the README's two commands take in a fresh clone?

    python benchmarks/fresh_clone/run.py [demo] [test]

Clones the committed state into a temporary folder, runs `make demo` and `make test` there from
nothing (pip may use its cache), and keeps the wall-clock seconds and the demo's reports.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.result import RESULTS, code_commit, write_result

KEPT = ("report.md", "report.json", "report.png", "report.svg", "run.json", "reports", "audit.json")


def run(target: str, clone: Path) -> tuple[float, str]:
    started = time.monotonic()
    done = subprocess.run(
        ["make", target],
        check=False,
        cwd=clone,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seconds = time.monotonic() - started
    print(done.stdout)
    if done.returncode:
        raise SystemExit(f"make {target} failed with {done.returncode}")
    return round(seconds, 1), done.stdout


def main() -> None:
    targets = sys.argv[1:] or ["demo", "test"]
    path = RESULTS / "fresh_clone.json"
    before = json.loads(path.read_text()) if path.is_file() else {"numbers": {}, "config": {}}
    numbers: dict[str, Any] = before["numbers"]
    commits: dict[str, str | None] = before["config"].get("commits", {})
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "schemalora"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for target in targets:
            # Each command from nothing: a fresh clone holds no environment.
            shutil.rmtree(clone / ".venv", ignore_errors=True)
            seconds, output = run(target, clone)
            numbers[f"make_{target}_s"] = seconds
            commits[target] = code_commit()
            if target == "test":
                numbers["tests"] = int(re.findall(r"(\d+) passed", output)[-1])
            if target == "demo":
                kept = ROOT / "examples" / "customer_support" / "results" / "cpu"
                shutil.rmtree(kept, ignore_errors=True)
                kept.mkdir(parents=True)
                for name in KEPT:
                    source = clone / "runs" / "demo" / name
                    copy = shutil.copytree if source.is_dir() else shutil.copy
                    copy(source, kept / name)
            # After each, so that a command that fails does not take the others' seconds with it.
            config = {"python": sys.version.split()[0], "commits": commits}
            print(write_result("fresh_clone", numbers=numbers, config=config))


if __name__ == "__main__":
    main()
