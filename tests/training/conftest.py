"""Short runs on a tiny model: a few records of the flagship's contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemalora import Contract, Example, TrainingConfig, TrainingRecord, format_examples, sample


@pytest.fixture(scope="session")
def ticket_records(ticket_contract: Contract) -> list[TrainingRecord]:
    """24 records of 12 groups, whose texts are alike in nothing but their words."""
    examples = [
        Example(text=f"{chr(97 + n) * 4} {'again ' * (n % 7)}", target=target, group=f"g{n % 12}")
        for n, target in enumerate(sample(ticket_contract, 24, 0))
    ]
    return list(format_examples(ticket_contract, examples))


@pytest.fixture
def tiny_config(tiny_mistral: Path) -> TrainingConfig:
    """Three steps of eight rows, in float32, so that equal means equal."""
    return TrainingConfig(
        base_model=str(tiny_mistral),
        dtype="float32",
        rank=4,
        batch_size=8,
        learning_rate=1e-3,
        schedule="constant",
        warmup_steps=0,
        save_steps=1,
        logging_steps=1,
    )
