"""What a stopped run may be gone on with, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.errors import RunFolderError
from schemalora.training.folder import RunFolder
from schemalora.training.identity import changes, mends, run_identity

CONFIG = TrainingConfig(base_model="embedded", batch_size=4)


def test_where_the_log_goes_is_no_part_of_a_run(
    ticket_contract: Contract, ticket_records: list[TrainingRecord]
):
    other = replace(CONFIG, save_steps=7, logging_steps=1, report_to=("tensorboard",))
    other = replace(other, trl={"save_steps": 3})
    assert run_identity(ticket_contract, ticket_records, CONFIG) == run_identity(
        ticket_contract, ticket_records, other
    )


def test_a_tuple_of_the_python_api_is_no_other_run(
    ticket_contract: Contract, ticket_records: list[TrainingRecord], tmp_path: Path
):
    config = replace(CONFIG, peft={"layers_to_transform": (0, 1)})
    run = run_identity(ticket_contract, ticket_records, config)
    folder = RunFolder(tmp_path / "run")
    folder.claim(run, resume=False)
    assert folder.claim(run, resume=True).changes == ()


def test_only_what_mends_a_run_may_change(
    ticket_contract: Contract, ticket_records: list[TrainingRecord]
):
    before = run_identity(ticket_contract, ticket_records, CONFIG)
    mended = replace(CONFIG, learning_rate=1e-5, batch_size=2, gradient_accumulation=2)
    now = run_identity(ticket_contract, ticket_records, mended)
    assert changes(before, now, allowed=mends(mended)) == {
        "learning_rate": [1e-3, 1e-5],
        "batch_size": [4, 2],
        "gradient_accumulation": [1, 2],
    }
    fewer = replace(CONFIG, batch_size=2)
    with pytest.raises(RunFolderError, match=r"rows_per_step \(4 → 2\); .* raise one as the other"):
        changes(before, run_identity(ticket_contract, ticket_records, fewer), allowed=mends(fewer))
    with pytest.raises(RunFolderError, match=r"records \(24 → 23\), records_sha256"):
        changes(
            before, run_identity(ticket_contract, ticket_records[1:], CONFIG), allowed=mends(CONFIG)
        )


def test_a_change_is_kept_with_the_step_it_holds_from(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim({"learning_rate": 1.0}, resume=False)
    # Before the first checkpoint the run begins anew, in one piece.
    start = folder.claim({"learning_rate": 0.5}, resume=True, mendable=("learning_rate",))
    assert (start.checkpoint, start.changes, start.changed_now) == (None, (), False)
    (folder.unfinished / "checkpoint-9").mkdir(parents=True)
    folder.publish(9)
    first = {"step": 9, "settings": {"learning_rate": [0.5, 0.1]}}
    start = folder.claim({"learning_rate": 0.1}, resume=True, mendable=("learning_rate",))
    assert (start.changes, start.changed_now) == ((first,), True)
    start = folder.claim({"learning_rate": 0.1}, resume=True, mendable=("learning_rate",))
    assert (start.changes, start.changed_now) == ((first,), False)
