"""The tree of exceptions is the one its module draws, and each message names place and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemalora import errors
from schemalora.errors import (
    ExtractionError,
    MissingExtraError,
    RecordError,
    SchemaError,
    SchemaloraError,
    UsageError,
)

CLASSES = {name: one for name, one in vars(errors).items() if name.endswith("Error")}


def test_the_tree_that_is_drawn_is_the_tree_that_is() -> None:
    drawn: dict[str, str | None] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([ │├└─]*)(\w+Error)\b", line)
        if found:
            branch[len(found.group(1)) // 4 :] = [found.group(2)]
            drawn[branch[-1]] = branch[-2] if len(branch) > 1 else None
    real = {
        name: base.__name__ if issubclass(base := one.__bases__[0], SchemaloraError) else None
        for name, one in CLASSES.items()
    }
    assert drawn == real


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecordError("a.jsonl", 3, "no JSON"), "a.jsonl:3: no JSON"),
        (RecordError("a.jsonl", None, "is empty"), "a.jsonl: is empty"),
        (SchemaError("$.a", "no value is left"), "no value is left @ $.a"),
        (
            MissingExtraError("training", "train", "torch"),
            "training needs the package 'torch': pip install 'schemalora[train]'",
        ),
        (ExtractionError("{", []), "the completion does not satisfy the contract"),
        (
            ExtractionError("{}", ["missing_key @ $.a", "missing_key @ $.b"]),
            "the completion does not satisfy the contract: missing_key @ $.a",
        ),
    ],
)
def test_messages(error: SchemaloraError, message: str) -> None:
    assert str(error) == message


def test_what_a_program_wants_to_know_stands_in_attributes() -> None:
    record = RecordError("a.jsonl", 3, "no JSON")
    assert (record.path, record.line) == (Path("a.jsonl"), 3)
    schema = SchemaError("$.a", "no value is left")
    assert (schema.path, schema.reason) == ("$.a", "no value is left")
    assert MissingExtraError("training", "train", "torch").extra == "train"
    extraction = ExtractionError("{}", ["missing_key @ $.a"])
    assert (extraction.completion, extraction.violations) == ("{}", ("missing_key @ $.a",))
    assert issubclass(RecordError, UsageError)
