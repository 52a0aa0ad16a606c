"""QLoRA computes in its compute type, learns, and keeps its adapter in float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.training import train


class Watch(TrainerCallback):
    """Notes what the layers put out, and the gradients of the last step."""

    def __init__(self) -> None:
        self.outputs: dict[str, set[torch.dtype]] = {}
        self.trained: dict[str, torch.dtype] = {}
        self.gradients: dict[str, float] = {}
        self.losses: list[float] = []

    def on_train_begin(self, *_: Any, **kwargs: Any) -> None:
        for name, layer in kwargs["model"].named_modules():
            layer.register_forward_hook(self._noting(name))

    def _noting(self, name: str) -> Any:
        def note(_: Any, __: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                self.outputs.setdefault(name, set()).add(output.dtype)

        return note

    def on_pre_optimizer_step(self, *_: Any, **kwargs: Any) -> None:
        for name, weights in kwargs["model"].named_parameters():
            if weights.requires_grad:
                self.trained[name] = weights.dtype
                self.gradients[name] = weights.grad.abs().sum().item()

    def on_log(self, *_: Any, **kwargs: Any) -> None:
        self.losses += [value for key, value in kwargs["logs"].items() if key == "loss"]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A callback that a run with `report_to=("watch",)` takes."""
    watch = Watch()
    monkeypatch.setitem(INTEGRATION_TO_CALLBACK, "watch", watch)
    return watch


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "bfloat16", "dropout": 0.05, "gradient_checkpointing": True},
        {"dtype": "bfloat16", "dora": True, "attention": "sdpa"},
        {"dtype": "float32"},
    ],
    ids=["checkpointing", "DoRA and padded batches", "float32"],
)
def test_qlora_computes_in_its_type_and_learns(
    change: dict[str, Any],
    watch: Watch,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    config = replace(
        tiny_config, quantization="nf4", learning_rate=1e-2, save_steps=100,
        report_to=("watch",), **change,
    )  # fmt: skip
    train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")

    computed = {name: kinds for name, kinds in watch.outputs.items() if "lora" not in name}
    layers = {name.rpartition(".")[2] for name in computed}
    assert layers >= {"embed_tokens", "q_proj", "o_proj", "down_proj", "norm", "lm_head"}
    kind = getattr(torch, config.dtype)
    assert {name: kinds for name, kinds in computed.items() if kinds != {kind}} == {}
    assert set(watch.trained.values()) == {torch.float32}
    assert all(watch.gradients.values())
    assert watch.losses[0] > watch.losses[-1]


def test_lora_s_products_are_taken_in_bfloat16(
    watch: Watch,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
):
    config = replace(
        tiny_config, dtype="bfloat16", quantization="nf4", max_steps=1, report_to=("watch",)
    )
    train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")
    products = {
        name: kinds
        for name, kinds in watch.outputs.items()
        if ".lora_A." in name or ".lora_B." in name
    }
    assert len(products) > 8
    assert {name: kinds for name, kinds in products.items() if kinds != {torch.bfloat16}} == {}
