"""All stages, one after the other, with the preset `t4` on a tiny model of Mistral's architecture.

Only what needs a GPU or hours is set otherwise: see `config`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from customer_support.dataset import build_dataset
from customer_support.run import HERE
from schemalora import (
    Adapter,
    Contract,
    Example,
    TrainingConfig,
    evaluate,
    format_examples,
    read_examples,
    read_predictions,
    read_records,
    write_examples,
    write_records,
)
from schemalora.errors import AdapterMismatchError, PreflightError, RunFolderError, UsageError
from schemalora.inference import load, predict
from schemalora.training import train
from spaced import spaced_tokenizer

PRESETS = HERE / "presets"


@pytest.fixture(scope="module")
def files(ticket_contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    train_set, eval_set = build_dataset(train_count=6000, eval_count=800, seed=0)
    write_examples(folder / "train.jsonl", train_set[:24])
    write_examples(folder / "eval.jsonl", eval_set[:6])
    records = format_examples(ticket_contract, read_examples(folder / "train.jsonl"))
    write_records(folder / "records.jsonl", records)
    return folder


@pytest.fixture(scope="module")
def config(tiny_mistral: Path) -> TrainingConfig:
    return TrainingConfig.from_toml(
        PRESETS / "t4.toml",
        overrides=[
            f"base_model={tiny_mistral}",
            "dtype=bfloat16",  # as `auto` on most machines; float16, as on a T4, needs a GPU
            "optimizer=adamw_8bit",  # paged memory is CUDA's
            "epochs=1",
            "gradient_accumulation=2",
            "warmup_steps=1",
            "logging_steps=1",
            "save_steps=2",
        ],
    )


@pytest.fixture(scope="module")
def adapter(files: Path, ticket_contract: Contract, config: TrainingConfig) -> Adapter:
    return train(
        ticket_contract,
        read_records(files / "records.jsonl"),
        config,
        output_dir=files / "adapter",
    )


def test_the_adapter_directory_is_peft_s_and_ours(
    adapter: Adapter, ticket_contract: Contract, tiny_mistral: Path
):
    from peft import AutoPeftModelForCausalLM

    loaded: Any = AutoPeftModelForCausalLM.from_pretrained(adapter.path)
    assert any("lora_A" in name for name, _ in loaded.named_parameters())
    again = Adapter.load(adapter.path)
    assert again.manifest.contract.fingerprint == ticket_contract.fingerprint
    assert again.manifest.base_model == str(tiny_mistral)
    assert again.manifest.training["optimizer"] == "adamw_8bit"
    curve = json.loads((adapter.path / "learning_curve.json").read_text())
    assert [entry["step"] for entry in curve["steps"]] == [1, 2, 3]
    assert curve["records"] == 24
    assert not (adapter.path / "checkpoints").exists()


def test_four_bit_training_keeps_the_adapter_in_float32(adapter: Adapter):
    """TRL would turn it to bfloat16, which float16's loss scaler refuses on a GPU."""
    from safetensors.torch import load_file

    weights = load_file(adapter.path / "adapter_model.safetensors")
    assert {str(one.dtype) for one in weights.values()} == {"torch.float32"}


@pytest.mark.parametrize("constrained", [False, True])
def test_predictions_are_scored(
    adapter: Adapter, files: Path, ticket_contract: Contract, constrained: bool
):
    model = load(adapter, dtype="bfloat16")
    assert model.identity()["quantization"] == "nf4"
    path = files / f"predictions-{constrained}.jsonl"
    examples = list(read_examples(files / "eval.jsonl"))
    streamed = list(
        predict(model, examples, constrained=constrained, max_new_tokens=96, output=path)
    )
    assert [one.example_id for one in streamed] == [one.id for one in examples]
    assert list(read_predictions(path)) == streamed
    report = evaluate(ticket_contract, examples, read_predictions(path))
    assert report.n == len(examples)
    if constrained:
        whole = [one for one in streamed if one.finish_reason == "stop"]
        assert all(ticket_contract.parse(one.completion).compliant for one in whole)
        # A random model's strings may run on; what ends must comply.
        assert report.metrics["schema_compliant"].count >= len(whole)


def test_weights_are_as_they_were_in_training_unless_told_otherwise(adapter: Adapter):
    plain = load(adapter, quantization="none", dtype="bfloat16")
    assert "quantization" not in plain.identity()
    merged = load(adapter, dtype="bfloat16", merge=True)
    assert "quantization" not in merged.identity()
    assert merged.identity()["merged"]
    with pytest.raises(UsageError, match="merged into 4-bit weights"):
        load(adapter, quantization="nf4", merge=True)


@pytest.mark.parametrize("kind", ["Metaspace", "Prepend"])
def test_a_tokenizer_that_puts_spaces_before_texts_goes_all_the_way(kind: str, tmp_path: Path):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = spaced_tokenizer(kind)
    tokenizer.pad_token = tokenizer.unk_token
    tokenizer.save_pretrained(tmp_path / "base")
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(shape).save_pretrained(tmp_path / "base")
    kinds = {"enum": ["refund", "cancel"]}
    schema = {
        "type": "object",
        "properties": {"kind": kinds, "number": {"type": ["integer", "null"]}},
        "required": ["kind", "number"],
        "additionalProperties": False,
    }
    contract = Contract.from_json_schema(schema, name="Wish")
    examples = [
        Example(text=f"please {kind} it", target={"kind": kind, "number": None})
        for kind in ("refund", "cancel") * 8
    ]
    settings = TrainingConfig(
        base_model=str(tmp_path / "base"), epochs=10, learning_rate=1e-2, dtype="float32"
    )
    adapter = train(
        contract, format_examples(contract, examples), settings, output_dir=tmp_path / "adapter"
    )
    model = load(adapter, dtype="float32")
    for constrained in (False, True):
        answers = list(predict(model, examples[:2], constrained=constrained, max_new_tokens=60))
        # The shape is learned from the first letter on: nothing stands before it.
        assert all(one.completion.startswith('{"kind":"') for one in answers)
        same = predict(
            model, examples[:2], constrained=constrained, max_new_tokens=60, engine="generate"
        )
        assert [one.completion for one in same] == [one.completion for one in answers]
    assert all(contract.parse(one.completion).compliant for one in answers)


def test_another_contract_is_refused(adapter: Adapter):
    other = Contract.from_json_schema({"type": "integer"}, name="Number")
    with pytest.raises(AdapterMismatchError, match="contract"):
        predict(adapter, ["hi"], contract=other)


def test_a_finished_run_is_not_overwritten(
    adapter: Adapter, ticket_contract: Contract, config: TrainingConfig, files: Path
):
    before = (adapter.path / "schemalora.json").read_bytes()
    records = list(read_records(files / "records.jsonl"))
    with pytest.raises(RunFolderError, match="already holds a run"):
        train(ticket_contract, records, config, output_dir=adapter.path)
    with pytest.raises(RunFolderError, match="no stopped run to resume"):
        train(ticket_contract, records, config, output_dir=adapter.path, resume=True)
    assert (adapter.path / "schemalora.json").read_bytes() == before


def test_what_cannot_be_trained_is_refused_before_hours_are_spent(
    ticket_contract: Contract, config: TrainingConfig, files: Path, tmp_path: Path
):
    records = list(read_records(files / "records.jsonl"))
    with pytest.raises(UsageError, match="no training records"):
        train(ticket_contract, [], config, output_dir=tmp_path / "a")
    short = config.with_overrides(["max_length=40"])
    with pytest.raises(PreflightError, match="too_long in record 0"):
        train(ticket_contract, records, short, output_dir=tmp_path / "b")
    other = Contract.from_json_schema({"type": "integer"}, name="Number")
    with pytest.raises(PreflightError, match="invalid_target"):
        train(other, records, config, output_dir=tmp_path / "c")
    for table, who in (("trl", "SFTConfig"), ("peft", "LoraConfig")):
        strange = config.with_overrides([f"{table}.no_such_setting=1"])
        with pytest.raises(UsageError, match=f"{who} refuses"):
            train(ticket_contract, records, strange, output_dir=tmp_path / "d")
    # Nothing was computed, so no folder is taken.
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_ends_in_the_same_adapter(
    ticket_contract: Contract, tiny_mistral: Path, files: Path, tmp_path: Path
):
    """Stopped after two of three steps and resumed: the same weights, bit for bit."""
    import torch
    from safetensors.torch import load_file

    from schemalora.training import run

    records = list(read_records(files / "records.jsonl"))
    config = TrainingConfig(
        base_model=str(tiny_mistral), dtype="float32", rank=4, dropout=0.1, batch_size=8,
        save_steps=1, learning_rate=1e-3,
    )  # fmt: skip
    whole = train(ticket_contract, records, config, output_dir=tmp_path / "whole")

    class StoppedError(Exception):
        pass

    save = run.CompletionTrainer._save_checkpoint

    def save_and_stop(self: Any, model: Any, trial: Any) -> None:
        save(self, model, trial)
        if self.state.global_step == 2:
            raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.CompletionTrainer, "_save_checkpoint", save_and_stop)
        with pytest.raises(StoppedError):
            train(ticket_contract, records, config, output_dir=tmp_path / "parts")
    other = config.with_overrides(["rank=8"])
    with pytest.raises(RunFolderError, match=r"other settings: rank \(4 → 8\)"):
        train(ticket_contract, records, other, output_dir=tmp_path / "parts", resume=True)
    parts = train(ticket_contract, records, config, output_dir=tmp_path / "parts", resume=True)

    left = load_file(whole.path / "adapter_model.safetensors")
    right = load_file(parts.path / "adapter_model.safetensors")
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
