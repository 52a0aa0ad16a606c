from __future__ import annotations

import copy
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import processors

from schemalora.contract import Contract
from schemalora.errors import PreflightError, UsageError
from schemalora.formatting import PromptFormat, format_examples
from schemalora.records import Example, Message, TrainingRecord
from schemalora.sampling import sample
from schemalora.training import TrainingConfig, train
from schemalora.training.findings import PreflightFinding
from schemalora.training.preflight import preflight, require_no_errors, summary
from schemalora.training.tokens import IGNORED, TokenRow, tokenize_records
from spaced import spaced_tokenizer


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
        ("banned_token", "error", 1),
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


def test_prompts_without_the_bos_that_plain_text_gets_are_a_warning(
    ticket_contract: Contract, records: list[TrainingRecord]
):
    """In turn: a template that writes it, the default one, and a tokenizer that adds none."""
    tokenizer = spaced_tokenizer("Metaspace")
    added = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    with_bos = tokenizer.chat_template
    for adds, template, warned in ((True, with_bos, 0), (True, None, 1), (False, None, 0)):
        plain = processors.TemplateProcessing(single="$A", special_tokens=[])
        tokenizer.backend_tokenizer.post_processor = added if adds else plain
        tokenizer.chat_template = template
        rows = tokenize_records(tokenizer, records)
        found = preflight(ticket_contract, records, rows, tokenizer, max_length=2000)
        on_bos = [(one.kind, one.severity, one.row) for one in found if "bos" in one.kind]
        assert on_bos == [("no_bos", "warning", None)] * warned, (adds, template)


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


def one_of(
    kind: str,
    contract: Contract,
    records: list[TrainingRecord],
    tokenizer: Any,
    **options: Any,
) -> PreflightFinding:
    rows = tokenize_records(tokenizer, records)
    found = preflight(contract, records, rows, tokenizer, max_length=200, **options)
    (finding,) = [one for one in found if one.kind == kind]
    return finding


def test_a_target_that_decoding_would_ban_is_found_at_its_token(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    text = records[0].completion[0]["content"]
    value = json.loads(text)
    changed = {
        "white space": json.dumps(value),
        "key order": json.dumps(dict(reversed(value.items())), separators=(",", ":")),
        "escapes": text.replace('"priority"', '"\\u0070riority"'),
    }
    for name, completion in changed.items():
        drifted = [records[1], with_completion(records[0], completion)]
        finding = one_of("banned_token", ticket_contract, drifted, tokenizer)
        assert (finding.row, finding.severity) == (1, "error"), name
        assert "would be banned by constrained decoding" in finding.message
        free = one_of(
            "banned_token", ticket_contract, drifted, tokenizer, constrained_serving=False
        )
        assert free.severity == "warning"


def test_a_contract_that_decoding_cannot_enforce_is_reported_once(tokenizer: Any):
    contract = Contract.from_json_schema(
        {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, name="Numbers"
    )
    records = list(
        format_examples(contract, [Example(text=str(n), target=[n, n + 1]) for n in range(3)])
    )
    finding = one_of("not_enforceable", contract, records, tokenizer)
    assert (finding.row, finding.severity) == (None, "warning")
    assert "uniqueItems @ $" in str(finding)
    # What may be banned all the same is no error then: nobody will be served like that.
    spaced = [with_completion(records[0], "[0, 1]")]
    assert one_of("banned_token", contract, spaced, tokenizer).severity == "warning"


def test_values_of_any_kind_pass_the_replay(tokenizer: Any):
    for value in (0, -17, 3.25, True, None, "", 'quote " and \\ and \n', "Zoë 東京", [], [1, [2]]):
        contract = Contract.from_json_schema({}, name="Anything")
        records = list(format_examples(contract, [Example(text="x", target=value)]))
        rows = tokenize_records(tokenizer, records)
        found = preflight(contract, records, rows, tokenizer, max_length=200)
        assert [one for one in found if one.severity == "error"] == [], value


def test_a_prompt_of_another_style_is_an_error_that_names_it(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    schema = PromptFormat(style="schema")
    finding = one_of("other_prompt", ticket_contract, records[:1], tokenizer, prompt_format=schema)
    assert finding.severity == "error"
    assert "of style 'short'" in finding.message
    assert "set prompt_style = 'short', or format the records in 'schema'" in finding.message


def test_a_prompt_of_no_style_is_a_warning(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    own = Message(role="system", content="Read the ticket.")
    record = replace(records[0], prompt=(own, records[0].prompt[-1]))
    finding = one_of("other_prompt", ticket_contract, [record], tokenizer)
    assert finding.severity == "warning"
    assert "change prompt_style" in finding.message


def test_tokens_beyond_the_embeddings_are_found(
    ticket_contract: Contract, records: list[TrainingRecord], tokenizer: Any
):
    finding = one_of("unknown_token", ticket_contract, records[:1], tokenizer, vocabulary=40_000)
    assert "beyond the model's 40000 embeddings" in finding.message


def test_without_the_engine_the_replay_is_said_to_be_left_out(
    ticket_contract: Contract,
    records: list[TrainingRecord],
    tokenizer: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    find = importlib.util.find_spec

    def without_engine(name: str, package: str | None = None) -> object:
        return None if name == "llguidance" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_engine)
    finding = one_of("not_replayed", ticket_contract, records, tokenizer)
    assert "schemalora[constrained]" in finding.message


def test_a_thousand_equal_warnings_are_one_line():
    same = [PreflightFinding("not_canonical", "warning", row, "spaces") for row in range(1000)]
    other = PreflightFinding("other_prompt", "warning", 3, "other")
    assert summary([*same, other]) == [
        "warning: not_canonical in record 0: spaces (and 999 more)",
        "warning: other_prompt in record 3: other",
    ]


@pytest.mark.parametrize(("count", "message"), [(0, "no training records"), (1, "one training")])
def test_fewer_than_two_records_are_refused_before_a_model_is_loaded(
    count: int,
    message: str,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
):
    config = TrainingConfig(base_model="./no-such-model")
    with pytest.raises(UsageError, match=message):
        train(ticket_contract, ticket_records[:count], config, output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
