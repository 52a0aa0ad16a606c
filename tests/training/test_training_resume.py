"""Stopped runs: killed for real, on a full disk, in the second epoch."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.adapter import MANIFEST_FILE
from schemalora.errors import RunFolderError, TrainingError
from schemalora.training import train
from schemalora.training.folder import RunFolder
from schemalora.training.progress import ProgressCallback
from schemalora.training.trainer import CompletionTrainer
from small_runs import same, train_files, weights, write_run


def test_a_run_stopped_in_its_second_epoch_ends_in_the_same_adapter(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    """Dropout moves the random state; the order of the second epoch must not depend on it."""
    config = replace(tiny_config, epochs=2, dropout=0.2)
    whole = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "whole")
    publish = RunFolder.publish

    def publish_and_stop(self: RunFolder, step: int) -> None:
        publish(self, step)
        if step == 4:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "publish", publish_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(ticket_contract, ticket_records, config, output_dir=tmp_path / "parts")
    parts = train(
        ticket_contract, ticket_records, config, output_dir=tmp_path / "parts", resume=True
    )
    assert whole.manifest.step == parts.manifest.step == 6
    assert same(weights(whole.path), weights(parts.path))


def test_a_run_goes_on_with_less_memory_and_fewer_checkpoints(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    """What the message of a full memory advises; but over changed base weights it goes on never."""
    base = Path(shutil.copytree(tiny_config.base_model, tmp_path / "base"))
    tiny_config = replace(tiny_config, base_model=str(base))
    whole = train(ticket_contract, ticket_records, tiny_config, output_dir=tmp_path / "whole")
    publish = RunFolder.publish
    published: list[int] = []

    def publish_and_stop_once(self: RunFolder, step: int) -> None:
        publish(self, step)
        published.append(step)
        if len(published) == 1:
            raise KeyboardInterrupt

    smaller = replace(
        tiny_config, batch_size=4, gradient_accumulation=2, gradient_checkpointing=True,
        save_steps=100,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "publish", publish_and_stop_once)
        with pytest.raises(KeyboardInterrupt):
            train(ticket_contract, ticket_records, tiny_config, output_dir=tmp_path / "parts")
        untouched = (base / "model.safetensors").read_bytes()
        save_file(
            {name: one + 1 for name, one in load_file(base / "model.safetensors").items()},
            base / "model.safetensors",
            metadata={"format": "pt"},
        )
        with pytest.raises(RunFolderError, match="other settings: base_model_revision"):
            train(
                ticket_contract, ticket_records, smaller, output_dir=tmp_path / "parts", resume=True
            )
        (base / "model.safetensors").write_bytes(untouched)
        with pytest.warns(UserWarning, match="resumed at step 1 with other settings: batch_size"):
            parts = train(
                ticket_contract, ticket_records, smaller, output_dir=tmp_path / "parts", resume=True
            )
    assert published == [1, 3]
    assert [change["settings"].keys() for change in parts.manifest.changes] == [  # pyright: ignore
        {"batch_size", "gradient_accumulation", "gradient_checkpointing"}
    ]
    for name, tensor in weights(whole.path).items():
        assert torch.allclose(tensor, weights(parts.path)[name], rtol=1e-2, atol=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_full_disk_ends_in_one_line_and_leaves_the_last_checkpoint(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    """After the first checkpoint no file may grow beyond 4 kB: writes fail as on a full disk."""
    publish = RunFolder.publish
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def publish_and_fill(self: RunFolder, step: int) -> None:
        publish(self, step)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    whole = train(ticket_contract, ticket_records, tiny_config, output_dir=tmp_path / "whole")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunFolder, "publish", publish_and_fill)
            with pytest.raises(TrainingError, match="could not be written") as caught:
                train(ticket_contract, ticket_records, tiny_config, output_dir=tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    folder = RunFolder(tmp_path / "full")
    assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-1"
    resumed = train(
        ticket_contract, ticket_records, tiny_config, output_dir=folder.path, resume=True
    )
    assert same(weights(whole.path), weights(resumed.path))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ConnectionError("no route to the tracker"),
            r"ConnectionError \(no route to the tracker\)",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "a.log"), "a.log could not be read"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device.; make room"),
    ],
)
def test_an_error_of_the_system_is_told_as_what_it_is(
    error: OSError,
    message: str,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ProgressCallback, "on_log", fail)
    with pytest.raises(TrainingError, match=message) as caught:
        train(ticket_contract, ticket_records, tiny_config, output_dir=tmp_path / "run")
    assert "run again with resume" in str(caught.value)
    assert ("make room" in str(caught.value)) == (error.errno == errno.ENOSPC)


def start(files: Path, *, resume: bool) -> BaseProcess:
    """Trains in a process of its own, forked from one that has loaded everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["schemalora.training.run"])
    process = context.Process(target=train_files, args=(files, files / "run", resume))
    process.start()
    return process


def kill_when(process: BaseProcess, due: Callable[[], bool]) -> bool:
    """Kills the process at the moment, as `kill -9` does; says whether it was still running."""
    while process.is_alive():
        if due():
            process.kill()
            process.join()
            return process.exitcode == -signal.SIGKILL
        time.sleep(0.0005)
    return False


def test_sigterm_ends_the_step_saves_and_says_how_to_go_on(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    config = replace(tiny_config, dropout=0.2, save_steps=100)
    whole = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "whole")
    loss = CompletionTrainer.compute_loss
    steps: list[int] = []

    def loss_and_signal(self: CompletionTrainer, *given: Any, **named: Any) -> Any:
        # The second step, and the last one, which is the end anyway.
        steps.append(self.state.global_step)
        if steps in ([0, 1], [0, 1, 2]):
            signal.raise_signal(signal.SIGTERM)
        return loss(self, *given, **named)

    before = signal.getsignal(signal.SIGTERM)
    folder = RunFolder(tmp_path / "parts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompletionTrainer, "compute_loss", loss_and_signal)
        with pytest.raises(TrainingError, match=r"SIGTERM .* step 2 of 3; .*\(--resume\)"):
            train(ticket_contract, ticket_records, config, output_dir=folder.path)
        assert signal.getsignal(signal.SIGTERM) == before
        assert folder.last_checkpoint() == folder.checkpoints / "checkpoint-2"
        curve = json.loads(folder.curve.read_text())
        assert [one["step"] for one in curve["steps"]] == [1, 2]
        assert curve["selected_step"] is curve["seconds"] is None
        assert not (folder.path / MANIFEST_FILE).exists()
        parts = train(ticket_contract, ticket_records, config, output_dir=folder.path, resume=True)
    assert steps == [0, 1, 2]
    ended = [json.loads((one.path / "learning_curve.json").read_text()) for one in (whole, parts)]
    assert [[one["loss"] for one in curve["steps"]] for curve in ended] == [
        [one["loss"] for one in ended[0]["steps"]]
    ] * 2
    assert [curve["selected_step"] for curve in ended] == [3, 3]
    assert same(weights(whole.path), weights(parts.path))


@pytest.mark.parametrize("max_steps", [2, None])
def test_a_run_killed_after_its_last_step_trains_no_further(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
    max_steps: int | None,
):
    """The last checkpoint is there, the adapter is not; `max_steps` ends in mid-epoch."""
    config = replace(tiny_config, max_steps=max_steps)
    whole = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "whole")

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("schemalora.training.run.write_adapter", stop)
        with pytest.raises(KeyboardInterrupt):
            train(ticket_contract, ticket_records, config, output_dir=tmp_path / "parts")
    parts = train(
        ticket_contract, ticket_records, config, output_dir=tmp_path / "parts", resume=True
    )
    assert parts.manifest.step == whole.manifest.step == (max_steps or 3)
    assert same(weights(whole.path), weights(parts.path))


def test_a_run_that_ends_before_its_end_is_not_finished(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    def stop(self: ProgressCallback, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgressCallback, "on_step_end", stop)
        with pytest.raises(TrainingError, match=r"ended at step 1 of 3, before its end"):
            train(ticket_contract, ticket_records, tiny_config, output_dir=tmp_path / "run")
    assert not (tmp_path / "run" / "schemalora.json").exists()
    assert RunFolder(tmp_path / "run").last_checkpoint() is not None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_process_that_gets_sigterm_can_be_gone_on_with(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    config = replace(tiny_config, epochs=2, dropout=0.2, batch_size=2, save_steps=100)
    whole = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "whole")
    write_run(tmp_path, config, ticket_records)
    tests = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "schemalora", "train", "customer_support.ticket:SupportTicket",
         "records.jsonl", "-c", "run.toml", "-o", "run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(
            [str(tests.parent / "examples"), *filter(None, [os.environ.get("PYTHONPATH")])])},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("training: step 3/24"):
            process.terminate()
    assert process.wait() == 2
    assert re.fullmatch(
        r"error: run: SIGTERM .* step \d+ of 24; .*\(--resume\) to go on\n", lines[-1]
    )
    assert RunFolder(tmp_path / "run").last_checkpoint() is not None
    parts = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run", resume=True)
    assert same(weights(whole.path), weights(parts.path))


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_adapter(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    """kill -9 before the first checkpoint, while one is written, after one, and at the end."""
    config = replace(
        tiny_config, epochs=3, dropout=0.2, development_rows=4, development_steps=2, batch_size=4
    )
    whole = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "whole")
    write_run(tmp_path, config, ticket_records)
    folder = RunFolder(tmp_path / "run")

    def writes(step: int) -> Callable[[], bool]:
        return (folder.unfinished / f"checkpoint-{step}").exists

    def has_written(step: int) -> Callable[[], bool]:
        return (folder.checkpoints / f"checkpoint-{step}").exists

    moments = [
        (folder.checkpoints / "run.json").exists,
        writes(1),
        writes(3),
        has_written(5),
        writes(8),
        (folder.path / "adapter_model.safetensors").exists,
    ]
    killed = 0
    for number, due in enumerate(moments):
        resume = (folder.checkpoints / "run.json").exists()
        process = start(tmp_path, resume=resume or number > 0)
        killed += kill_when(process, due)
        for path in folder.checkpoints.glob("checkpoint-*"):
            assert (path / "trainer_state.json").stat().st_size > 0
            assert weights(path)
    assert killed >= len(moments) - 1
    if (folder.checkpoints / "run.json").exists():
        last = start(tmp_path, resume=True)
        last.join()
        assert last.exitcode == 0
    assert same(weights(whole.path), weights(folder.path))
