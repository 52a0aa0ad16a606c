"""Commits of the hub: in an offline cache of two, and behind a client that answers or hangs."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import HfApi, constants
from safetensors.torch import load_file, save_file

from hub_cache import GONE, NAME, NEWER, OLDER, put, use_cache
from schemalora import hub
from schemalora.base_model import find_base_model, load_model, load_tokenizer, text_config
from schemalora.errors import BaseModelError


@pytest.fixture
def cache(tiny_mistral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits, with other weights, another context and another pad token in the newer one."""
    use_cache(tmp_path, monkeypatch)
    put(tmp_path, OLDER, tiny_mistral)
    newer = put(tmp_path, NEWER, tiny_mistral)
    weights = newer / "model.safetensors"
    changed = {name: one + 1 for name, one in load_file(weights).items()}
    save_file(changed, weights, metadata={"format": "pt"})
    for file, old, new in (
        ("config.json", '"max_position_embeddings": 1024', '"max_position_embeddings": 2048'),
        ("tokenizer_config.json", '"pad_token": "<|im_end|>"', '"pad_token": "<repo_name>"'),
    ):
        text = (newer / file).read_text()
        assert old in text
        (newer / file).write_text(text.replace(old, new))
    return tmp_path


def test_a_pinned_commit_is_loaded_whatever_came_after_it(cache: Path):
    newest = find_base_model(NAME)
    pinned = find_base_model(NAME, revision=OLDER)
    assert (newest.revision, pinned.revision) == (NEWER, OLDER)
    assert (pinned.name, pinned.location, pinned.hub_revision) == (NAME, NAME, OLDER)
    contexts = [text_config(one).max_position_embeddings for one in (pinned, newest)]
    assert contexts == [1024, 2048]
    pads = [load_tokenizer(one).pad_token for one in (pinned, newest)]
    assert pads == ["<|im_end|>", "<repo_name>"]
    models: list[Any] = [load_model(one, dtype="float32") for one in (pinned, newest)]
    older, newer = (model.model.norm.weight.mean().item() for model in models)
    assert newer == older + 1


def test_a_revision_can_be_named_and_a_pin_wins_over_it(cache: Path):
    tag = cache / "models--org--tiny" / "refs" / "v1.0"
    tag.write_text(OLDER)
    named = find_base_model(f"{NAME}@v1.0")
    assert (named.name, named.location, named.revision) == (f"{NAME}@v1.0", NAME, OLDER)
    assert find_base_model(f"{NAME}@{OLDER}").revision == OLDER
    tag.write_text(NEWER)
    assert find_base_model(f"{NAME}@v1.0", revision=OLDER).revision == OLDER


def test_a_commit_that_is_gone_is_named_beside_the_newest(cache: Path):
    with pytest.raises(BaseModelError, match=f"revision {GONE} .*newest there is: {NEWER}.*train"):
        find_base_model(NAME, revision=GONE)
    with pytest.raises(BaseModelError, match=r"no answer.*not to be had either"):
        find_base_model("org/other", revision=GONE)


def test_without_a_note_of_the_newest_the_last_one_in_the_cache_is_taken(cache: Path):
    """So it lies there after a model was loaded at its commit."""
    (cache / "models--org--tiny" / "refs" / "main").unlink()
    snapshots = cache / "models--org--tiny" / "snapshots"
    os.utime(snapshots / OLDER, (1, 1))
    assert find_base_model(NAME).revision == NEWER
    os.utime(snapshots / NEWER, (0, 0))
    assert find_base_model(NAME).revision == OLDER


def test_a_folder_has_no_revisions(
    cache: Path, tiny_mistral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_mistral, tmp_path / NAME)
    with pytest.raises(BaseModelError, match="is a local folder, which has no revisions"):
        find_base_model(f"{NAME}@{OLDER}")


def test_a_commit_in_the_cache_is_not_asked_for_and_another_is(
    cache: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str | None] = []

    def model_info(self: HfApi, name: str, *, revision: str | None, timeout: float) -> Any:
        asked.append(revision)
        if revision == "no-such-tag":
            raise ValueError(revision)
        return SimpleNamespace(sha=revision or GONE)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "model_info", model_info)
    assert find_base_model(NAME, revision=OLDER).revision == OLDER
    assert asked == []
    assert find_base_model(NAME, revision=GONE).revision == GONE
    assert find_base_model(NAME).revision == GONE
    with pytest.raises(BaseModelError, match=rf"no-such-tag .*\(ValueError\).*newest .*{GONE}"):
        find_base_model(f"{NAME}@no-such-tag")
    assert asked == [GONE, None, "no-such-tag", None]


@pytest.mark.parametrize("revision", [None, GONE])
def test_a_hub_that_does_not_answer_is_left_after_a_few_seconds(
    revision: str | None, monkeypatch: pytest.MonkeyPatch
):
    def hang(self: HfApi, *_: Any, **__: Any) -> None:
        time.sleep(30)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "model_info", hang)
    monkeypatch.setattr(hub, "TIMEOUT_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(BaseModelError, match=r"no answer|does not answer"):
        find_base_model("nobody/no-such-model", revision=revision)
    assert time.monotonic() - started < 5


def test_a_name_that_no_hub_can_have_is_refused_in_one_line():
    with pytest.raises(BaseModelError, match="a model/of mine: the hub does not"):
        find_base_model("a model/of mine")
