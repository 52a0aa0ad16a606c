"""Real parts, small: the embedded base model, and a tiny Mistral with its tokenizer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: more threads than cores spin while they wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from customer_support.ticket import SupportTicket
from schemalora.base_model import BaseModel, find_base_model, load_tokenizer
from schemalora.contract import Contract

# Time is measured in benchmarks, never in a test. A change is judged by the same examples each
# time; people's own runs look for new ones.
settings.register_profile(
    "people",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("ci", settings.get_profile("people"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "people")


@pytest.fixture(scope="session")
def ticket_contract() -> Contract:
    return Contract.from_model(SupportTicket)


@pytest.fixture(scope="session")
def embedded() -> BaseModel:
    return find_base_model("embedded")


@pytest.fixture(scope="session")
def tokenizer(embedded: BaseModel) -> Any:
    return load_tokenizer(embedded)


@pytest.fixture(scope="session")
def tiny_mistral(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A randomly initialised model of Mistral's architecture, with a real tokenizer."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=1024,
        sliding_window=None,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    folder = tmp_path_factory.mktemp("tiny-mistral")
    MistralForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
