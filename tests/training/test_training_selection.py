"""The adapter of the best moment is kept, and a resumed run keeps the same one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora import Contract, Prediction, TrainingConfig, TrainingRecord, evaluate
from schemalora.adapter import Adapter
from schemalora.compliance import ComplianceReport
from schemalora.errors import RunFolderError, TrainingError, UsageError
from schemalora.training import train
from schemalora.training.folder import RunFolder
from schemalora.training.selection import (
    Evaluation,
    SelectionCallback,
    measurements_without_gain,
    selected_step,
)
from small_runs import same, weights

SCRIPT = {1: 1, 2: 3, 3: 3, 4: 2, 5: 2}
"""Step to how many of the four development rows are right then."""


def measured(values: list[float]) -> list[Evaluation]:
    return [
        Evaluation(step=10 * n, epoch=0.1, rows=4, seconds=1.0, metrics={"exact_match": value})
        for n, value in enumerate(values, start=1)
    ]


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=1, max_size=8))
def test_the_last_of_the_best_is_selected(values: list[float]):
    step = selected_step(measured(values), "exact_match")
    assert values[step // 10 - 1] == max(values)
    assert max(values) not in values[step // 10 :]
    waited = measurements_without_gain(measured(values), "exact_match")
    assert values.index(max(values)) == len(values) - 1 - waited


def test_nothing_measured_is_no_reason_to_stop():
    assert measurements_without_gain([], "exact_match") == 0


class Scripted:
    """The model's answers as they might have been: the first rows right, the others empty."""

    def __init__(self, *, killed_at: int | None = None) -> None:
        self.killed_at = killed_at
        self.weights: dict[int, Mapping[str, Any]] = {}

    def measure(self, callback: Any) -> ComplianceReport:
        from peft import get_peft_model_state_dict

        step = callback._trainer.state.global_step
        if step == self.killed_at:
            raise KeyboardInterrupt
        state = get_peft_model_state_dict(callback._model)
        self.weights[step] = {name: one.clone() for name, one in state.items()}
        predictions = [
            Prediction(
                example_id=one.id,
                completion=callback._contract.encode(one.target) if place < SCRIPT[step] else "",
            )
            for place, one in enumerate(callback._examples)
        ]
        return evaluate(callback._contract, callback._examples, predictions)


def run(
    script: Scripted,
    contract: Contract,
    records: list[TrainingRecord],
    config: TrainingConfig,
    folder: Path,
    *,
    resume: bool = False,
) -> Adapter:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SelectionCallback, "measure", lambda self: script.measure(self))  # noqa: PLW0108  gets the callback
        return train(contract, records, config, output_dir=folder, resume=resume)


@pytest.fixture
def config(tiny_config: TrainingConfig) -> TrainingConfig:
    return replace(
        tiny_config, epochs=5, max_steps=8, development_rows=4, development_steps=1, patience=2,
        save_steps=2,
    )  # fmt: skip


def test_the_best_is_kept_and_training_stops_early(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    config: TrainingConfig,
    tmp_path: Path,
):
    script = Scripted()
    adapter = run(script, ticket_contract, ticket_records, config, tmp_path / "whole")
    curve = json.loads((adapter.path / "learning_curve.json").read_text())
    # Best from step 2 on, equalled in step 3; two measurements later there is no more patience.
    assert [one["step"] for one in curve["evaluations"]] == [1, 2, 3, 4]
    assert [one["metrics"]["exact_match"] for one in curve["evaluations"]] == [
        0.25,
        0.75,
        0.75,
        0.5,
    ]
    assert [one["rows"] for one in curve["evaluations"]] == [4] * 4
    assert all(one["seconds"] >= 0 for one in curve["evaluations"])
    assert "$.intent" in curve["evaluations"][0]["metrics"]
    assert curve["selected_step"] == adapter.manifest.step == 3
    assert curve["development"]["held_out"] + curve["records"] == 24
    assert same(weights(adapter.path), script.weights[3])
    assert not same(script.weights[3], script.weights[4])

    stopped = Scripted(killed_at=4)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, ticket_contract, ticket_records, config, tmp_path / "parts")
    # With each checkpoint what was seen so far is written.
    stopped_curve = json.loads((tmp_path / "parts" / "learning_curve.json").read_text())
    assert [one["step"] for one in stopped_curve["evaluations"]] == [1, 2]
    assert stopped_curve["selected_step"] == 2
    again = Scripted()
    resumed = run(again, ticket_contract, ticket_records, config, tmp_path / "parts", resume=True)
    # The last checkpoint was that of step 2, so the measurements of steps 1 and 2 were read back.
    assert sorted(again.weights) == [3, 4]
    assert same(weights(resumed.path), weights(adapter.path))
    assert resumed.manifest.step == 3
    resumed_curve = json.loads((resumed.path / "learning_curve.json").read_text())
    assert [one["step"] for one in resumed_curve["evaluations"]] == [1, 2, 3, 4]


def test_weights_that_are_lost_after_the_last_checkpoint_are_not_published(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    config: TrainingConfig,
    tmp_path: Path,
):
    """Out of patience a run ends without another checkpoint."""
    import torch

    script = Scripted()
    measure = script.measure

    def measure_and_spoil(callback: Any) -> ComplianceReport:
        if callback._trainer.state.global_step == 3:
            for name, one in callback._model.named_parameters():
                if "lora_B" in name:
                    one.data.fill_(torch.nan)
        return measure(callback)

    changed = replace(config, save_steps=2, patience=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "measure", measure_and_spoil)
        with pytest.raises(TrainingError, match="weights are not finite after step 3"):
            run(script, ticket_contract, ticket_records, changed, tmp_path / "run")
    assert not (tmp_path / "run" / "schemalora.json").exists()
    assert not (tmp_path / "run" / "adapter_model.safetensors").exists()


def test_the_model_itself_answers(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    config: TrainingConfig,
    tmp_path: Path,
):
    """A random model gets nothing right, so all measurements are equal and the last one counts."""
    quiet = replace(config, max_steps=3, development_steps=2, patience=0)
    adapter = train(ticket_contract, ticket_records, quiet, output_dir=tmp_path / "run")
    curve = json.loads((adapter.path / "learning_curve.json").read_text())
    assert [one["step"] for one in curve["evaluations"]] == [2, 3]
    assert adapter.manifest.step == 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads which files are open")
def test_weights_are_on_the_disk_before_the_manifest_and_that_before_checkpoints_go(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    config: TrainingConfig,
    tmp_path: Path,
):
    flushed: list[str] = []
    fsync, finish = os.fsync, RunFolder.finish

    def recording_fsync(handle: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def recording_finish(self: RunFolder) -> None:
        flushed.append("checkpoints go")
        finish(self)

    def second_run_is_refused(callback: Any) -> ComplianceReport:
        with pytest.raises(RunFolderError, match="another process is training"):
            train(ticket_contract, ticket_records, quick, output_dir=folder, resume=True)
        return Scripted().measure(callback)

    quick, folder = replace(config, max_steps=1, patience=0), tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", recording_fsync)
        patch.setattr(RunFolder, "finish", recording_finish)
        patch.setattr(SelectionCallback, "measure", second_run_is_refused)
        train(ticket_contract, ticket_records, quick, output_dir=folder)
    kept = folder / "checkpoints" / "selected" / "part" / "adapter_model.safetensors"
    assert flushed.index(str(kept)) < flushed.index(
        str(folder / "checkpoints" / "unfinished" / "checkpoint-1" / "adapter_model.safetensors")
    )
    manifest = next(n for n, name in enumerate(flushed) if ".schemalora.json." in name)
    assert str(folder / "adapter_model.safetensors") in flushed[:manifest]
    assert str(folder) in flushed[:manifest]
    assert flushed[-2:] == [str(folder), "checkpoints go"]


def test_a_metric_that_is_none_is_refused(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    config: TrainingConfig,
    tmp_path: Path,
):
    strange = replace(config, selection_metric="$.no_such_field")
    with pytest.raises(UsageError, match=r"no metric or field.*exact_match.*\$\.intent"):
        train(ticket_contract, ticket_records, strange, output_dir=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
