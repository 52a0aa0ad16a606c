"""How the loss is reached changes nothing of it, and a loss that is lost names its batch."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.adapter import Adapter
from schemalora.errors import TrainingError
from schemalora.training import train


def losses(adapter: Adapter) -> list[float]:
    curve = json.loads((adapter.path / "learning_curve.json").read_text())
    return [entry["loss"] for entry in curve["steps"]]


@pytest.fixture(scope="module")
def plain(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_mistral: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[TrainingConfig, list[float]]:
    """A run of three steps to compare with."""
    config = TrainingConfig(
        base_model=str(tiny_mistral), dtype="float32", rank=4, batch_size=8, learning_rate=1e-2,
        warmup_steps=0, logging_steps=1,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("plain") / "run"
    return config, losses(train(ticket_contract, ticket_records, config, output_dir=folder))


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 2, "gradient_accumulation": 4},
        {"gradient_checkpointing": True},
        {"attention": "sdpa"},
        {"attention": "eager"},
        {"dropout": 1e-12},
    ],
    ids=["accumulation", "checkpointing", "sdpa", "eager", "PEFT's own layers"],
)
def test_the_same_rows_give_the_same_losses(
    change: dict[str, Any],
    plain: tuple[TrainingConfig, list[float]],
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
):
    config, expected = plain
    changed = train(
        ticket_contract, ticket_records, replace(config, **change), output_dir=tmp_path / "run"
    )
    assert len(expected) == 3
    assert expected[0] > expected[-1]
    assert losses(changed) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("variant", ["rslora", "dora"])
def test_variants_of_lora_reach_peft(
    variant: str,
    plain: tuple[TrainingConfig, list[float]],
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
):
    from peft import AutoPeftModelForCausalLM
    from safetensors import safe_open

    config, expected = plain
    adapter = train(
        ticket_contract,
        ticket_records,
        replace(config, **{variant: True}),
        output_dir=tmp_path / "run",
    )
    settings = json.loads((adapter.path / "adapter_config.json").read_text())
    assert settings[f"use_{variant}"] is True
    # Before the first step an adapter adds nothing, whatever its kind; afterwards they differ.
    assert losses(adapter)[0] == pytest.approx(expected[0], rel=1e-4)
    assert losses(adapter)[-1] != pytest.approx(expected[-1], rel=1e-4)
    with safe_open(adapter.path / "adapter_model.safetensors", "pt") as file:
        magnitudes = [name for name in file.keys() if "magnitude" in name]  # noqa: SIM118  no dict
    assert bool(magnitudes) == (variant == "dora")
    loaded: Any = AutoPeftModelForCausalLM.from_pretrained(adapter.path)
    assert any("lora_B" in name for name, _ in loaded.named_parameters())


def test_a_lost_loss_names_its_batch_and_leaves_the_last_checkpoint(
    plain: tuple[TrainingConfig, list[float]],
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
):
    from safetensors.torch import load_file

    config, _ = plain
    # The first step is one of warm-up, at a rate of 0; the second takes the weights far away.
    wild = replace(config, learning_rate=1e30, warmup_steps=1, max_grad_norm=1e30, save_steps=1,
                   batch_size=4)  # fmt: skip
    with pytest.raises(TrainingError) as caught:
        train(ticket_contract, ticket_records, wild, output_dir=tmp_path / "run")
    message = str(caught.value)
    assert "not finite" in message or "in the batch of records" in message
    checkpoints = sorted((tmp_path / "run" / "checkpoints").glob("checkpoint-*"))
    assert checkpoints
    for path in checkpoints:
        state = load_file(path / "adapter_model.safetensors")
        assert all(bool(one.isfinite().all()) for one in state.values())

    # What the message advises works, and the adapter says that it was not trained in one piece.
    # The weights of the second step are finite, but too far away for any learning rate.
    assert "run again with resume" in message
    assert "delete the newest checkpoint" in message
    shutil.rmtree(checkpoints.pop())
    calm = replace(wild, learning_rate=1e-3)
    with pytest.warns(UserWarning, match=r"with other settings: learning_rate 1e\+30 → 0\.001"):
        mended = train(
            ticket_contract, ticket_records, calm, output_dir=tmp_path / "run", resume=True
        )
    step = int(checkpoints[-1].name.removeprefix("checkpoint-"))
    changed = {"step": step, "settings": {"learning_rate": [1e30, 1e-3]}}
    assert list(Adapter.load(mended.path).manifest.changes) == [changed]
    weights = load_file(mended.path / "adapter_model.safetensors")
    assert all(bool(one.isfinite().all()) for one in weights.values())


def test_the_batch_is_named_by_its_records(
    plain: tuple[TrainingConfig, list[float]],
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_mistral: Path,
    tmp_path: Path,
):
    """A base model whose embedding of one token is damaged: the rows that hold it are named."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_mistral)
    odd = tokenizer.encode(" zzyzx", add_special_tokens=False)
    used = {
        token
        for one in ticket_records
        for part in (*one.prompt, *one.completion)
        for token in tokenizer.encode(part["content"])
    }
    token = next(one for one in odd if one not in used)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_mistral)
    with torch.no_grad():
        model.get_input_embeddings().weight[token] = float("nan")
    broken = tmp_path / "base"
    shutil.copytree(tiny_mistral, broken)
    model.save_pretrained(broken)
    records = list(ticket_records)
    system, user = records[17].prompt
    records[17] = replace(
        records[17], prompt=(system, {**user, "content": user["content"] + " zzyzx"})
    )
    config = replace(plain[0], base_model=str(broken), batch_size=1, save_steps=100)
    with pytest.raises(TrainingError, match=r"the loss is nan in step \d+, .* of records 17 "):
        train(ticket_contract, records, config, output_dir=tmp_path / "run")
