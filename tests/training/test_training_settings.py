"""What is passed through to TRL and PEFT, and what is refused since `train` decides it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from peft import LoraConfig
from transformers.integrations import integration_utils
from transformers.training_args import ParallelMode
from trl import SFTConfig

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.errors import UsageError
from schemalora.layers import LayerForward
from schemalora.training import passed_through, run, settings, train
from schemalora.training.settings import lora_config, sft_config


def with_settings(*settings: str) -> TrainingConfig:
    return TrainingConfig(base_model="./no-such-model", dtype="float32").with_overrides(settings)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("trl.packing=true", "batches of like length leave little padding"),
        ("trl.load_best_model_at_end=true", "set development_rows"),
        ("trl.output_dir=elsewhere", "the argument output_dir"),
        ("trl.eos_token='<|im_start|>'", "the adapter pins both"),
        ("trl.chat_template_path=other.jinja", "the adapter pins both"),
        ("trl.save_only_model=true", "all that resuming needs"),
        ("trl.enable_jit_checkpoint=true", "would pass for a finished one"),
        ("trl.label_smoothing_factor=0.1", "plain mean cross entropy"),
        ("trl.loss_type=dft", "plain mean cross entropy"),
        ("trl.completion_only_loss=false", "over the tokens of the completions"),
        ("trl.pad_to_multiple_of=8", "use batch_size"),
        ("trl.model_init_kwargs={}", "use base_model, dtype"),
        ("trl.optim=paged_adamw_8bit", "use the setting optimizer"),
        ("trl.fp16=true", "the setting dtype"),
        ("trl.bf16=true", "the setting dtype"),
        ("trl.max_length=512", "use the setting max_length"),
        ("trl.learning_rate=1e-5", "use the setting learning_rate"),
        ("trl.per_device_train_batch_size=2", "use the setting batch_size"),
        ("trl.gradient_accumulation_steps=2", "use the setting gradient_accumulation"),
        ("trl.num_train_epochs=2", "use the setting epochs"),
        ("trl.gradient_checkpointing=true", "use the setting gradient_checkpointing"),
        ("trl.activation_checkpointing=true", "use the setting gradient_checkpointing"),
        ("trl.auto_find_batch_size=true", "use batch_size and gradient_accumulation"),
        ("trl.save_strategy=no", "use save_steps, or 'epoch'"),
        ("trl.save_strategy=best", "use save_steps, or 'epoch'"),
        ("peft.inference_mode=true", "nothing would be trained"),
    ],
)
def test_what_would_undo_a_setting_is_refused_before_anything_is_loaded(
    setting: str,
    message: str,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
):
    name = setting.partition("=")[0]
    with pytest.raises(UsageError, match=f"{name} cannot be passed through: .*{message}"):
        train(ticket_contract, ticket_records, with_settings(setting), output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_cpu_is_not_chosen_beside_the_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(settings, "preferred_device", lambda: "cuda:0")
    with pytest.raises(UsageError, match=r'trl.use_cpu .* CUDA_VISIBLE_DEVICES=""'):
        sft_config(with_settings("trl.use_cpu=true"), tmp_path)


def test_what_asks_for_what_is_done_anyway_passes(tmp_path: Path):
    config = with_settings(
        "trl.packing=false", "trl.bf16=false", "trl.optim=adamw_torch_fused",
        "trl.eval_strategy=no", "trl.save_strategy=epoch", "trl.learning_rate=1e-3",
    )  # fmt: skip
    assert sft_config(config, tmp_path).packing is False


def test_the_rest_reaches_trl_and_peft(tmp_path: Path):
    config = with_settings(
        "trl.neftune_noise_alpha=5",
        "trl.adam_beta2=0.95",
        "trl.lr_scheduler_kwargs={num_cycles=2}",
        "trl.weight_decay=0.1",
        'peft.exclude_modules=["k_proj"]',
        "peft.r=3",
    )
    arguments: Any = sft_config(config, tmp_path)
    lora: Any = lora_config(config)
    assert (arguments.neftune_noise_alpha, arguments.adam_beta2) == (5, 0.95)
    assert (arguments.weight_decay, arguments.lr_scheduler_kwargs) == (0.1, {"num_cycles": 2})
    assert (lora.r, lora.exclude_modules) == (3, {"k_proj"})


def test_one_process_takes_one_gpu_of_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Else transformers copies the model to each, and multiplies the rows of a step."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(settings, "preferred_device", lambda: "cuda:0")
    arguments = sft_config(with_settings("batch_size=3"), tmp_path)
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, 3)
    assert arguments.parallel_mode == ParallelMode.NOT_PARALLEL


@pytest.mark.parametrize(("table", "settings"), [("trl", SFTConfig), ("peft", LoraConfig)])
def test_every_refused_name_is_a_setting(table: str, settings: Any):
    """A name that TRL or PEFT renamed would be refused in vain."""
    decided = passed_through.DECIDED[table]
    assert set(decided) <= {one.name for one in fields(settings)}


@pytest.mark.parametrize("setting", ["peft.bias=all", "peft.modules_to_save=['lm_head']"])
def test_weights_of_the_base_are_not_trained_in_bfloat16(setting: str):
    config = with_settings(setting)
    assert lora_config(config)
    with pytest.raises(UsageError, match="bfloat16 is too coarse for: set dtype = 'float32'"):
        lora_config(config.with_overrides(["dtype=bfloat16"]))


@pytest.mark.parametrize(
    ("mixed", "dtype"), [("bf16", "float32"), ("fp16", "float32"), ("fp16", "bfloat16")]
)
def test_another_precision_of_accelerate_is_refused(
    mixed: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", mixed)
    with pytest.raises(UsageError, match=f"mixed_precision '{mixed}', and dtype is '{dtype}'"):
        sft_config(with_settings(f"dtype={dtype}"), tmp_path)


def test_the_same_precision_of_accelerate_trains(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Under autocast, LoRA is left to PEFT."""
    taken: list[int] = []
    replaced = run.replaced_forwards

    def watch(forwards: list[LayerForward]) -> AbstractContextManager[None]:
        taken.append(len(forwards))
        return replaced(forwards)

    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setattr(run, "replaced_forwards", watch)
    AcceleratorState._reset_state()
    config = tiny_config.with_overrides(["dtype=bfloat16", "max_steps=1"])
    try:
        adapter = train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")
    finally:
        AcceleratorState._reset_state()
    assert adapter.manifest.step == 1
    assert taken == [0]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("report_to=['wandb']", "report_to = wandb: .*pip install wandb"),
        ("report_to=['wandbb']", "report_to = wandbb: .* is not supported"),
        ("peft.r=x", "peft.r must be a number, not 'x'"),
    ],
)
def test_what_would_fail_after_loading_is_refused_before(
    setting: str,
    message: str,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(integration_utils, "is_wandb_available", lambda: False)
    config = with_settings(setting)
    with pytest.raises(UsageError, match=message):
        train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")
