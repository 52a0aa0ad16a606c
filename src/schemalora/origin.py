"""Which run a predictions file belongs to: the file beside it, and the hash of the examples."""

from __future__ import annotations

import hashlib
from pathlib import Path

from schemalora.jsonvalue import canonical_json
from schemalora.records import Example


def run_file(predictions: str | Path) -> Path:
    """The file that says what run a predictions file belongs to.

    `p.jsonl` has `p.run.json`. Any other name keeps its ending, since `p-0.1` and `p-0.2` are two
    runs: they have `p-0.1.run.json` and `p-0.2.run.json`.
    """
    path = Path(predictions)
    return path.with_name(path.name.removesuffix(".jsonl") + ".run.json")


class TextHash:
    """SHA-256 of the ids and texts of examples, in order, in constant memory."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, example: Example) -> None:
        """Takes in the next example."""
        self._digest.update(canonical_json([example.id, example.text]).encode() + b"\n")

    def hexdigest(self) -> str:
        """The hash of the examples so far."""
        return self._digest.hexdigest()
