from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from schemalora.contract import Contract
from schemalora.errors import PreflightError
from schemalora.formatting import format_examples
from schemalora.records import Example, Message, TrainingRecord
from schemalora.sampling import sample
from schemalora.training.preflight import preflight, require_no_errors
from schemalora.training.tokens import IGNORED, TokenRow, tokenize_records


@pytest.fixture(scope="module")
def records(ticket_contract: Contract) -> list[TrainingRecord]:
    targets = sample(ticket_contract, 8, 0)
    return list(
        format_examples(
            ticket_contract,
            [Example(text=f"message {n}", target=target) for n, target in enumerate(targets)],
        )
    )


def kinds(
    contract: Contract, records: list[TrainingRecord], rows: list[TokenRow], tokenizer: Any
) -> list[str]:
    return [one.kind for one in preflight(contract, records, rows, tokenizer, max_length=200)]


def test_good_records_pass(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    rows = tokenize_records(tokenizer, records)
    assert kinds(ticket_contract, records, rows, tokenizer) == []
    for record, row in zip(records, rows, strict=True):
        learned = [label for label in row.labels if label != IGNORED]
        assert learned[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(learned[:-1]) == record.completion[0]["content"]
        assert row.labels[: len(row.prompt)] == [IGNORED] * len(row.prompt)


def with_completion(record: TrainingRecord, text: str) -> TrainingRecord:
    return replace(record, completion=(Message(role="assistant", content=text),))


def test_bad_targets_are_found(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    first = records[0].completion[0]["content"]
    changed = [
        with_completion(records[0], "{}"),
        with_completion(records[1], first.replace('","', '", "')),
    ]
    rows = tokenize_records(tokenizer, changed)
    findings = preflight(ticket_contract, changed, rows, tokenizer, max_length=200)
    assert {(one.kind, one.severity, one.row) for one in findings} == {
        ("invalid_target", "error", 0),
        ("not_canonical", "warning", 1),
    }
    with pytest.raises(PreflightError, match="invalid_target in record 0"):
        require_no_errors(findings)


def test_broken_tokens_are_found(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    row = tokenize_records(tokenizer, records[:1])[0]
    eos = tokenizer.eos_token_id
    cases = {
        "end_token_lost": replace(row, completion=row.completion[:-1]),
        "end_token_inside": replace(row, completion=(eos, *row.completion)),
        "not_reversible": replace(row, completion=(*row.completion[1:-1], eos)),
        "too_long": replace(row, prompt=row.prompt * 20),
    }
    for kind, broken in cases.items():
        assert kind in kinds(ticket_contract, records[:1], [broken], tokenizer)


def test_two_bos_tokens_are_found(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    row = tokenize_records(tokenizer, records[:1])[0]
    doubled = replace(row, prompt=(tokenizer.bos_token_id, *row.prompt))
    assert kinds(ticket_contract, records[:1], [doubled], tokenizer) == ["double_bos"]


def test_a_tokenizer_that_changes_text_is_found(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    from tokenizers import normalizers

    lossy = copy.deepcopy(tokenizer)
    lossy.backend_tokenizer.normalizer = normalizers.Lowercase()
    loud = [replace_text(records[0], ticket_contract)]
    rows = tokenize_records(lossy, loud)
    assert "not_reversible" in kinds(ticket_contract, loud, rows, lossy)


def replace_text(record: TrainingRecord, contract: Contract) -> TrainingRecord:
    value = contract.parse(record.completion[0]["content"]).value
    assert isinstance(value, dict)
    return with_completion(record, contract.encode({**value, "clarifying_question": "WHICH ONE?"}))


def test_the_error_says_how_many_there_are(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    changed = [with_completion(record, "{}") for record in records]
    rows = tokenize_records(tokenizer, changed)
    findings = preflight(ticket_contract, changed, rows, tokenizer, max_length=200)
    assert [one.kind for one in findings] == ["invalid_target"] * 8
    with pytest.raises(PreflightError, match=r"in record 0.*\(and 7 more\)"):
        require_no_errors(findings)
