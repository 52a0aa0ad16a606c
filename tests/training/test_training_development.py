from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.base_model import find_base_model
from schemalora.errors import UsageError
from schemalora.formatting import encode_prompt
from schemalora.records import Message
from schemalora.training.development import DevelopmentSet, hold_out
from schemalora.training.prepare import prepare
from schemalora.training.tokens import TokenRow, to_dataset, tokenize_records

ROWS = [TokenRow(prompt=(1,), completion=(2,) * (n + 1)) for n in range(24)]


Take = Callable[..., DevelopmentSet]


@pytest.fixture
def take(ticket_contract: Contract, tokenizer: Any) -> Take:
    def taken(records: list[TrainingRecord], *, seed: int = 0) -> DevelopmentSet:
        rows = ROWS[: len(records)]
        return hold_out(ticket_contract, records, rows, count=4, seed=seed, tokenizer=tokenizer)

    return taken


def test_whole_groups_are_held_out(
    take: Take, ticket_contract: Contract, ticket_records: list[TrainingRecord]
):
    taken = take(ticket_records)
    asked = {int(one.id.removeprefix("record-")) for one in taken.examples}
    assert len(asked) == 4
    assert asked <= taken.held_out
    groups = {ticket_records[index].group for index in taken.held_out}
    trained = [one for at, one in enumerate(ticket_records) if at not in taken.held_out]
    assert not groups & {one.group for one in trained}
    for one in taken.examples:
        record = ticket_records[int(one.id.removeprefix("record-"))]
        assert one.text == record.prompt[-1]["content"]
        assert ticket_contract.encode(one.target) == record.completion[0]["content"]
    longest = max(len(ROWS[index].completion) for index in asked)
    assert longest < taken.max_new_tokens <= longest * 1.25 + 1


def test_the_seed_decides(take: Take, ticket_records: list[TrainingRecord]):
    first = take(ticket_records)
    assert take(ticket_records) == first
    others = [take(ticket_records, seed=seed).held_out for seed in range(1, 5)]
    assert any(other != first.held_out for other in others)


def test_held_out_rows_are_not_trained_on(take: Take, ticket_records: list[TrainingRecord]):
    taken = take(ticket_records)
    trained = to_dataset(ROWS, held_out=taken.held_out)["record"]
    assert sorted({*trained, *taken.held_out}) == list(range(24))
    assert len(trained) + len(taken.held_out) == 24


def test_too_many_rows_are_refused(take: Take, ticket_records: list[TrainingRecord]):
    with pytest.raises(UsageError, match="more than half of the 6 records"):
        take(ticket_records[:6])
    one_group = [replace(one, group="all") for one in ticket_records]
    with pytest.raises(UsageError, match="development_rows"):
        take(one_group)


def test_an_answer_and_its_prompt_fit_into_the_context_or_the_run_is_refused(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tokenizer: Any,
    tmp_path: Path,
):
    """Every row fits by itself; one has a long prompt, and the target of another is longer."""
    config = replace(tiny_config, development_rows=4)
    base = Path(shutil.copytree(tiny_config.base_model, tmp_path / "base"))
    settings = json.loads((base / "config.json").read_text())

    def taken(records: list[TrainingRecord], context: int) -> DevelopmentSet:
        (base / "config.json").write_text(
            json.dumps({**settings, "max_position_embeddings": context})
        )
        found = find_base_model(str(base))
        prepared = prepare(ticket_contract, records, config, base_model=found, tokenizer=tokenizer)
        assert prepared.development is not None
        return prepared.development

    rows = tokenize_records(tokenizer, ticket_records)
    plain = taken(ticket_records, 1024)
    asked = sorted(plain.held_out, key=lambda index: len(rows[index].completion))
    short, longest = asked[0], len(rows[asked[-1]].completion)
    assert longest > len(rows[short].completion)
    assert plain.max_new_tokens == longest + longest // 4 + 1

    # Words that the rows differ in decide what is held out, so the text grows by none of them.
    long_prompt = lengthened(ticket_records[short])
    records = [long_prompt if at == short else one for at, one in enumerate(ticket_records)]
    prompt = len(encode_prompt(tokenizer, long_prompt.prompt))
    tight = taken(records, prompt + longest)
    assert tight.held_out == plain.held_out
    assert tight.max_new_tokens == longest
    with pytest.raises(
        UsageError,
        match=rf"record {short} has {prompt} tokens.* context of {prompt + longest - 1}.* "
        rf"record {asked[-1]} has {longest}; shorten record {short}, .* development_rows = 0",
    ):
        taken(records, prompt + longest - 1)


def lengthened(record: TrainingRecord) -> TrainingRecord:
    system, user = record.prompt
    text = user["content"] + "again " * 60
    return replace(record, prompt=(system, Message(role="user", content=text)))
