from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora.errors import RecordError, UsageError
from schemalora.jsonl import atomic_write, read_json, read_jsonl, write_json, write_jsonl
from schemalora.jsonvalue import JsonValue

json_objects = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=8,
    ),
    max_size=4,
)  # fmt: skip


@given(rows=st.lists(json_objects, max_size=4))
def test_what_is_written_is_read(rows: list[JsonValue], tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("jsonl") / "rows.jsonl"
    assert write_jsonl(path, rows) == len(rows)
    assert [row for _, row in read_jsonl(path)] == rows


def test_a_failed_write_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}])

    def broken():
        yield {"b": 2}
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_jsonl(path, broken())
    assert path.read_text() == '{"a":1}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["rows.jsonl"]


def test_atomic_write_gives_ordinary_permissions(tmp_path: Path):
    with atomic_write(tmp_path / "new.txt") as file:
        file.write("x")
    (tmp_path / "usual.txt").write_text("x")
    assert (tmp_path / "new.txt").stat().st_mode == (tmp_path / "usual.txt").stat().st_mode


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path):
    path = tmp_path / "secret.jsonl"
    path.touch(mode=0o600)
    write_jsonl(path, [{"a": 1}])
    assert (path.stat().st_mode & 0o777, path.read_text()) == (0o600, '{"a":1}\n')


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, there: bool):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "rows.jsonl"
    if there:
        target.write_text("old")
    link = tmp_path / "link.jsonl"
    link.symlink_to(target)
    write_jsonl(link, [{"a": 1}])
    assert link.is_symlink()
    assert target.read_text() == '{"a":1}\n'
    assert [one.name for one in target.parent.iterdir()] == ["rows.jsonl"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_jsonl(pipe, [{"a": 1}])
        assert os.read(reader, 100) == b'{"a":1}\n'
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]


def test_a_pipe_whose_reader_goes_away_is_named(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def rows():
        yield {"a": 1}
        os.close(reader)
        yield {"b": 2}

    with pytest.raises(UsageError, match="pipe: its reader went away"):
        write_jsonl(pipe, rows())


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b'{"a":1}\n{"b":', 2, "the file ends inside this line"),
        (b'\n\n{"a":1}\n[1]\n', 4, "not a JSON object"),
        (b'{"a":"\xff"}\n', 1, "not UTF-8"),
        (b'{"a":NaN}\n', 1, "NaN is not JSON"),
        (b'{"a":1} x\n', 1, "not JSON"),
        (b'{"a":1e308}\n{"a":{"b":[-1e999]}}\n', 2, "the number -1e999 is more than a double"),
        (b"[" * 100_000 + b"\n", 1, "not JSON"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(
    content: bytes, line: int, reason: str, tmp_path: Path
):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=reason) as caught:
        list(read_jsonl(path))
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_missing_file_is_wrong_use(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        list(read_jsonl(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match="cannot be read"):
        read_json(tmp_path / "none.json")


def test_json_files(tmp_path: Path):
    write_json(tmp_path / "value.json", {"ä": [1, None]})
    assert read_json(tmp_path / "value.json") == {"ä": [1, None]}
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(UsageError, match="no JSON object"):
        read_json(tmp_path / "list.json")
    (tmp_path / "half.json").write_text("{")
    with pytest.raises(UsageError, match="not a JSON file"):
        read_json(tmp_path / "half.json")
