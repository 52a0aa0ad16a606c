"""The rows that travel between stages: examples, training records and predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict, TypeVar, cast

from schemalora.errors import RecordError
from schemalora.jsonl import read_jsonl, write_jsonl
from schemalora.jsonvalue import JsonValue, canonical_json, type_name

_T = TypeVar("_T")
_D = TypeVar("_D")

_MOST_SECONDS = 1e12
"""What is beyond is no measurement, and sums of it could leave the doubles."""

FinishReason = Literal["stop", "length", "error"]


class Message(TypedDict):
    """One turn of a chat, in TRL's conversational form."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """A text and the JSON value that is right for it."""

    text: str
    """What the language model is shown."""
    target: JsonValue
    """The right JSON value."""
    id: str = ""
    """Unique in its set; derived from text and target where none is given."""
    group: str = ""
    """The template identity; a group never straddles a split. Empty: the example is its own."""
    perturbations: tuple[str, ...] = ()
    """What was done to the text, in order, such as `typos` or `injection:override`."""
    parent: str | None = None
    """The id of the clean example this one was perturbed from."""
    seed: int | None = None
    """The seed that reproduces the example."""
    columns: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The user's own columns; reports can be sliced by them."""

    def __post_init__(self) -> None:
        if not self.id:
            content = canonical_json([self.text, self.target]).encode()
            digest = hashlib.blake2b(content, digest_size=8).hexdigest()
            object.__setattr__(self, "id", f"ex-{digest}")

    def to_dict(self) -> dict[str, JsonValue]:
        """The row of `examples.jsonl`; parent and columns only where there are any."""
        row: dict[str, JsonValue] = {
            "id": self.id,
            "text": self.text,
            "target": self.target,
            "group": self.group,
            "perturbations": list(self.perturbations),
            "seed": self.seed,
        }
        if self.parent is not None:
            row["parent"] = self.parent
        if self.columns:
            row["columns"] = dict(self.columns)
        return row


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A prompt and its completion, in TRL's conversational form."""

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    group: str = ""
    """The group of the example it was made from: a development set is split off along groups."""

    def to_dict(self) -> dict[str, JsonValue]:
        """The row of `records.jsonl`, which TRL alone can train on; a group if it has one."""
        row: dict[str, object] = {
            "prompt": list(self.prompt),
            "completion": list(self.completion),
        }
        if self.group:
            row["group"] = self.group
        return cast("dict[str, JsonValue]", row)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the language model answered to one example, raw."""

    example_id: str
    completion: str
    """The completion as it was decoded: never stripped, never repaired."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    finish_reason: FinishReason | None = None
    """`stop`: the model ended its turn; `length`: the token limit cut it off."""
    confidence: Mapping[str, float] = field(default_factory=dict[str, float])
    """Leaf path to the probability of the value that was chosen there."""

    def to_dict(self) -> dict[str, JsonValue]:
        """The row of `predictions.jsonl`; what was not measured is left out."""
        row: dict[str, JsonValue] = {"example_id": self.example_id, "completion": self.completion}
        for name in ("prompt_tokens", "completion_tokens", "seconds", "finish_reason"):
            value = cast("JsonValue", getattr(self, name))
            if value is not None:
                row[name] = value
        if self.confidence:
            row["confidence"] = dict(self.confidence)
        return row


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Streams examples to a JSONL file and returns how many; atomic."""
    return write_jsonl(path, (example.to_dict() for example in examples))


def read_examples(path: str | Path) -> Iterator[Example]:
    """Streams examples from a JSONL file; only `text` and `target` are required.

    A row without an id is named by its line, `line-17`.

    Raises:
        RecordError: file and line of a row with a missing, unknown or wrongly typed key.
    """
    for line, row in read_jsonl(path):
        reader = _RowReader(path, line, row)
        text = reader.required("text", str)
        if "target" not in row:
            raise RecordError(path, line, "the key 'target' is missing")
        example = Example(
            text=text,
            target=row["target"],
            id=reader.optional("id", str, "") or f"line-{line}",
            group=reader.optional("group", str, ""),
            perturbations=reader.strings("perturbations"),
            parent=reader.optional("parent", str, None),
            seed=reader.optional("seed", int, None),
            columns=reader.mapping("columns"),
        )
        reader.refuse_unknown(
            "text", "target", "id", "group", "perturbations", "parent", "seed", "columns"
        )
        yield example


def write_records(path: str | Path, records: Iterable[TrainingRecord]) -> int:
    """Streams training records to a JSONL file and returns how many; atomic."""
    return write_jsonl(path, (record.to_dict() for record in records))


def read_records(path: str | Path) -> Iterator[TrainingRecord]:
    """Streams training records from a JSONL file.

    Raises:
        RecordError: file and line of a row that is not TRL's prompt/completion of messages.
    """
    for line, row in read_jsonl(path):
        reader = _RowReader(path, line, row)
        reader.refuse_unknown("prompt", "completion", "group")
        completion = reader.messages("completion")
        if len(completion) != 1 or completion[0]["role"] != "assistant":
            raise reader.error("'completion' must hold one message of the assistant")
        yield TrainingRecord(
            prompt=reader.messages("prompt"),
            completion=completion,
            group=reader.optional("group", str, ""),
        )


def write_predictions(path: str | Path, predictions: Iterable[Prediction]) -> int:
    """Streams predictions to a JSONL file and returns how many; atomic."""
    return write_jsonl(path, (prediction.to_dict() for prediction in predictions))


def read_predictions(path: str | Path) -> Iterator[Prediction]:
    """Streams predictions from a JSONL file; keys that other tools added are passed over.

    Raises:
        RecordError: file and line of a row without `example_id` or `completion`, or wrongly typed.
    """
    for line, row in read_jsonl(path):
        reader = _RowReader(path, line, row)
        finish_reason = reader.optional("finish_reason", str, None)
        if finish_reason not in (None, "stop", "length", "error"):
            raise RecordError(path, line, f"unknown finish_reason {finish_reason!r}")
        seconds = reader.number("seconds")
        if seconds is not None and abs(seconds) > _MOST_SECONDS:
            raise reader.error(f"'seconds' must be at most {_MOST_SECONDS:g}")
        yield Prediction(
            example_id=reader.required("example_id", str),
            completion=reader.required("completion", str),
            prompt_tokens=reader.optional("prompt_tokens", int, None),
            completion_tokens=reader.optional("completion_tokens", int, None),
            seconds=seconds,
            finish_reason=finish_reason,
            confidence=reader.numbers("confidence"),
        )


class _RowReader:
    """Reads typed keys out of one row; where it cannot, names the file, the line and the key."""

    def __init__(self, path: str | Path, line: int, row: Mapping[str, JsonValue]) -> None:
        self._path = path
        self._line = line
        self._row = row

    def required(self, key: str, kind: type[_T]) -> _T:
        if key not in self._row:
            raise self.error(f"the key {key!r} is missing")
        return self._typed(key, kind)

    def optional(self, key: str, kind: type[_T] | tuple[type[_T], ...], default: _D) -> _T | _D:
        return default if self._row.get(key) is None else self._typed(key, kind)

    def strings(self, key: str) -> tuple[str, ...]:
        items = cast("list[JsonValue]", self.optional(key, list, list[JsonValue]()))
        if not all(isinstance(item, str) for item in items):
            raise self.error(f"{key!r} must hold strings")
        return tuple(cast("list[str]", items))

    def mapping(self, key: str) -> dict[str, JsonValue]:
        return cast("dict[str, JsonValue]", self.optional(key, dict, dict[str, JsonValue]()))

    def number(self, key: str) -> float | None:
        value = self.optional(key, (int, float), None)
        return None if value is None else self._float(repr(key), value)

    def numbers(self, key: str) -> dict[str, float]:
        return {
            name: self._float(f"{key!r} of {name!r}", value)
            for name, value in self.mapping(key).items()
        }

    def _float(self, what: str, value: JsonValue) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise self.error(f"{what} must be a number, not {type_name(value)}")
        try:
            return float(value)
        except OverflowError as error:
            raise self.error(f"{what} is too large for a number") from error

    def messages(self, key: str) -> tuple[Message, ...]:
        turns = cast("list[JsonValue]", self.required(key, list))
        if not turns:
            raise self.error(f"{key!r} holds no message")
        for turn in turns:
            if not isinstance(turn, dict) or turn.keys() != {"role", "content"}:
                raise self.error(f"{key!r} must hold messages with role and content, no more")
            if turn["role"] not in ("system", "user", "assistant"):
                raise self.error(f"{key!r} has an unknown role {turn['role']!r}")
            if not isinstance(turn["content"], str):
                raise self.error(f"{key!r} has content that is not a string")
        return tuple(cast("list[Message]", self._row[key]))

    def refuse_unknown(self, *known: str) -> None:
        unknown = sorted(self._row.keys() - set(known))
        if unknown:
            raise self.error(f"unknown key {unknown[0]!r} (known: {', '.join(known)})")

    def error(self, reason: str) -> RecordError:
        return RecordError(self._path, self._line, reason)

    def _typed(self, key: str, kind: type[_T] | tuple[type[_T], ...]) -> _T:
        value = self._row[key]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            expected = " or ".join(one.__name__ for one in kinds)
            raise self.error(f"{key!r} must be {expected}, not {type_name(value)}")
        return cast(_T, value)
