"""Rows that do not belong together are refused, with counts and names."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora.compliance import evaluate, evaluate_files
from schemalora.compliance.pairing import RowIndex, row_key
from schemalora.errors import PairingError
from schemalora.jsonl import write_json
from schemalora.origin import TextHash
from schemalora.records import Example, Prediction, write_examples, write_predictions
from tickets import CONTRACT, TARGET, examples, predictions

ROWS = examples(10)
ANSWERS = predictions(ROWS)


@pytest.mark.parametrize(
    ("rows", "answers", "message"),
    [
        ([], [], "there are no examples to score; the file is empty"),
        ([], ANSWERS, "there are no examples to score, but 10 predictions"),
        (ROWS, [], "10 of 10 examples have no prediction (ex-00000, ex-00001, ex-00002, "),
        (ROWS, ANSWERS[:-1], "1 of 10 examples have no prediction (ex-00009); allow_missing"),
        (ROWS[1:], ANSWERS, "1 predictions belong to no example (ex-00000)"),
        ([*ROWS, ROWS[4]], ANSWERS, "1 example ids are used more than once (ex-00004)"),
        (ROWS, [*ANSWERS, ANSWERS[4]], "1 examples have two predictions (ex-00004)"),
        (ROWS, [ANSWERS[4], *ANSWERS], "1 examples have two predictions (ex-00004)"),
        ([ROWS[0], *ROWS], [ANSWERS[0], *ANSWERS], "1 example ids are used more than once"),
    ],
)
def test_what_does_not_fit_is_counted_and_named(
    rows: list[Example], answers: list[Prediction], message: str
) -> None:
    with pytest.raises(PairingError, match=re.escape(message)):
        evaluate(CONTRACT, rows, answers)


def test_predictions_of_other_examples_are_refused_even_when_missing_ones_are_allowed() -> None:
    others = [Prediction(f"other-{i}", "{}") for i in range(8)]
    with pytest.raises(PairingError, match="8 predictions belong to no example"):
        evaluate(CONTRACT, ROWS, others, allow_missing=True)


def test_examples_of_another_contract_are_refused() -> None:
    rows = [Example("text", {"colour": "red"}, id=str(i)) for i in range(4)]
    answers = [Prediction(str(i), '{"colour":"red"}') for i in range(4)]
    with pytest.raises(PairingError, match="not one of the 4 targets that were looked at"):
        evaluate(CONTRACT, rows, answers)


def test_some_targets_that_do_not_comply_are_noted() -> None:
    rows = [Example("text", TARGET, id="good"), Example("text", {"colour": "red"}, id="bad")]
    report = evaluate(CONTRACT, rows, [Prediction(row.id, "{}") for row in rows])
    assert any("1 targets do not comply" in note for note in report.notes)


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_any_order_of_both_sides_is_paired(rng: random.Random, n: int) -> None:
    rows = examples(n)
    answers = predictions(rows, spoilt=0)
    report = evaluate(CONTRACT, rng.sample(rows, n), iter(rng.sample(answers, n)))
    assert report.metrics["exact_match"].count == n


@pytest.mark.parametrize("score_bits", [15, 63, 200])
def test_the_index_agrees_with_a_set_while_it_grows(score_bits: int) -> None:
    rng = random.Random(0)
    index, seen = RowIndex(score_bits), dict[str, int]()
    for i in range((1 << score_bits) - 10_001, (1 << score_bits) - 1):
        row_id = f"id-{rng.randrange(6_000)}"
        assert index.add(row_id) == (row_id not in seen)
        if row_id not in seen:
            seen[row_id] = i
            index.set_score(row_id, i)
    assert len(index) == len(seen)
    assert all(index.score(row_key(row_id)) == score for row_id, score in seen.items())
    assert "id-absent" not in index
    assert index.score(row_key("id-absent")) is None


def test_objects_that_share_no_key_with_the_contract_are_noted() -> None:
    strangers = [Prediction(row.id, '{"colour":"red"}') for row in ROWS]
    note = "Not one of the 10 JSON objects that came has a key of the contract"
    assert any(note in one for one in evaluate(CONTRACT, ROWS, strangers).notes)
    mixed = [Prediction(ROWS[0].id, CONTRACT.encode(ROWS[0].target)), *strangers[1:]]
    assert not any(note[:10] in one for one in evaluate(CONTRACT, ROWS, mixed).notes)


def test_files_that_say_they_belong_to_another_contract_are_refused(tmp_path: Path) -> None:
    write_examples(tmp_path / "eval.jsonl", ROWS)
    write_predictions(tmp_path / "base.jsonl", ANSWERS)
    paths = (tmp_path / "eval.jsonl", tmp_path / "base.jsonl")
    expected = evaluate(CONTRACT, ROWS, ANSWERS)
    assert evaluate_files(CONTRACT, *paths) == expected
    write_json(tmp_path / "base.run.json", {"contract": CONTRACT.fingerprint})
    assert evaluate_files(CONTRACT, *paths) == expected
    write_json(tmp_path / "base.run.json", {"contract": "0123456789abcdef"})
    with pytest.raises(PairingError, match=r"under another contract \(0123456789ab, says"):
        evaluate_files(CONTRACT, *paths)


def test_files_that_were_made_of_other_texts_are_refused(tmp_path: Path) -> None:
    write_examples(tmp_path / "eval.jsonl", ROWS)
    write_predictions(tmp_path / "base.jsonl", ANSWERS)
    paths = (tmp_path / "eval.jsonl", tmp_path / "base.jsonl")
    texts = TextHash()
    for row in ROWS:
        texts.add(row)
    write_json(
        tmp_path / "base.run.json",
        {"contract": CONTRACT.fingerprint, "n": len(ROWS), "examples": texts.hexdigest()},
    )
    assert evaluate_files(CONTRACT, *paths).n == len(ROWS)
    # Made again by another seed: the same ids.
    again = [replace(row, text=f"{row.text} again") for row in ROWS]
    write_examples(tmp_path / "eval.jsonl", again)
    for allow_missing in (False, True):
        with pytest.raises(PairingError, match=r"base\.jsonl: made of other .*eval\.jsonl \(says"):
            evaluate_files(CONTRACT, *paths, allow_missing=allow_missing)
    # Answers to a part of the examples: nothing is known of the whole.
    write_examples(tmp_path / "eval.jsonl", [*ROWS, replace(ROWS[0], id="one-more")])
    assert evaluate_files(CONTRACT, *paths, allow_missing=True).n == len(ROWS) + 1


def test_files_of_like_names_have_a_run_file_each(tmp_path: Path) -> None:
    write_examples(tmp_path / "eval.jsonl", ROWS)
    write_predictions(tmp_path / "p-0.1", ANSWERS)
    paths = (tmp_path / "eval.jsonl", tmp_path / "p-0.1")
    write_json(tmp_path / "p-0.run.json", {"contract": "of p-0"})
    assert evaluate_files(CONTRACT, *paths).n == len(ROWS)
    write_json(tmp_path / "p-0.1.run.json", {"contract": "of p-0.1"})
    with pytest.raises(PairingError, match="under another contract"):
        evaluate_files(CONTRACT, *paths)
