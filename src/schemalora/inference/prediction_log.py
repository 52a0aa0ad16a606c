"""The predictions file while it grows: every finished row is kept, and a rerun goes on from there.

Beside `predictions.jsonl` lies `predictions.run.json`, which says what run the rows belong to. Rows
are appended as they end; once all are there, they are put into the order of the examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from schemalora.errors import RunFolderError
from schemalora.jsonl import read_json, read_jsonl, write_json, write_jsonl
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.origin import TextHash, run_file
from schemalora.records import Example, Prediction, read_predictions

FORMAT_VERSION = 1

# Not compared with files of earlier versions, which do not have them.
_SINCE_LATER = ("prompt_sha256", "adapter_sha256")
# What a server lists about a model besides changes from one listing to the next, such as its time.
_LISTED_PATHS = ("root", "parent")


class PredictionLog:
    """A predictions file of one run.

    Nothing is written before the first row: a run that is refused leaves no trace.

    Args:
        path: the file.
        examples: the examples of the run, in order.
        run: what else decides what the rows hold: model, contract, prompt, settings.
        notes: what else is worth knowing of the run; a rerun may differ in it, but for the paths of
            the weights that a server lists (`listed_as`).

    Raises:
        RunFolderError: the file, or the one beside it, belongs to another run; the message says
            what differs.
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
        self.run_path = run_file(self.path)
        self._order = {example.id: place for place, example in enumerate(examples)}
        texts = TextHash()
        for example in examples:
            texts.add(example)
        self._header: dict[str, JsonValue] = {
            "format_version": FORMAT_VERSION,
            "n": len(examples),
            "examples": texts.hexdigest(),
            **run,
            **({"notes": dict(notes)} if notes else {}),
        }
        self.done: dict[str, Prediction] = {}
        """Rows that are there already, by example id."""
        self._begun = self.path.exists()
        self._check()
        if self._begun:
            _drop_half_line(self.path)
            self.done = {row.example_id: row for row in read_predictions(self.path)}
            foreign = self.done.keys() - self._order.keys()
            if foreign:
                raise RunFolderError(
                    f"{self.path}: holds rows of other examples, such as {min(foreign)!r}; "
                    "give another output file"
                )

    def _check(self) -> None:
        """Refuses what another run left: its rows, or the word of what rows there were."""
        if not self.run_path.is_file():
            if self._begun:
                raise RunFolderError(
                    f"{self.path}: there already, and no {self.run_path.name} says which run wrote "
                    "it; give another output file"
                )
            return
        differing = _differing(read_json(self.run_path), self._header)
        if not differing:
            return
        details = ", ".join(
            f"{key} ({_shown(there)} there, {_shown(now)} now)" for key, there, now in differing
        )
        if self._begun:
            raise RunFolderError(
                f"{self.path}: belongs to another run, with other {details}; "
                "give another output file"
            )
        raise RunFolderError(
            f"{self.run_path}: belongs to another run than {self.path.name} would, with other "
            f"{details}; remove it, or give another output file"
        )

    def append(self, prediction: Prediction) -> None:
        """Writes one row, at once."""
        self._begin()
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(canonical_json(prediction.to_dict()) + "\n")
        self.done[prediction.example_id] = prediction

    def finish(self) -> None:
        """Puts the rows into the order of the examples, once all are there; before, does nothing.

        A file that is in order stays as it is, and keys that other tools added stay in any case.
        """
        if len(self.done) < len(self._order):
            return
        self._begin()
        rows = [row for _, row in read_jsonl(self.path)]
        if [row["example_id"] for row in rows] != list(self._order):
            by_id = {cast("str", row["example_id"]): row for row in rows}
            write_jsonl(self.path, (by_id[name] for name in self._order))

    def _begin(self) -> None:
        if not self._begun:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.run_path, self._header)
            self.path.touch()
            self._begun = True


def _differing(
    before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]
) -> list[tuple[str, JsonValue, JsonValue]]:
    """In what two runs differ: the key, and both values."""
    passed_over = {"notes", *(key for key in _SINCE_LATER if key not in before)}
    pairs = [
        (key, before.get(key), now.get(key))
        for key in sorted((before.keys() | now.keys()) - passed_over)
    ]
    listed_before, listed_now = _listed(before), _listed(now)
    pairs += [
        (f"listed_as.{key}", listed_before[key], listed_now[key])
        for key in _LISTED_PATHS
        if listed_before.get(key) is not None and listed_now.get(key) is not None
    ]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _listed(run: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What a server listed about its model; empty where it listed nothing."""
    notes = run.get("notes")
    listed = notes.get("listed_as") if isinstance(notes, dict) else None
    return listed if isinstance(listed, dict) else {}


def _shown(value: JsonValue) -> str:
    text = canonical_json(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _drop_half_line(path: Path) -> None:
    """Removes what an interrupted run wrote of its last row."""
    with path.open("rb+") as file:
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)
