"""NEFTune's noise is as large as the paper has it, however the rows are laid out in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from schemalora import Contract, TrainingConfig, TrainingRecord
from schemalora.base_model import find_base_model, load_model
from schemalora.training import train
from schemalora.training.collator import PackedCollator, RightAlignedCollator
from schemalora.training.noise import noisy_embeddings
from schemalora.training.tokens import TokenRow, to_dataset, tokenize_records

ALPHA = 5.0


@pytest.mark.parametrize("collator", [PackedCollator, RightAlignedCollator])
def test_noise_is_scaled_by_the_length_of_each_row(collator: Any, tiny_mistral: Path):
    model: Any = load_model(find_base_model(str(tiny_mistral)), dtype="float32", attention="eager")
    embeddings = model.get_input_embeddings()
    lengths = [40, 10, 120, 31]
    rows = [TokenRow(prompt=(1,) * (length - 2), completion=(2, 3)) for length in lengths]
    batch = collator(pad_token_id=0)(list(to_dataset(rows)))
    ids = batch["input_ids"]
    with noisy_embeddings(model, ALPHA, batch["row_lengths"]):
        noise = (embeddings(ids) - embeddings.weight[ids]).abs()
    assert torch.equal(embeddings(ids), embeddings.weight[ids])
    in_rows = batch["row_lengths"].expand(ids.shape)
    for length in lengths:
        largest = noise[in_rows == length].max().item() * (length * noise.size(-1)) ** 0.5
        assert 0.95 * ALPHA < largest <= ALPHA * 1.0001


@pytest.mark.parametrize("attention", ["packed", "eager"])
def test_a_run_has_that_noise_and_no_other(
    attention: str,
    ticket_contract: Contract,
    ticket_records: list[TrainingRecord],
    tiny_config: TrainingConfig,
    tokenizer: Any,
    tmp_path: Path,
):
    lengths = [len(row) for row in tokenize_records(tokenizer, ticket_records)]
    # A whole batch's length would be far from any row's.
    assert max(lengths) < 4 * min(lengths)
    embedded: list[torch.Tensor] = []
    largest: list[float] = []

    def watch(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        if isinstance(module, torch.nn.Embedding):
            embedded.append(module.weight[args[0]])
        elif type(module).__name__ == "MistralDecoderLayer" and embedded:
            largest.append((args[0] - embedded.pop()).abs().max().item())

    handle = torch.nn.modules.module.register_module_forward_pre_hook(watch)  # pyright: ignore
    config = tiny_config.with_overrides(
        [f"trl.neftune_noise_alpha={ALPHA}", f"attention={attention}", "max_steps=1"]
    )
    try:
        train(ticket_contract, ticket_records, config, output_dir=tmp_path / "run")
    finally:
        handle.remove()
    low, high = (ALPHA / (length * 64) ** 0.5 for length in (max(lengths), min(lengths)))
    assert len(largest) == 1
    assert 0.95 * low < largest[0] <= high * 1.0001
