"""Collators that teach something else are found before the first step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalora.contract import Contract
from schemalora.errors import PreflightError
from schemalora.records import TrainingRecord
from schemalora.training.batch_check import CHECKED_ROWS, check_batches
from schemalora.training.collator import PackedCollator, RightAlignedCollator
from schemalora.training.preflight import preflight, require_no_errors
from schemalora.training.tokens import IGNORED, TokenRow, tokenize_records

KINDS = [PackedCollator, RightAlignedCollator]
EOS = 9
Kind = type[PackedCollator] | type[RightAlignedCollator]
ids = st.lists(st.integers(1, 9), min_size=1, max_size=6)


class Letters:
    """A tokenizer as far as a finding needs one: it pads with its end token."""

    pad_token_id = eos_token_id = EOS

    def decode(self, ids: list[int], **_: object) -> str:
        return "".join(chr(96 + token) for token in ids)


def masks_padding_by_id(rows: Sequence[dict[str, Any]], pad: int) -> list[dict[str, Any]]:
    """The rows of a collator that takes every padding token out of the loss, wherever it stands."""
    return [
        {**row, "labels": [IGNORED if label == pad else label for label in row["labels"]]}
        for row in rows
    ]


@settings(max_examples=30, deadline=None)
@given(pairs=st.lists(st.tuples(ids, ids), min_size=1, max_size=20))
@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_both_kinds_teach_the_targets(
    kind: Kind, pairs: list[tuple[list[int], list[int]]]
):
    rows = [TokenRow(prompt=tuple(a), completion=(*b, EOS)) for a, b in pairs]
    assert check_batches(rows, Letters(), [kind(pad_token_id=EOS)]) == {}


ROWS = [TokenRow(prompt=(1,) * (n + 1), completion=(2, 3, EOS)) for n in range(20)]


def shifted(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "targets": batch["targets"].roll(1, dims=1)}


def other_tokens(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "input_ids": batch["input_ids"].clamp(max=2)}


def whole_rows(batch: dict[str, Any]) -> dict[str, Any]:
    real = batch["attention_mask"].bool()
    return {**batch, "labels": batch["input_ids"].masked_fill(~real, IGNORED)}


def learned_padding(batch: dict[str, Any]) -> dict[str, Any]:
    padding = batch["attention_mask"] == 0
    return {**batch, "labels": batch["labels"].masked_fill(padding, EOS)}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shifted, r"token \d+ of the row, 'b', is of the target and not learned"),
        (other_tokens, r"token \d+ of the row, 'c', is fed as token 2"),
        (whole_rows, r"token 0 of the row, 'a', is of the prompt and learned"),
        (learned_padding, "padding carries loss"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_batches_are_found_by_row_and_token(
    kind: Kind, spoil: Callable[[dict[str, Any]], dict[str, Any]], message: str
):
    collate = kind(pad_token_id=EOS)
    found = check_batches(ROWS, Letters(), [lambda rows: spoil(collate(rows))])
    assert found
    for index, finding in found.items():
        assert (finding.kind, finding.severity, finding.row) == ("masked_wrong", "error", index)
    with pytest.raises(PreflightError, match=f"{message}.*report it"):
        require_no_errors([*found.values()])


def test_a_sample_has_the_shortest_and_the_longest_rows():
    rows = ROWS * 100
    seen: list[int] = []

    def collate(given: Sequence[dict[str, Any]]) -> dict[str, Any]:
        seen.extend(row["record"] for row in given)
        return RightAlignedCollator(pad_token_id=EOS)(given)

    assert check_batches(rows, Letters(), [collate]) == {}
    lengths = [len(rows[index]) for index in seen]
    assert len(set(seen)) == len(seen) == CHECKED_ROWS
    assert {min(lengths), max(lengths)} == {len(ROWS[0]), len(ROWS[-1])}


@pytest.mark.parametrize("kind", KINDS)
def test_the_preflight_finds_a_collator_that_masks_the_end_token_with_the_padding(
    kind: Kind,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tokenizer: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    right = kind.__call__

    def wrong(self: Any, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return right(self, masks_padding_by_id(rows, self.pad_token_id))

    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.pad_token = tokenizer.eos_token
    rows = tokenize_records(tokenizer, ticket_records)
    given = (ticket_contract, ticket_records, rows, tokenizer)
    assert preflight(*given, max_length=200) == []
    monkeypatch.setattr(kind, "__call__", wrong)
    found = preflight(*given, max_length=200)
    assert [(one.kind, one.row) for one in found] == [("masked_wrong", n) for n in range(24)]
    end = len(rows[0]) - 1
    with pytest.raises(
        PreflightError,
        match=rf"record 0: in batches of {kind.__name__}, token {end} of the row, .*"
        "not learned; it is the tokenizer's padding token: give the tokenizer a pad_token",
    ):
        require_no_errors(found)
