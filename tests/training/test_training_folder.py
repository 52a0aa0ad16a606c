from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from schemalora.errors import RunFolderError
from schemalora.training.folder import RunFolder, Start

RUN = {"rank": 4}


def write_checkpoint(folder: RunFolder, step: int) -> None:
    """What the trainer does before the checkpoint is published."""
    part = folder.unfinished / f"checkpoint-{step}"
    part.mkdir(parents=True)
    (part / "trainer_state.json").write_text(str(step))


def steps(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.checkpoints.glob("checkpoint-*"))


def test_a_checkpoint_has_its_name_only_when_it_is_whole(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    assert folder.claim(RUN, resume=False).checkpoint is None
    write_checkpoint(folder, 9)
    assert folder.is_writing()
    assert steps(folder) == []
    folder.publish(9)
    assert not folder.is_writing()
    assert (folder.checkpoints / "checkpoint-9" / "trainer_state.json").read_text() == "9"


def test_the_two_newest_are_kept_by_number_not_by_name(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(RUN, resume=False)
    for step in (8, 9, 10):
        write_checkpoint(folder, step)
        folder.publish(step)
    assert steps(folder) == ["checkpoint-10", "checkpoint-9"]
    assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-10"
    assert list(folder.unfinished.iterdir()) == []


def test_a_checkpoint_that_is_made_again_replaces_the_old_one(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(RUN, resume=False)
    for text in ("old", "new"):
        write_checkpoint(folder, 5)
        (folder.unfinished / "checkpoint-5" / "trainer_state.json").write_text(text)
        folder.publish(5)
    assert (folder.checkpoints / "checkpoint-5" / "trainer_state.json").read_text() == "new"


def test_resuming_takes_the_last_whole_one_and_drops_torsos(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(RUN, resume=False)
    assert folder.claim(RUN, resume=True).checkpoint is None
    write_checkpoint(folder, 1)
    folder.publish(1)
    write_checkpoint(folder, 2)
    assert folder.claim(RUN, resume=True).checkpoint == str(folder.checkpoints / "checkpoint-1")
    assert not folder.is_writing()
    with pytest.raises(RunFolderError, match=r"other settings: rank \(4 → 8\)"):
        folder.claim({"rank": 8}, resume=True)


def test_what_is_taken_or_not_a_folder_is_refused(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(RUN, resume=False)
    with pytest.raises(RunFolderError, match="already holds a run; resume it, or choose"):
        folder.claim(RUN, resume=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="already holds a run; choose"):
        RunFolder(tmp_path / "file").claim(RUN, resume=False)
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "below").claim(RUN, resume=False)
    with pytest.raises(RunFolderError, match="holds no stopped run"):
        RunFolder(tmp_path / "new").claim(RUN, resume=True)


def test_one_process_at_a_time(tmp_path: Path):
    folder, other = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    with folder.lock():
        with pytest.raises(RunFolderError, match="another process is training"), other.lock():
            pass
        folder.claim(RUN, resume=False)
        write_checkpoint(folder, 1)
        with pytest.raises(RunFolderError, match="another process is training"), other.lock():
            pass
        assert folder.is_writing()
    with other.lock():
        assert other.claim(RUN, resume=True) == Start()


def test_a_process_that_is_killed_holds_no_lock(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from schemalora.training.folder import RunFolder;"
        "lock = RunFolder(Path(sys.argv[1])).lock(); lock.__enter__();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.run([sys.executable, "-c", script, str(folder.path)], check=False)
    assert process.returncode == -signal.SIGKILL
    assert (folder.checkpoints / "lock").exists()
    with folder.lock():
        assert folder.claim(RUN, resume=False) == Start()


def test_a_folder_that_is_refused_is_left_as_it_was(tmp_path: Path):
    new, taken = RunFolder(tmp_path / "new"), RunFolder(tmp_path / "taken")
    with pytest.raises(RunFolderError, match="holds no stopped run"), new.lock():
        new.claim(RUN, resume=True)
    assert not new.path.exists()
    taken.path.mkdir()
    (taken.path / "mine").write_text("")
    with pytest.raises(RunFolderError, match="already holds a run"), taken.lock():
        taken.claim(RUN, resume=False)
    assert [path.name for path in taken.path.iterdir()] == ["mine"]
    below = RunFolder(taken.path / "mine" / "run")
    with pytest.raises(RunFolderError, match="cannot be written"), below.lock():
        pass


def test_only_a_folder_without_a_checkpoint_is_given_back(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(RUN, resume=False)
    folder.release()
    assert not folder.path.exists()
    folder.claim(RUN, resume=False)
    write_checkpoint(folder, 1)
    folder.publish(1)
    folder.release()
    assert folder.last_checkpoint() is not None


def test_a_finished_folder_keeps_its_logs_and_nothing_to_resume(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(RUN, resume=False)
    write_checkpoint(folder, 1)
    folder.publish(1)
    (folder.unfinished / "runs").mkdir()
    (folder.unfinished / "runs" / "events").write_text("logged")
    (folder.path / "schemalora.json").write_text("{}")
    folder.finish()
    assert not folder.checkpoints.exists()
    assert (folder.path / "runs" / "events").read_text() == "logged"
    with pytest.raises(RunFolderError, match="no stopped run to resume: it is finished"):
        folder.claim(RUN, resume=True)
