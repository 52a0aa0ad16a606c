"""The folder of a run: taken once, gone on with only by the run that took it.

runs/ticket/                  the adapter directory; schemalora.json comes last
  learning_curve.json         written with each checkpoint, and at the end
  checkpoints/                there while the run goes on
    lock                      held by the process that trains
    run.json                  what decides the result, and what was changed on the way
    checkpoint-200/           whole, always
    unfinished/               what is being written: the trainer's own output folder
    selected/step-200/        the adapter of the best moment so far
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from schemalora.adapter import MANIFEST_FILE
from schemalora.errors import RunFolderError
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue
from schemalora.training.identity import changes
from schemalora.training.lock import locked

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")

_CHECKPOINTS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins, or goes on."""

    checkpoint: str | None = None
    """The checkpoint to go on from; None at the very beginning."""
    changes: tuple[JsonValue, ...] = ()
    """What was changed on resuming, each with the `step` it holds from and the `settings`, name to
    [before, after]; the last is that of `changed_now`, where there is one."""
    changed_now: bool = False
    """Whether this resuming changed something."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run."""

    path: Path
    """The adapter directory."""

    @property
    def checkpoints(self) -> Path:
        """Everything that is there only while the run goes on."""
        return self.path / "checkpoints"

    @property
    def unfinished(self) -> Path:
        """Where checkpoints are written before they are whole."""
        return self.checkpoints / "unfinished"

    @property
    def curve(self) -> Path:
        """What was seen so far while the adapter learned."""
        return self.path / "learning_curve.json"

    @property
    def selected(self) -> Path:
        """The adapters of the best moments."""
        return self.checkpoints / "selected"

    @property
    def _run_file(self) -> Path:
        return self.checkpoints / "run.json"

    @property
    def _lock_file(self) -> Path:
        return self.checkpoints / "lock"

    @contextmanager
    def lock(self) -> Generator[None]:
        """Keeps other processes out of the folder while this one trains in it.

        A folder that `claim` will refuse is left as it is.

        Raises:
            RunFolderError: another process trains in it, or it cannot be written.
        """
        with ExitStack() as held:
            if self._is_free() or self._run_file.is_file():
                try:
                    self.checkpoints.mkdir(parents=True, exist_ok=True)
                    held.enter_context(locked(self._lock_file))
                except BlockingIOError as error:
                    raise RunFolderError(
                        f"{self.path}: another process is training in this folder; wait for it to "
                        "end, or stop it first"
                    ) from error
                except OSError as error:
                    raise self._cannot_be_written(error) from error
            try:
                yield
            finally:
                if self._is_free():
                    self.release()

    def stopped_run(self) -> dict[str, JsonValue] | None:
        """What decided the result of the run that was stopped here, as `claim` took it."""
        if not self._run_file.is_file():
            return None
        kept = read_json(self._run_file)
        return cast("dict[str, JsonValue]", kept.get("run", kept))

    def claim(
        self, run: dict[str, JsonValue], *, resume: bool, mendable: Collection[str] = ()
    ) -> Start:
        """Takes the folder for a run and says where it begins.

        Args:
            run: what decides the result, as `run_identity` gives it.
            resume: whether a run that was stopped in this folder is gone on with.
            mendable: what may differ from the stopped run; kept in the run's file where it does.

        Raises:
            RunFolderError: the folder holds something else, or a run of other settings, or cannot
                be written.
        """
        if resume and self._run_file.is_file():
            return self._go_on(run, mendable)
        if resume:
            finished = (self.path / MANIFEST_FILE).is_file()
            note = ": it is finished" if finished else ""
            raise RunFolderError(f"{self.path}: holds no stopped run to resume{note}")
        if not self._is_free():
            hint = "resume it, or choose" if self._run_file.is_file() else "choose"
            raise RunFolderError(f"{self.path}: already holds a run; {hint} a new folder")
        try:
            write_json(self._run_file, {"run": run, "changes": []})
        except OSError as error:
            raise self._cannot_be_written(error) from error
        return Start()

    def _is_free(self) -> bool:
        """Whether there is nothing in it, but for the lock."""
        if not self.path.is_dir():
            return not self.path.exists()
        held = [*self.path.iterdir(), *(self.checkpoints.glob("*"))]
        return {*held} <= {self.checkpoints, self._lock_file}

    def _cannot_be_written(self, error: OSError) -> RunFolderError:
        return RunFolderError(f"{self.path}: cannot be written ({error.strerror})")

    def _go_on(self, run: dict[str, JsonValue], mendable: Collection[str]) -> Start:
        kept = cast("dict[str, Any]", read_json(self._run_file))
        try:
            changed = changes(kept.get("run", kept), run, allowed=mendable)
        except RunFolderError as error:
            raise RunFolderError(f"{self.path}: {error}") from error
        self._drop_torsos()
        last = self.last_checkpoint()
        listed: list[JsonValue] = list(kept.get("changes", ()))
        # Before the first checkpoint nothing was computed that the old settings had a part in.
        if changed and last is not None:
            listed.append({"step": _step(last), "settings": changed})
        if changed:
            write_json(self._run_file, {"run": run, "changes": listed})
        return Start(
            checkpoint=None if last is None else str(last),
            changes=tuple(listed),
            changed_now=bool(changed) and last is not None,
        )

    def release(self) -> None:
        """Gives back a folder in which nothing was computed yet, so that the run can be mended."""
        if self.last_checkpoint() is None:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
            # Of a run whose checkpoints were deleted.
            self.curve.unlink(missing_ok=True)
            if self.path.is_dir() and not any(self.path.iterdir()):
                self.path.rmdir()

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint; None where the run was stopped before its first."""
        whole = self._whole()
        return whole[-1] if whole else None

    def publish(self, step: int) -> None:
        """Gives a checkpoint that has been written its name, and lets the oldest go.

        A rename is all or nothing, so a folder named `checkpoint-<step>` is whole, even where the
        process is killed or the power fails in between.
        """
        written = self.unfinished / f"checkpoint-{step}"
        flush_all(written)
        target = self.checkpoints / written.name
        if target.exists():
            shutil.rmtree(target)
        written.rename(target)
        _flush(self.checkpoints)
        for old in self._whole()[:-_CHECKPOINTS_KEPT]:
            old.rename(self.unfinished / old.name)
            shutil.rmtree(self.unfinished / old.name)

    def is_writing(self) -> bool:
        """Whether a checkpoint was begun and is not whole."""
        return any(self.unfinished.glob("checkpoint-*"))

    def flush(self) -> None:
        """Has the system write the adapter's files, and the list of their names, to the disk."""
        for path in self.path.iterdir():
            if path.is_file():
                _flush(path)
        _flush(self.path)

    def finish(self) -> None:
        """Removes the checkpoints; what the trainer's integrations logged is kept.

        The run file goes first: without it, nothing here is taken for a run to resume.
        """
        self._run_file.unlink(missing_ok=True)
        self._drop_torsos()
        for path in self.unfinished.iterdir() if self.unfinished.is_dir() else ():
            if not (self.path / path.name).exists():
                shutil.move(path, self.path / path.name)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def _drop_torsos(self) -> None:
        for torso in self.unfinished.glob("checkpoint-*"):
            shutil.rmtree(torso)

    def _whole(self) -> list[Path]:
        found = self.checkpoints.iterdir() if self.checkpoints.is_dir() else ()
        return sorted((path for path in found if _CHECKPOINT.fullmatch(path.name)), key=_step)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def flush_all(folder: Path) -> None:
    """Has the system write a folder and all that is in it to the disk."""
    for path in [*folder.rglob("*"), folder]:
        _flush(path)


def _flush(path: Path) -> None:
    """Has the system write a file, or a folder's list of names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
