"""The form of a result file, shared by all benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from schemalora.environment import commit, machine, package_versions
from schemalora.jsonl import write_json
from schemalora.jsonvalue import JsonValue

RESULTS = Path(__file__).parent / "results"


def code_commit() -> str | None:
    """The commit of the code; the result files that are being written do not make it dirty."""
    return commit(RESULTS, besides=("benchmarks/results", "examples/customer_support/results"))


def write_result(
    name: str,
    *,
    numbers: Mapping[str, JsonValue],
    config: Mapping[str, JsonValue],
    peers: Sequence[str] = (),
) -> Path:
    """Writes `results/<name>.json`: the numbers, and all that they depend on.

    Args:
        name: the file's, without its ending.
        numbers: what was measured.
        config: what it was measured with.
        peers: packages measured side by side, whose versions are kept, too.
    """
    path = RESULTS / f"{name}.json"
    write_json(
        path,
        {
            "format_version": 1,
            "benchmark": name,
            "date": datetime.now(UTC).date().isoformat(),
            "numbers": dict(numbers),
            "config": dict(config),
            "versions": dict(package_versions(*peers)),
            "commit": code_commit(),
            "machine": machine(),
        },
    )
    return path
