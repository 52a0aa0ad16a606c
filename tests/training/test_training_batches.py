from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody gives it
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import MambaConfig, MambaForCausalLM

from inference.conftest import ARCHITECTURES, random_model
from schemalora.base_model import find_base_model, load_model
from schemalora.training.attention import use_row_attention
from schemalora.training.collator import BESIDE_THE_MODEL, PackedCollator, RightAlignedCollator
from schemalora.training.tokens import IGNORED, TokenRow, to_dataset

# The end token, and among the ids of rows: what is padding is known by its place alone.
PAD = EOS = 9
ids = st.lists(st.integers(1, 9), min_size=1, max_size=6)


pairs_of_ids = st.lists(st.tuples(ids, ids), min_size=1, max_size=5)


def token_rows(pairs: list[tuple[list[int], list[int]]]) -> list[TokenRow]:
    return [TokenRow(prompt=tuple(a), completion=(*b, EOS)) for a, b in pairs]


def padded(rows: list[TokenRow]) -> dict[str, Any]:
    return RightAlignedCollator(pad_token_id=PAD)(list(to_dataset(rows)))


def packed(rows: list[TokenRow]) -> dict[str, Any]:
    return PackedCollator(pad_token_id=PAD)(list(to_dataset(rows)))


@settings(max_examples=50, deadline=None)
@given(pairs=pairs_of_ids)
def test_padded_rows_are_whole_and_all_loss_lies_in_the_kept_columns(
    pairs: list[tuple[list[int], list[int]]],
):
    rows = token_rows(pairs)
    batch = padded(rows)
    kept = batch["logits_to_keep"]
    assert not (batch["labels"][:, : -kept + 1] != IGNORED).any() or kept == batch["labels"].size(1)
    for index, row in enumerate(rows):
        real = batch["attention_mask"][index].bool()
        assert batch["input_ids"][index][real].tolist() == row.input_ids
        assert batch["labels"][index][real].tolist() == row.labels
        assert batch["position_ids"][index][real].tolist() == list(range(len(row)))
        assert (batch["input_ids"][index][~real] == PAD).all()
        wanted = batch["targets"][index]
        assert wanted[wanted != IGNORED].tolist() == list(row.completion)


@settings(max_examples=50, deadline=None)
@given(pairs=pairs_of_ids)
def test_packed_rows_are_whole_and_every_target_stands_behind_its_prefix(
    pairs: list[tuple[list[int], list[int]]],
):
    rows = token_rows(pairs)
    batch = packed(rows)
    tokens, positions = batch["input_ids"][0], batch["position_ids"][0]
    assert len(tokens) % 32 == 0
    assert batch["attention_mask"].sum() == sum(map(len, rows))
    assert (tokens[batch["attention_mask"][0] == 0] == PAD).all()
    # From tokens to rows and back again, each token comes out at its own place.
    lined_up = tokens[batch["row_slots"]]
    assert torch.equal(lined_up.flatten()[batch["token_slots"]], tokens)
    for index, row in enumerate(rows):
        assert lined_up[index, : len(row)].tolist() == row.input_ids
        assert positions[batch["row_slots"][index, : len(row)]].tolist() == list(range(len(row)))
    assert (batch["labels"] != IGNORED).sum() == sum(len(row.completion) for row in rows)
    wanted = batch["targets"][0] != IGNORED
    before = batch["logits_to_keep"][wanted]
    assert torch.equal(tokens[before + 1], batch["targets"][0][wanted])
    assert batch["targets"][0][wanted].tolist() == [id for row in rows for id in row.completion]


LENGTHS = [(5, 9), (30, 3), (1, 1), (12, 20)]


def random_rows() -> list[TokenRow]:
    torch.manual_seed(0)
    return [
        TokenRow(
            prompt=tuple(torch.randint(20, 40_000, (length,)).tolist()),
            completion=tuple(torch.randint(20, 40_000, (answer,)).tolist()),
        )
        for length, answer in LENGTHS
    ]


def loss_of(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    fed = {key: value for key, value in batch.items() if key not in BESIDE_THE_MODEL}
    return F.cross_entropy(
        model(**fed, use_cache=False).logits.flatten(0, 1),
        batch["targets"].flatten(),
        ignore_index=IGNORED,
        reduction="sum",
    )


def loss_of_each_alone(model: Any, rows: list[TokenRow]) -> torch.Tensor:
    losses = [
        F.cross_entropy(
            model(input_ids=torch.tensor([row.input_ids])).logits[0, :-1],
            torch.tensor(row.labels[1:]),
            ignore_index=IGNORED,
            reduction="sum",
        )
        for row in rows
    ]
    return torch.stack(losses).sum()


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_padding_and_kept_columns_change_no_loss(tiny_mistral: Path, attention: str):
    """The batch's summed loss is that of each row alone, over the whole of its columns."""
    found = find_base_model(str(tiny_mistral))
    model: Any = load_model(found, dtype="float32", attention=attention).eval()
    rows = random_rows()
    with torch.no_grad():
        together, alone = loss_of(model, padded(rows)), loss_of_each_alone(model, rows)
    assert together.item() == pytest.approx(alone.item(), rel=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_packed_rows_have_the_loss_and_the_gradients_of_each_row_alone(architecture: str):
    """Windows, soft caps, shared keys and normed heads included: no row sees another."""
    model: Any = random_model(architecture)
    model.set_attn_implementation("eager")
    rows = random_rows()
    alone = loss_of_each_alone(model, rows)
    expected = torch.autograd.grad(alone, [*model.parameters()])
    assert use_row_attention(model)
    together = loss_of(model, packed(rows))
    found = torch.autograd.grad(together, [*model.parameters()])
    assert together.item() == pytest.approx(alone.item(), rel=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() <= 1e-4 * theirs.norm() + 1e-6


def test_a_model_that_keeps_more_than_keys_and_values_is_left_as_it_is():
    config = MambaConfig(vocab_size=64, hidden_size=16, num_hidden_layers=1, state_size=4)
    model = MambaForCausalLM(config)
    before = model.config._attn_implementation
    assert not use_row_attention(model)
    assert model.config._attn_implementation == before
