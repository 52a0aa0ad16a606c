"""The hub: which commit of a model can be had, from the network or from the cache."""

# huggingface_hub is typed in part only:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import re
import threading
from pathlib import Path

from schemalora.errors import BaseModelError

TIMEOUT_SECONDS = 4.0

_COMMIT = re.compile(r"[0-9a-f]{40}")


def find_commit(name: str, *, revision: str | None = None) -> str:
    """The commit of a hub model that a revision names.

    A commit that lies in the cache is not asked for: it is what it is, whatever came after it.

    Args:
        name: the hub id.
        revision: a commit, branch or tag; None is the newest commit.

    Raises:
        BaseModelError: neither the hub nor the cache has it.
    """
    if revision is not None and _COMMIT.fullmatch(revision) and _cached(name, revision):
        return revision
    answer = _ask(name, revision)
    found = answer if isinstance(answer, str) else _cached(name, revision)
    if found is not None:
        return found
    reason = type(answer).__name__ if isinstance(answer, Exception) else "no answer"
    if revision is None:
        raise BaseModelError(
            f"{name}: the hub does not answer or does not know it ({reason}), and it is not in the "
            "cache; give a local folder, a .gguf file, or 'embedded'"
        )
    # A hub that did not answer in time is not asked twice.
    newest = _ask(name, None) if isinstance(answer, Exception) else None
    newest = newest if isinstance(newest, str) else _cached(name, None)
    raise BaseModelError(
        f"{name}: revision {revision} can be had neither from the hub ({reason}) nor from the "
        f"cache (the newest there is: {newest or 'not to be had either'}); put it into the cache, "
        "online or from a machine that has it, or train a new adapter on another revision"
    )


def _ask(name: str, revision: str | None) -> str | Exception | None:
    """The commit, asked for with one hard time limit; why there is none; None for no answer.

    Name resolution knows no time limit of its own, so the question is asked in a thread.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_OFFLINE

    answers: list[str | Exception] = []

    def ask() -> None:
        try:
            found = HfApi().model_info(name, revision=revision, timeout=TIMEOUT_SECONDS)
            answers.append(found.sha or "main")
        except Exception as error:  # whatever the client raises is the reason that is shown
            answers.append(error)

    if not HF_HUB_OFFLINE:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(TIMEOUT_SECONDS)
    return answers[0] if answers else None


def _cached(name: str, revision: str | None) -> str | None:
    """The commit of a revision that lies in the cache."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError:
        return None
    if isinstance(path, str):
        return Path(path).parent.name
    return _last_cached(name) if revision is None else None


def _last_cached(name: str) -> str | None:
    """The commit that came into the cache last.

    Models are loaded at a commit, not at a branch, and then the cache notes no newest one.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = repo_folder_name(repo_id=name, repo_type="model")
    snapshots = Path(constants.HF_HUB_CACHE) / folder / "snapshots"
    found = [path for path in snapshots.glob("*") if (path / "config.json").is_file()]
    return max(found, key=lambda path: path.stat().st_mtime).name if found else None
