"""Every predictions file has its own run file, and a hash that knows ids, texts and their order."""

import pytest

from schemalora.origin import TextHash, run_file
from schemalora.records import Example


@pytest.mark.parametrize(
    ("predictions", "run"),
    [
        ("out/predictions.jsonl", "out/predictions.run.json"),
        ("out/p-0.1", "out/p-0.1.run.json"),
        ("out/p-0.2", "out/p-0.2.run.json"),
        ("p-0.1.jsonl", "p-0.1.run.json"),
        ("p.json", "p.json.run.json"),
    ],
)
def test_where_a_run_file_lies(predictions: str, run: str) -> None:
    assert run_file(predictions).as_posix() == run


def hash_of(*rows: tuple[str, str]) -> str:
    texts = TextHash()
    for row_id, text in rows:
        texts.add(Example(text, None, id=row_id))
    return texts.hexdigest()


def test_the_hash_is_that_of_earlier_run_files() -> None:
    rows = [("a", "one"), ("b", "\ud800 two")]
    assert hash_of(*rows) == "1a37934cc745a08bb126285727b02c3edf19176a8a0cdb699a844c827bddb03c"
    assert hash_of(*reversed(rows)) != hash_of(*rows)
    assert hash_of(("a", "one"), ("b", "three")) != hash_of(*rows)
