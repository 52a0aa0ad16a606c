from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody gives it
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalora.base_model import find_base_model, load_model
from schemalora.training.allocator import keep_pages
from schemalora.training.collator import RightAlignedCollator
from schemalora.training.tokens import IGNORED, TokenRow, to_dataset

PAD = 0
ids = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def collate(rows: list[TokenRow]) -> dict[str, Any]:
    return RightAlignedCollator(pad_token_id=PAD)(list(to_dataset(rows)))


@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(ids, ids), min_size=1, max_size=5))
def test_nothing_is_lost_and_all_loss_lies_in_the_kept_columns(
    pairs: list[tuple[list[int], list[int]]],
):
    rows = [TokenRow(prompt=tuple(a), completion=tuple(b)) for a, b in pairs]
    batch = collate(rows)
    kept = batch["logits_to_keep"]
    assert not (batch["labels"][:, : -kept + 1] != IGNORED).any() or kept == batch["labels"].size(1)
    for index, row in enumerate(rows):
        real = batch["attention_mask"][index].bool()
        assert batch["input_ids"][index][real].tolist() == row.input_ids
        assert batch["labels"][index][real].tolist() == row.labels
        assert batch["position_ids"][index][real].tolist() == list(range(len(row)))
        assert (batch["input_ids"][index][~real] == PAD).all()


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_padding_and_kept_columns_change_no_loss(tiny_mistral: Path, attention: str):
    """The batch's summed loss is that of each row alone, over the whole of its columns."""
    found = find_base_model(str(tiny_mistral))
    model: Any = load_model(found, dtype="float32", attention=attention).eval()
    torch.manual_seed(0)
    rows = [
        TokenRow(
            prompt=tuple(torch.randint(20, 40_000, (length,)).tolist()),
            completion=tuple(torch.randint(20, 40_000, (answer,)).tolist()),
        )
        for length, answer in [(5, 9), (30, 3), (1, 1), (12, 20)]
    ]
    batch = collate(rows)
    labels = batch.pop("labels")
    with torch.no_grad():
        logits = model(**batch).logits[:, :-1]
        targets = labels[:, labels.size(1) - logits.size(1) :]
        together = F.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        alone = sum(
            F.cross_entropy(
                model(input_ids=torch.tensor([row.input_ids])).logits[0, :-1],
                torch.tensor(row.labels[1:]),
                ignore_index=IGNORED,
                reduction="sum",
            )
            for row in rows
        )
    assert together.item() == pytest.approx(float(alone), rel=1e-5)


def test_the_allocator_takes_its_settings_on_glibc():
    import platform

    assert keep_pages() == (platform.libc_ver()[0] == "glibc")
