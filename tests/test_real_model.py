"""One short run of all stages on the real embedded base model."""

from __future__ import annotations

from pathlib import Path

from customer_support.dataset import build_dataset
from schemalora import Contract, TrainingConfig, evaluate, format_examples
from schemalora.base_model import BaseModel
from schemalora.inference import load, predict
from schemalora.training import train


def test_a_few_steps_teach_the_real_model_its_format(
    ticket_contract: Contract, embedded: BaseModel, tmp_path: Path
):
    train_set, eval_set = build_dataset(train_count=6000, eval_count=800, seed=0)
    rows = sorted(train_set, key=lambda one: len(one.text))[:96]
    config = TrainingConfig(
        base_model=embedded.name,
        batch_size=8,
        learning_rate=3e-3,
        target_modules=("all-linear",),
        schedule="constant",
        logging_steps=1,
    )
    adapter = train(
        ticket_contract, format_examples(ticket_contract, rows), config, output_dir=tmp_path / "a"
    )
    questions = sorted(eval_set, key=lambda one: len(one.text))[:4]
    lora = load(adapter)
    base = evaluate(
        ticket_contract,
        questions,
        predict(lora.base(), questions, contract=ticket_contract, max_new_tokens=70),
    )
    taught = evaluate(ticket_contract, questions, predict(lora, questions, max_new_tokens=70))
    assert base.metrics["schema_compliant"].count == 0
    assert taught.metrics["valid_json"].count >= 3
    held = evaluate(
        ticket_contract,
        questions,
        predict(lora, questions, constrained=True, max_new_tokens=70),
    )
    assert held.metrics["schema_compliant"].count == len(questions)
