from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemalora.adapter import Adapter, AdapterManifest
from schemalora.contract import Contract
from schemalora.errors import AdapterMismatchError, UsageError


@pytest.fixture
def manifest(ticket_contract: Contract) -> AdapterManifest:
    return AdapterManifest(
        contract=ticket_contract,
        prompt_format={"style": "short", "version": 1},
        base_model="embedded",
        base_model_revision="r1",
        tokenizer_hash="t1",
        template_hash="c1",
        training={"rank": 8},
        versions={"torch": "2"},
        step=250,
    )


def test_the_manifest_survives_the_directory(manifest: AdapterManifest, tmp_path: Path):
    manifest.save(tmp_path)
    loaded = AdapterManifest.load(tmp_path)
    assert loaded.contract.fingerprint == manifest.contract.fingerprint
    assert (loaded.prompt_format, loaded.base_model, loaded.training, loaded.versions) == (
        manifest.prompt_format, manifest.base_model, manifest.training, manifest.versions,
    )  # fmt: skip
    assert loaded.step == 250
    written = json.loads((tmp_path / "schemalora.json").read_text())
    assert written["format_version"] == 1
    # Adapters from before the step was kept can still be read.
    del written["step"]
    (tmp_path / "schemalora.json").write_text(json.dumps(written))
    assert AdapterManifest.load(tmp_path).step is None


def test_what_fits_passes(manifest: AdapterManifest, ticket_contract: Contract):
    manifest.check(
        contract=ticket_contract,
        prompt_format={"style": "short", "version": 1},
        base_model_revision="r1",
        tokenizer_hash="t1",
        template_hash="c1",
    )


def test_what_is_not_pinned_passes(manifest: AdapterManifest):
    replace(manifest, base_model_revision=None).check(base_model_revision="sampled:1")
    with pytest.raises(AdapterMismatchError, match="base model revision"):
        manifest.check(base_model_revision="sampled:1")


def test_every_difference_is_named(manifest: AdapterManifest):
    other = Contract.from_json_schema({"type": "integer"}, name="Number")
    with pytest.raises(AdapterMismatchError) as caught:
        manifest.check(contract=other, tokenizer_hash="t2", template_hash="c1")
    message = str(caught.value)
    assert "contract (" in message
    assert "tokenizer (trained with t1, given t2)" in message
    assert "template" not in message


def test_folders_that_are_no_adapter(manifest: AdapterManifest, tmp_path: Path):
    with pytest.raises(UsageError, match=r"holds no schemalora\.json"):
        Adapter.load(tmp_path)
    manifest.save(tmp_path)
    with pytest.raises(UsageError, match=r"adapter_config\.json is missing"):
        Adapter.load(tmp_path)
    (tmp_path / "schemalora.json").write_text('{"format_version":99}')
    with pytest.raises(UsageError, match="format_version 99"):
        AdapterManifest.load(tmp_path)
    (tmp_path / "schemalora.json").write_text('{"format_version":1}')
    with pytest.raises(UsageError, match="incomplete or damaged"):
        AdapterManifest.load(tmp_path)
