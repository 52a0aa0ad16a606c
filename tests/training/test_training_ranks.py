"""Two processes on the CPU give the loss curve of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.training import train
from schemalora.training.order import GroupedSampler
from small_runs import weights, write_run

SCRIPT = """
import sys
from pathlib import Path
from schemalora.errors import SchemaloraError
from small_runs import train_files

folder = Path(sys.argv[1])
try:
    train_files(folder, folder / "two", False, tuple(sys.argv[2:]))
except SchemaloraError as error:
    sys.exit(f"error: {error}")
"""


def test_the_order_depends_on_seed_epoch_and_global_batch_only():
    lengths = [(7 * n) % 40 + 1 for n in range(200)]
    sampler = GroupedSampler(lengths, batch_rows=8, seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(200))
    assert list(GroupedSampler(lengths, batch_rows=8, seed=3)) == first
    sampler.set_epoch(1)
    second = list(sampler)
    assert second != first
    later = GroupedSampler(lengths, batch_rows=8, seed=3)
    later.set_epoch(1)
    assert list(later) == second
    assert list(GroupedSampler(lengths, batch_rows=8, seed=4)) != first
    spread = [max(part) - min(part) for part in batches([lengths[one] for one in first])]
    assert sum(spread) / len(spread) < 8


def batches(values: list[int]) -> list[list[int]]:
    return [values[at : at + 8] for at in range(0, len(values), 8)]


AGREE = """
from accelerate import PartialState
from schemalora.training.ranks import all_processes_agree

rank = PartialState(cpu=True).process_index
assert all_processes_agree(True)
assert not all_processes_agree(rank == 0)
assert not all_processes_agree(False)
PartialState().destroy_process_group()
"""


@pytest.mark.slow
def test_one_process_that_disagrees_is_heard_by_all(tmp_path: Path):
    done = torchrun(tmp_path, script=AGREE)
    assert done.wait(timeout=120) == 0, done.stderr and done.stderr.read()


def torchrun(folder: Path, *overrides: str, script: str = SCRIPT) -> subprocess.Popen[str]:
    tests = Path(__file__).parents[1]
    paths = [str(tests), str(tests.parent / "examples"), os.environ.get("PYTHONPATH", "")]
    (folder / "run.py").write_text(script)
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         str(folder / "run.py"), str(folder), *overrides],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)),
             "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_two_processes_give_the_curve_of_one(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    config = replace(
        tiny_config, epochs=2, learning_rate=1e-2, development_rows=8, development_steps=2
    )
    one = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "one")
    write_run(tmp_path, config, ticket_records)
    done = torchrun(tmp_path, "batch_size=4")
    _, errors = done.communicate()
    assert done.returncode == 0, errors

    curves = [
        json.loads((tmp_path / name / "learning_curve.json").read_text()) for name in ("one", "two")
    ]
    left, right = ([entry["loss"] for entry in curve["steps"]] for curve in curves)
    assert len(left) >= 4
    # Steps differ by more than the tolerance, so other rows in a step would show.
    assert max(left) > 1.005 * min(left)
    assert right == pytest.approx(left, rel=1e-3)
    assert curves[0]["selected_step"] == curves[1]["selected_step"]
    for name, tensor in weights(one.path).items():
        other = weights(tmp_path / "two")[name]
        assert (tensor - other).abs().max() <= 0.05 * tensor.abs().max() + 1e-6

    # A second run in the same folder is refused by every process, and none hangs.
    again = torchrun(tmp_path, "batch_size=4")
    _, errors = again.communicate()
    assert again.returncode != 0
    assert "already holds a run" in errors


@pytest.mark.slow
def test_two_processes_that_get_sigterm_end_after_the_same_step(
    ticket_records: list[TrainingRecord], tiny_config: TrainingConfig, tmp_path: Path
):
    write_run(tmp_path, replace(tiny_config, epochs=20, save_steps=1000), ticket_records)
    process = torchrun(tmp_path, "batch_size=1")
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("training: step 3/240"):
            process.terminate()
    assert process.wait() != 0
    assert "SIGTERM stopped the training after step" in "".join(lines)
    (checkpoint,) = (tmp_path / "two" / "checkpoints").glob("checkpoint-*")
    assert int(checkpoint.name.removeprefix("checkpoint-")) < 240
    # Each process has written its own.
    assert len(list(checkpoint.glob("rng_state_*.pth"))) == 2
