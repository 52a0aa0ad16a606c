"""Settings that this machine cannot run are refused at once."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.errors import UsageError
from schemalora.training import train
from schemalora.training.machine import check_machine


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without a GPU")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimizer=paged_adamw_8bit", "needs a CUDA GPU, and there is none: use 'adamw_8bit'"),
        ("optimizer=paged_adamw_32bit", "needs a CUDA GPU, and there is none: use 'adamw_torch'"),
        ("attention=flash_attention_2", "needs a CUDA GPU, and there is none: use 'auto'"),
        ("dtype=float16", "needs a CUDA GPU, and there is none: use 'auto'"),
    ],
)
def test_what_needs_a_gpu(
    setting: str,
    message: str,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
):
    config = TrainingConfig(base_model="./no-such-model").with_overrides([setting])
    with pytest.raises(UsageError, match=message):
        train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_needs_a_package(monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec

    def without_bitsandbytes(name: str, package: str | None = None) -> object:
        return None if name == "bitsandbytes" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_bitsandbytes)
    with pytest.raises(UsageError, match="pip install bitsandbytes"):
        check_machine(TrainingConfig(base_model="e", quantization="nf4"))
    check_machine(TrainingConfig(base_model="e"))
