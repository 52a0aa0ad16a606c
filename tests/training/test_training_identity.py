"""What a stopped run may be gone on with, and what is refused."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.base_model import BaseModel
from schemalora.errors import RunFolderError
from schemalora.tokenizer_pin import tokenizer_hash
from schemalora.training.folder import RunFolder
from schemalora.training.identity import changes, mends, run_identity

CONFIG = TrainingConfig(base_model="embedded", batch_size=4, dtype="float32")
BASE = BaseModel(name="embedded", location="/nowhere", revision="r1")


@pytest.fixture
def identity(ticket_contract: Contract, ticket_records: list[TrainingRecord], tokenizer: Any):
    def identity(config: TrainingConfig = CONFIG, **other: Any) -> dict[str, Any]:
        parts = {"records": ticket_records, "base_model": BASE, "tokenizer": tokenizer, **other}
        return run_identity(ticket_contract, config=config, **parts)

    return identity


def test_where_the_log_goes_is_no_part_of_a_run(identity: Any):
    other = replace(CONFIG, save_steps=7, logging_steps=1, report_to=("tensorboard",))
    assert identity(replace(other, trl={"save_steps": 3})) == identity()


def test_a_tuple_of_the_python_api_is_no_other_run(identity: Any, tmp_path: Path):
    run = identity(replace(CONFIG, peft={"layers_to_transform": (0, 1)}))
    folder = RunFolder(tmp_path / "run")
    folder.claim(run, resume=False)
    assert folder.claim(run, resume=True).changes == ()


def test_only_what_mends_a_run_may_change(identity: Any, ticket_records: list[TrainingRecord]):
    mended = replace(CONFIG, learning_rate=1e-5, batch_size=2, gradient_accumulation=2)
    assert changes(identity(), identity(mended), allowed=mends(mended)) == {
        "learning_rate": [1e-3, 1e-5],
        "batch_size": [4, 2],
        "gradient_accumulation": [1, 2],
    }
    fewer = replace(CONFIG, batch_size=2)
    with pytest.raises(RunFolderError, match=r"rows_per_step \(4 → 2\); .* raise one as the other"):
        changes(identity(), identity(fewer), allowed=mends(fewer))
    with pytest.raises(RunFolderError, match=r"records \(24 → 23\), records_sha256"):
        changes(identity(), identity(records=ticket_records[1:]), allowed=mends(CONFIG))


def test_another_base_model_is_another_run(identity: Any, tokenizer: Any):
    before = identity(replace(CONFIG, base_model="some/model", fallback_base_model="embedded"))
    assert before == identity()
    hub = BaseModel(name="some/model", location="some/model", revision="c0ffee")
    with pytest.raises(RunFolderError) as caught:
        changes(before, identity(base_model=hub), allowed=mends(CONFIG))
    assert "base_model (embedded → some/model), base_model_revision (r1 → c0ffee)" in str(
        caught.value
    )
    assert "set base_model to the one of then" in str(caught.value)
    other: Any = copy.deepcopy(tokenizer)
    other.chat_template += " "
    with pytest.raises(RunFolderError, match="other settings: template"):
        changes(before, identity(tokenizer=other), allowed=mends(CONFIG))


def test_a_run_that_kept_a_hash_of_the_first_kind_goes_on(identity: Any, tokenizer: Any):
    before = {**identity(), "tokenizer": tokenizer_hash(tokenizer, like="0" * 64)}
    assert identity()["tokenizer"].startswith("v2:")
    assert changes(before, identity(stopped=before)) == {}
    assert changes(identity(), identity(stopped=identity())) == {}
    with pytest.raises(RunFolderError, match="other settings: tokenizer"):
        changes({**before, "tokenizer": "0" * 64}, identity(stopped=before))


def test_another_number_of_processes_is_another_run(identity: Any):
    before = {**identity(), "processes": 2, "rows_per_step": 8}
    with pytest.raises(RunFolderError, match=r"processes \(2 → 1\).*start as many processes"):
        changes(before, identity(), allowed=mends(CONFIG))


def test_a_dtype_is_changed_by_name_only(identity: Any):
    assert changes({**identity(), "dtype": "float16"}, identity(), allowed=mends(CONFIG))
    auto = replace(CONFIG, dtype="auto")
    with pytest.raises(RunFolderError, match=r"dtype \(float16 → \w+\); set dtype"):
        changes({**identity(), "dtype": "float16"}, identity(auto), allowed=mends(auto))


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
