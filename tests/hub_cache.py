"""The hub's cache, offline, as it lies on a disk: what stands in for the hub in tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

NAME = "org/tiny"
OLDER, NEWER, GONE = "a" * 40, "b" * 40, "c" * 40


def use_cache(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Has the hub's client read this cache, and no network."""
    patch.setattr(constants, "HF_HUB_CACHE", str(folder))
    patch.setattr(constants, "HF_HUB_OFFLINE", True)


def put(folder: Path, commit: str, model: Path) -> Path:
    """Puts a model into the cache as the newest commit of `NAME`; returns its snapshot."""
    repository = folder / f"models--{NAME.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    shutil.copytree(model, snapshot)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return snapshot
