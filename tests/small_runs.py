"""Runs of training in processes of their own, and what tests ask of two adapters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from customer_support.ticket import SupportTicket
from schemalora import Contract, TrainingConfig, TrainingRecord, read_records, write_records


def weights(folder: Path) -> Mapping[str, Any]:
    """The adapter's tensors by their names."""
    return load_file(folder / "adapter_model.safetensors")


def same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether two adapters are equal bit for bit."""
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def write_run(folder: Path, config: TrainingConfig, records: list[TrainingRecord]) -> None:
    """Writes the files of a run: `run.toml` and `records.jsonl`."""
    write_records(folder / "records.jsonl", records)
    settings = {key: value for key, value in config.to_dict().items() if value != {}}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / "run.toml").write_text("\n".join(["[training]", *lines, ""]))


def train_files(folder: Path, output: Path, resume: bool, overrides: tuple[str, ...] = ()) -> None:
    """Trains on the files of a run; for processes of their own."""
    from schemalora.training import train

    train(
        Contract.from_model(SupportTicket),
        list(read_records(folder / "records.jsonl")),
        TrainingConfig.from_toml(folder / "run.toml", overrides=overrides),
        output_dir=output,
        resume=resume,
    )
