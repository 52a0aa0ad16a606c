"""What lies beside a predictions file, and which rerun may go on with it."""

import json

import pytest

from schemalora.errors import RunFolderError
from schemalora.inference.prediction_log import PredictionLog
from schemalora.jsonl import read_json, write_json
from schemalora.records import Example, Prediction

EXAMPLES = [Example(f"text {n}", None, id=f"e{n}") for n in range(3)]
RUN = {"model": "m", "prompt_sha256": "p1", "adapter_sha256": "a1"}


def begin(path, run=RUN, **notes):
    return PredictionLog(path, EXAMPLES, run, notes=notes)


def answer(log, *places):
    for place in places:
        log.append(Prediction(EXAMPLES[place].id, "{}"))
        log.finish()


def ids(path):
    return [json.loads(line)["example_id"] for line in path.read_text().splitlines()]


def test_names_that_differ_behind_a_dot_are_two_runs(tmp_path):
    for threshold in ("0.1", "0.2"):
        answer(begin(tmp_path / f"p-{threshold}", {**RUN, "threshold": threshold}), 0)
    assert read_json(tmp_path / "p-0.1.run.json")["threshold"] == "0.1"
    with pytest.raises(RunFolderError, match=r'threshold \("0.2" there, "0.1" now\)'):
        begin(tmp_path / "p-0.2", {**RUN, "threshold": "0.1"})


def test_a_run_file_of_another_run_is_never_written_over(tmp_path):
    answer(begin(tmp_path / "p.jsonl"), 0)
    before = (tmp_path / "p.run.json").read_bytes()
    # Without an ending it has the same run file.
    with pytest.raises(RunFolderError, match=r"p\.run\.json: belongs to another .* remove it"):
        begin(tmp_path / "p", {**RUN, "model": "other"})
    assert (tmp_path / "p.run.json").read_bytes() == before
    assert not (tmp_path / "p").exists()


def test_a_run_that_wrote_no_row_leaves_nothing(tmp_path):
    begin(tmp_path / "p.jsonl", {**RUN, "max_new_tokens": 9999})
    assert list(tmp_path.iterdir()) == []
    begin(tmp_path / "p.jsonl")


def test_no_examples_are_an_empty_file(tmp_path):
    PredictionLog(tmp_path / "p.jsonl", [], RUN).finish()
    assert (tmp_path / "p.jsonl").read_bytes() == b""
    assert read_json(tmp_path / "p.run.json")["n"] == 0


def test_the_order_comes_with_the_last_row_and_keys_of_other_tools_stay(tmp_path):
    path = tmp_path / "p.jsonl"
    log = begin(path)
    answer(log, 2, 0)
    assert ids(path) == ["e2", "e0"]
    path.write_text(path.read_text().replace('"e2",', '"e2","judged":"good",'))
    answer(log, 1)
    assert ids(path) == ["e0", "e1", "e2"]
    assert json.loads(path.read_text().splitlines()[2])["judged"] == "good"
    # A file that is in order is not written again, however its rows are spelled.
    spelled = path.read_text().replace('"judged":"good"', '"judged": "good"')
    path.write_text(spelled)
    begin(path).finish()
    assert path.read_text() == spelled


@pytest.mark.parametrize("key", ["prompt_sha256", "adapter_sha256"])
def test_another_prompt_or_other_weights_are_refused_where_they_are_known(tmp_path, key):
    answer(begin(tmp_path / "p.jsonl"), 0)
    with pytest.raises(RunFolderError, match=key):
        begin(tmp_path / "p.jsonl", {**RUN, key: "other"})
    # Earlier versions did not keep it.
    header = read_json(tmp_path / "p.run.json")
    del header[key]
    write_json(tmp_path / "p.run.json", header)
    assert begin(tmp_path / "p.jsonl", {**RUN, key: "other"}).done.keys() == {"e0"}


def test_a_server_that_lists_other_weights_is_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    listed = {"id": "ticket", "root": "runs/ticket", "created": 1}
    answer(begin(path, listed_as=listed), 0)
    # The time of a listing is new each time; a server may list nothing at all.
    for same in ({**listed, "created": 2}, {"id": "ticket"}, None):
        begin(path, listed_as=same)
    with pytest.raises(RunFolderError, match=r'listed_as\.root \("runs/ticket" there, "runs/two"'):
        begin(path, listed_as={**listed, "root": "runs/two"})
