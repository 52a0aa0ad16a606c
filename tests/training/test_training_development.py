from __future__ import annotations

from dataclasses import replace

import pytest

from schemalora import Contract, TrainingRecord
from schemalora.errors import UsageError
from schemalora.training.development import DevelopmentSet, hold_out
from schemalora.training.tokens import TokenRow, to_dataset

ROWS = [TokenRow(prompt=(1,), completion=(2,) * (n + 1)) for n in range(24)]


def take(contract: Contract, records: list[TrainingRecord], *, seed: int = 0) -> DevelopmentSet:
    return hold_out(contract, records, ROWS[: len(records)], count=4, seed=seed)


def test_whole_groups_are_held_out(ticket_contract: Contract, ticket_records: list[TrainingRecord]):
    taken = take(ticket_contract, ticket_records)
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


def test_the_seed_decides(ticket_contract: Contract, ticket_records: list[TrainingRecord]):
    first = take(ticket_contract, ticket_records)
    assert take(ticket_contract, ticket_records) == first
    others = [take(ticket_contract, ticket_records, seed=seed).held_out for seed in range(1, 5)]
    assert any(other != first.held_out for other in others)


def test_held_out_rows_are_not_trained_on(
    ticket_contract: Contract, ticket_records: list[TrainingRecord]
):
    taken = take(ticket_contract, ticket_records)
    trained = to_dataset(ROWS, held_out=taken.held_out)["record"]
    assert sorted({*trained, *taken.held_out}) == list(range(24))
    assert len(trained) + len(taken.held_out) == 24


def test_too_many_rows_are_refused(ticket_contract: Contract, ticket_records: list[TrainingRecord]):
    with pytest.raises(UsageError, match="more than half of the 6 records"):
        take(ticket_contract, ticket_records[:6])
    one_group = [replace(one, group="all") for one in ticket_records]
    with pytest.raises(UsageError, match="development_rows"):
        take(ticket_contract, one_group)
