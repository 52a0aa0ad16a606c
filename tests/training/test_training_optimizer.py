"""An optimizer or a schedule that cannot be made is refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import trainer_optimizer

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.errors import UsageError
from schemalora.training import train
from schemalora.training.settings import sft_config


def with_settings(*settings: str) -> TrainingConfig:
    return TrainingConfig(base_model="./no-such-model", dtype="float32").with_overrides(settings)


def test_nothing_is_claimed_for_an_optimizer_without_its_package(
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(trainer_optimizer, "is_galore_torch_available", lambda: False)
    config = with_settings("optimizer=galore_adamw")
    with pytest.raises(UsageError, match=r"optimizer = 'galore_adamw': .*galore_torch"):
        train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("optimizer", "package"),
    [
        ("adamw_torch_8bit", "torchao"),
        ("adamw_8bit", "bitsandbytes"),
        ("lion_32bit", "bitsandbytes"),
        ("schedule_free_adamw", "schedulefree"),
        ("lomo", "lomo"),
    ],
)
def test_the_package_that_is_missing_is_named(
    optimizer: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trainer_optimizer, f"is_{package}_available", lambda *_: False)
    with pytest.raises(UsageError, match=f"optimizer = '{optimizer}': .*pip install .*{package}"):
        sft_config(with_settings(f"optimizer={optimizer}"), tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["trl.adam_beta2=2"], "optimizer = 'adamw_torch_fused': Invalid beta"),
        (["optimizer=sgd", "trl.optim_args='nesterov=true'"], "optimizer = 'sgd': Nesterov"),
        (["trl.lr_scheduler_type=cosine_with_min_lr"], "schedule 'cosine_with_min_lr' .*min_lr"),
        (["trl.lr_scheduler_kwargs={cycles=2}"], "schedule 'cosine' .*{'cycles': 2}.*cycles"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(settings: list[str], message: str, tmp_path: Path):
    with pytest.raises(UsageError, match=message):
        sft_config(with_settings(*settings), tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        ["optimizer=adamw_8bit", "trl.lr_scheduler_type=warmup_stable_decay",
         "trl.lr_scheduler_kwargs={num_decay_steps=10}"],
        ["optimizer=rmsprop_bnb", "schedule=constant"],
        ["optimizer=lion_32bit", "trl.lr_scheduler_type=cosine_with_min_lr",
         "trl.lr_scheduler_kwargs={min_lr=1e-5}"],
        ["optimizer=adafactor", "trl.lr_scheduler_type=inverse_sqrt", "warmup_steps=0"],
    ],
)  # fmt: skip
def test_what_can_be_made_passes(settings: list[str], tmp_path: Path):
    assert sft_config(with_settings(*settings), tmp_path)


def test_an_optimizer_of_the_model_is_left_to_the_trainer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trainer_optimizer, "is_lomo_available", lambda: True)
    assert sft_config(with_settings("optimizer=lomo"), tmp_path)
