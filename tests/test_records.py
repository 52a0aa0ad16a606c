from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemalora.errors import RecordError
from schemalora.records import (
    Example,
    Message,
    Prediction,
    TrainingRecord,
    read_examples,
    read_predictions,
    read_records,
    write_examples,
    write_predictions,
    write_records,
)


def test_examples_survive_the_file(tmp_path: Path):
    examples = [
        Example(text="a", target={"x": None}),
        Example(text="b\n", target=[1], id="b", group="g", perturbations=("typos",), parent="a",
                seed=7, columns={"team": "blue"}),
    ]  # fmt: skip
    assert write_examples(tmp_path / "e.jsonl", examples) == 2
    assert list(read_examples(tmp_path / "e.jsonl")) == examples


def test_predictions_survive_the_file(tmp_path: Path):
    predictions = [
        Prediction(example_id="a", completion=""),
        Prediction(example_id="b", completion="{", prompt_tokens=3, completion_tokens=1,
                   seconds=0.5, finish_reason="length", confidence={"$.x": 0.25}),
    ]  # fmt: skip
    write_predictions(tmp_path / "p.jsonl", predictions)
    assert list(read_predictions(tmp_path / "p.jsonl")) == predictions


def test_predictions_of_other_tools_may_carry_more(tmp_path: Path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"example_id":"a","completion":"{}","model":"x","seconds":1}\n')
    assert list(read_predictions(path)) == [
        Prediction(example_id="a", completion="{}", seconds=1.0)
    ]


def test_records_are_trl_s_rows(tmp_path: Path):
    record = TrainingRecord(
        prompt=(Message(role="user", content="hi"),),
        completion=(Message(role="assistant", content="{}"),),
    )
    write_records(tmp_path / "r.jsonl", [record])
    assert json.loads((tmp_path / "r.jsonl").read_text()) == {
        "prompt": [{"role": "user", "content": "hi"}],
        "completion": [{"role": "assistant", "content": "{}"}],
    }
    assert list(read_records(tmp_path / "r.jsonl")) == [record]


def test_records_keep_their_group(tmp_path: Path):
    record = TrainingRecord(
        prompt=(Message(role="user", content="hi"),),
        completion=(Message(role="assistant", content="{}"),),
        group="template/a1",
    )
    write_records(tmp_path / "r.jsonl", [record])
    assert list(read_records(tmp_path / "r.jsonl")) == [record]


def test_text_and_target_are_enough(tmp_path: Path):
    path = tmp_path / "e.jsonl"
    path.write_text('{"text":"a","target":null}\n\n{"text":"b","target":{}}\n')
    assert [example.id for example in read_examples(path)] == ["line-1", "line-3"]


def test_ids_follow_from_the_content():
    assert Example(text="a", target=1).id == Example(text="a", target=1).id
    assert Example(text="a", target=1).id != Example(text="a", target=2).id


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"target":1}', "the key 'text' is missing"),
        ('{"text":"a"}', "the key 'target' is missing"),
        ('{"text":1,"target":1}', "'text' must be str, not number"),
        ('{"text":"a","target":1,"lable":2}', "unknown key 'lable'"),
        ('{"text":"a","target":1,"seed":true}', "'seed' must be int, not boolean"),
        ('{"text":"a","target":1,"perturbations":[1]}', "'perturbations' must hold strings"),
        ('{"text":"a","target":1,"columns":[]}', "'columns' must be dict, not array"),
    ],
)
def test_a_bad_example_is_named(row: str, reason: str, tmp_path: Path):
    path = tmp_path / "e.jsonl"
    path.write_text('{"text":"ok","target":1}\n' + row + "\n")
    with pytest.raises(RecordError, match=f"e.jsonl:2: {reason}"):
        list(read_examples(path))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"completion":"a"}', "the key 'example_id' is missing"),
        ('{"example_id":"a","completion":null}', "'completion' must be str, not null"),
        ('{"example_id":"a","completion":"","finish_reason":"done"}', "unknown finish_reason"),
        ('{"example_id":"a","completion":"","seconds":1e999}', "the number 1e999 is more than"),
        ('{"example_id":"a","completion":"","seconds":1e305}', "'seconds' must be at most 1e"),
        (
            f'{{"example_id":"a","completion":"","seconds":{"9" * 400}}}',
            "'seconds' is too large for a number",
        ),
        ('{"example_id":"a","completion":"","seconds":"1"}', "'seconds' must be int or float"),
        (
            '{"example_id":"a","completion":"","confidence":{"$.intent":"high"}}',
            r"'confidence' of '\$.intent' must be a number, not string",
        ),
        (
            '{"example_id":"a","completion":"","confidence":{"$.intent":true}}',
            r"'confidence' of '\$.intent' must be a number, not boolean",
        ),
    ],
)
def test_a_bad_prediction_is_named(row: str, reason: str, tmp_path: Path):
    path = tmp_path / "p.jsonl"
    path.write_text(row + "\n")
    with pytest.raises(RecordError, match=f"p.jsonl:1: {reason}"):
        list(read_predictions(path))


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ([{"role": "user"}], "role and content"),
        ([{"role": "robot", "content": ""}], "unknown role 'robot'"),
        ([{"role": "user", "content": 1}], "content that is not a string"),
        ("hi", "must be list"),
        ([], "holds no message"),
    ],
)
def test_a_bad_record_is_named(prompt: object, reason: str, tmp_path: Path):
    path = tmp_path / "r.jsonl"
    completion = [{"role": "assistant", "content": "{}"}]
    path.write_text(json.dumps({"prompt": prompt, "completion": completion}) + "\n")
    with pytest.raises(RecordError, match=reason):
        list(read_records(path))


@pytest.mark.parametrize(
    "completion",
    [[{"role": "user", "content": "{}"}], [{"role": "assistant", "content": "{}"}] * 2],
)
def test_a_completion_is_one_answer(completion: object, tmp_path: Path):
    path = tmp_path / "r.jsonl"
    prompt = [{"role": "user", "content": "hi"}]
    path.write_text(json.dumps({"prompt": prompt, "completion": completion}) + "\n")
    with pytest.raises(RecordError, match="one message of the assistant"):
        list(read_records(path))
