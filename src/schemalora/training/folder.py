"""The folder of a run: taken once, gone on with only by the run that took it."""

from __future__ import annotations

import re
from pathlib import Path

from schemalora.errors import RunFolderError
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue

CHECKPOINTS = "checkpoints"
RUN_FILE = "run.json"

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def claim(output_dir: Path, run: dict[str, JsonValue], *, resume: bool) -> str | None:
    """Takes a folder for a run and returns the checkpoint to go on from, if there is one.

    Args:
        output_dir: the adapter directory.
        run: what decides the result: contract, records, settings. Kept beside the checkpoints.
        resume: whether a run that was stopped in this folder is gone on with.

    Raises:
        RunFolderError: the folder holds something else, or a run of other settings.
    """
    checkpoints = output_dir / CHECKPOINTS
    taken = checkpoints / RUN_FILE
    if resume and taken.is_file():
        _require_same(read_json(taken), run, output_dir)
        return _last(checkpoints)
    if resume:
        raise RunFolderError(f"{output_dir}: holds no stopped run to resume")
    if output_dir.exists() and any(output_dir.iterdir()):
        hint = "resume it, or choose" if taken.is_file() else "choose"
        raise RunFolderError(f"{output_dir}: already holds a run; {hint} a new folder")
    write_json(taken, run)
    return None


def release(output_dir: Path) -> None:
    """Gives back a folder in which nothing was computed yet, so that the run can be mended."""
    checkpoints = output_dir / CHECKPOINTS
    if _last(checkpoints) is None:
        (checkpoints / RUN_FILE).unlink()
        for folder in (checkpoints, output_dir):
            if not any(folder.iterdir()):
                folder.rmdir()


def _last(checkpoints: Path) -> str | None:
    """The newest checkpoint; None where the run was stopped before its first."""
    found = [
        (int(match.group(1)), path)
        for path in checkpoints.iterdir()
        # The trainer's state is written last: without it the checkpoint is a torso.
        if (match := _CHECKPOINT.fullmatch(path.name)) and (path / "trainer_state.json").is_file()
    ]
    return str(max(found)[1]) if found else None


def _require_same(
    before: dict[str, JsonValue], now: dict[str, JsonValue], output_dir: Path
) -> None:
    different = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if different:
        shown = ", ".join(f"{key} ({before.get(key)} → {now.get(key)})" for key in different)
        raise RunFolderError(
            f"{output_dir}: the stopped run had other settings: {shown}; resume with the same, "
            "or choose a new folder"
        )
