"""What ends a training from outside is said in one line, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from schemalora.errors import TrainingError
from schemalora.training.folder import RunFolder
from schemalora.training.limits import limits_of_the_machine


def test_a_full_memory_of_a_cpu_is_told_like_that_of_a_gpu(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    advice = "memory ran out .*: run again with resume and half the batch_size .*checkpoints lie in"
    with pytest.raises(TrainingError, match=advice), limits_of_the_machine(folder):
        torch.empty(1 << 50)  # 4 PiB
    with pytest.raises(TrainingError, match=advice), limits_of_the_machine(folder):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_another_error_of_a_computation_is_left_as_it_is(tmp_path: Path):
    with (
        pytest.raises(RuntimeError, match="shapes cannot be multiplied"),
        limits_of_the_machine(RunFolder(tmp_path / "run")),
    ):
        torch.ones(2, 3) @ torch.ones(2, 3)
