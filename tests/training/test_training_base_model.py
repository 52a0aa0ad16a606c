"""The base model of a run, and of one that is gone on with after the hub has moved on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from hub_cache import NAME, NEWER, OLDER, put, use_cache
from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.errors import BaseModelError
from schemalora.training import train
from schemalora.training.folder import RunFolder
from schemalora.training.prepare import find_base_model_of_run
from small_runs import same, weights


def test_a_stopped_run_goes_on_with_the_commit_it_began_with(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    use_cache(tmp_path / "hub", monkeypatch)
    base = Path(tiny_config.base_model)
    older = put(tmp_path / "hub", OLDER, base)
    config = replace(tiny_config, base_model=NAME)
    whole = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "whole")
    publish = RunFolder.publish

    def publish_and_stop(self: RunFolder, step: int) -> None:
        publish(self, step)
        raise KeyboardInterrupt

    parts = tmp_path / "parts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "publish", publish_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(ticket_contract, ticket_records, config, output_dir=parts)
    changed = put(tmp_path / "hub", NEWER, base) / "model.safetensors"
    moved = {name: one + 1 for name, one in load_file(changed).items()}
    save_file(moved, changed, metadata={"format": "pt"})
    kept = Path(shutil.move(older, tmp_path / "kept"))
    with pytest.raises(BaseModelError, match=f"revision {OLDER} .*newest there is: {NEWER}"):
        train(ticket_contract, ticket_records, config, output_dir=parts, resume=True)
    shutil.move(kept, older)
    done = train(ticket_contract, ticket_records, config, output_dir=parts, resume=True)
    assert done.manifest.base_model_revision == whole.manifest.base_model_revision == OLDER
    assert same(weights(whole.path), weights(done.path))


def test_a_stopped_run_goes_on_with_its_fallback_though_the_first_can_be_had(
    tiny_mistral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    use_cache(tmp_path, monkeypatch)
    put(tmp_path, NEWER, tiny_mistral)
    config = TrainingConfig(base_model=NAME, fallback_base_model=str(tiny_mistral))
    assert find_base_model_of_run(config, None).revision == NEWER
    began = {"base_model": str(tiny_mistral), "base_model_revision": "sampled:then"}
    found = find_base_model_of_run(config, began)
    # What it holds now, which the identities of both then differ in.
    assert (found.name, found.revision != "sampled:then") == (str(tiny_mistral), True)
    assert find_base_model_of_run(config, {**began, "base_model": "embedded"}).name == NAME
