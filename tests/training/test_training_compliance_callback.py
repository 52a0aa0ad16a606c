"""Generated compliance shows up in a plain TRL run, and changes nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from customer_support.dataset import build_dataset
from schemalora import Contract, format_examples
from schemalora.base_model import find_base_model, load_model
from schemalora.errors import UsageError
from schemalora.training import ComplianceCallback


def run(
    contract: Contract,
    tiny_mistral: Path,
    tokenizer: Any,
    folder: Path,
    *,
    watched: bool,
    **weights: Any,
) -> tuple[Any, ComplianceCallback | None]:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    rows = build_dataset(train_count=6000, eval_count=800, seed=0)[0][:12]
    trainer = SFTTrainer(
        model=load_model(find_base_model(str(tiny_mistral)), **weights),
        args=SFTConfig(
            output_dir=str(folder), max_steps=2, per_device_train_batch_size=4, use_cpu=True,
            bf16=False, report_to="none", save_strategy="no", logging_steps=1, seed=0,
        ),
        train_dataset=Dataset.from_list([one.to_dict() for one in format_examples(contract, rows)]),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=4, lora_dropout=0.1, target_modules=["q_proj"]),
    )  # fmt: skip
    callback = None
    if watched:
        callback = ComplianceCallback(
            trainer, contract, rows[:3], every_steps=1, max_new_tokens=8, batch_size=2
        )
        trainer.add_callback(callback)
    trainer.train()
    return trainer, callback


@pytest.mark.parametrize(
    "weights",
    [{"dtype": "float32"}, {"dtype": "bfloat16", "quantization": "nf4"}],
    ids=["float32", "nf4"],
)
def test_rates_are_logged_and_training_is_untouched(
    weights: dict[str, Any],
    ticket_contract: Contract,
    tiny_mistral: Path,
    tokenizer: Any,
    tmp_path: Path,
):
    """For 4-bit weights it is a test on CPUs with AVX512-BF16 only; see `keep_differentiable`."""
    given = (ticket_contract, tiny_mistral, tokenizer)
    watched, callback = run(*given, tmp_path / "watched", watched=True, **weights)
    plain, _ = run(*given, tmp_path / "plain", watched=False, **weights)

    rates = [entry for entry in watched.state.log_history if "eval_schema_compliant" in entry]
    assert [entry["step"] for entry in rates] == [1, 2]
    assert all(0 <= entry["eval_$.intent"] <= 1 for entry in rates)
    assert callback is not None
    assert {step: report.n for step, report in callback.reports.items()} == {1: 3, 2: 3}

    def logged(trainer: Any, key: str) -> list[float]:
        return [entry[key] for entry in trainer.state.log_history if key in entry]

    assert logged(watched, "loss") == logged(plain, "loss")
    assert logged(watched, "grad_norm") == logged(plain, "grad_norm")
    assert all(norm > 0 for norm in logged(watched, "grad_norm"))


def test_what_measures_nothing_is_refused(ticket_contract: Contract):
    with pytest.raises(UsageError, match="needs examples"):
        ComplianceCallback(None, ticket_contract, [], every_steps=1)
