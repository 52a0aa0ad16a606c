"""The predictions file while it grows: every finished row is kept, and a rerun goes on from there.

Beside `predictions.jsonl` lies `predictions.run.json`, which says what run the rows belong to. Rows
are appended as they end; once all are there, they are put into the order of the examples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from schemalora.errors import RunFolderError
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import Example, Prediction, read_predictions, write_predictions

FORMAT_VERSION = 1


class PredictionLog:
    """A predictions file of one run.

    Args:
        path: the file.
        examples: the examples of the run, in order.
        run: what else decides what the rows hold: model, contract, prompt format, settings.
        notes: what else is worth knowing of the run; a rerun may differ in it.

    Raises:
        RunFolderError: the file belongs to another run; the message says what differs.
        RecordError: a row of it cannot be read.
    """

    def __init__(
        self,
        path: str | Path,
        examples: Sequence[Example],
        run: Mapping[str, JsonValue],
        *,
        notes: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self.path = Path(path)
        self.run_path = self.path.with_suffix(".run.json")
        self._order = {example.id: place for place, example in enumerate(examples)}
        header: dict[str, JsonValue] = {
            "format_version": FORMAT_VERSION,
            "n": len(examples),
            "examples": _digest(examples),
            **run,
        }
        self.done: dict[str, Prediction] = {}
        """Rows that are there already, by example id."""
        if self.path.exists():
            self._check(header)
            _drop_half_line(self.path)
            self.done = {row.example_id: row for row in read_predictions(self.path)}
            foreign = self.done.keys() - self._order.keys()
            if foreign:
                raise RunFolderError(
                    f"{self.path}: holds rows of other examples, such as {min(foreign)!r}; "
                    "give another output file"
                )
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.run_path, {**header, **({"notes": dict(notes)} if notes else {})})

    def _check(self, header: Mapping[str, JsonValue]) -> None:
        if not self.run_path.is_file():
            raise RunFolderError(
                f"{self.path}: there already, and no {self.run_path.name} says which run wrote it; "
                "give another output file"
            )
        before = read_json(self.run_path)
        differing = sorted(
            key
            for key in (before.keys() | header.keys()) - {"notes"}
            if before.get(key) != header.get(key)
        )
        if differing:
            details = ", ".join(
                f"{key} ({_shown(before.get(key))} there, {_shown(header.get(key))} now)"
                for key in differing
            )
            raise RunFolderError(
                f"{self.path}: belongs to another run, with other {details}; "
                "give another output file"
            )

    def append(self, prediction: Prediction) -> None:
        """Writes one row, at once."""
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(canonical_json(prediction.to_dict()) + "\n")
        self.done[prediction.example_id] = prediction

    def finish(self) -> None:
        """Puts the rows into the order of the examples, once all are there."""
        if len(self.done) == len(self._order):
            ordered = sorted(self.done, key=self._order.__getitem__)
            write_predictions(self.path, (self.done[name] for name in ordered))


def _digest(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        digest.update(canonical_json([example.id, example.text]).encode() + b"\n")
    return digest.hexdigest()


def _shown(value: JsonValue) -> str:
    text = canonical_json(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _drop_half_line(path: Path) -> None:
    """Removes what an interrupted run wrote of its last row."""
    with path.open("rb+") as file:
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)
