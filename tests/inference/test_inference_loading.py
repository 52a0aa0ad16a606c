"""An adapter's base model: the commit of then, and the tokenizer of then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hub_cache import GONE, NAME, NEWER, OLDER, put, use_cache
from schemalora.errors import AdapterMismatchError, BaseModelError
from schemalora.inference import load
from schemalora.tokenizer_pin import tokenizer_hash


def belongs_to(adapter: Path, folder: Path, **manifest: object) -> Path:
    """A copy of the adapter with another manifest."""
    copied = Path(shutil.copytree(adapter, folder))
    kept = json.loads((copied / "schemalora.json").read_text())
    (copied / "schemalora.json").write_text(json.dumps({**kept, **manifest}))
    return copied


def test_an_adapter_of_the_hub_loads_the_commit_it_was_trained_on(
    base_folder, adapter_folder, tmp_path, monkeypatch
):
    use_cache(tmp_path / "hub", monkeypatch)
    put(tmp_path / "hub", OLDER, base_folder)
    changed = put(tmp_path / "hub", NEWER, base_folder) / "model.safetensors"
    moved = {name: one + 1 for name, one in load_file(changed).items()}
    save_file(moved, changed, metadata={"format": "pt"})
    then = {"name": NAME, "revision": OLDER}
    loaded = load(belongs_to(adapter_folder, tmp_path / "one", base_model=then), dtype="float32")
    assert loaded.revision == loaded.identity()["revision"] == OLDER
    trained = load(adapter_folder, dtype="float32").model.state_dict()
    assert all(torch.equal(trained[name], one) for name, one in loaded.model.state_dict().items())
    gone = belongs_to(adapter_folder, tmp_path / "two", base_model={**then, "revision": GONE})
    with pytest.raises(BaseModelError, match=f"{GONE}.*{NEWER}"):
        load(gone)


def test_a_changed_tokenizer_is_refused_where_the_hash_of_then_can_tell(
    base_folder, adapter_folder, tokenizer, tmp_path
):
    base = Path(shutil.copytree(base_folder, tmp_path / "base"))
    content = json.loads((base / "tokenizer.json").read_text())
    merges = content["model"]["merges"]
    merges[-1], merges[-2] = merges[-2], merges[-1]
    (base / "tokenizer.json").write_text(json.dumps(content))
    then = {"name": str(base), "revision": None}
    with pytest.raises(AdapterMismatchError, match=r"another tokenizer \(trained with v2:"):
        load(belongs_to(adapter_folder, tmp_path / "one", base_model=then))
    first_kind = tokenizer_hash(tokenizer, like="0" * 64)
    load(belongs_to(adapter_folder, tmp_path / "two", base_model=then, tokenizer_hash=first_kind))
