"""Batches whose completions end at the same column, so that logits are needed for few columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from schemalora.training.tokens import IGNORED


@dataclass(frozen=True, slots=True)
class RightAlignedCollator:
    """Pads on the left: the last columns of a batch hold all its completions.

    With rows right-aligned, the language-model head runs over the `logits_to_keep` last columns
    alone. Positions are counted from each row's first real token, so padding changes no output.
    """

    pad_token_id: int
    width_multiple: int = 16
    """Widths are rounded up to a multiple of this: fewer shapes, so kernels and memory blocks made
    for one batch serve the next."""

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Collates rows of `input_ids`, `labels` and `record`.

        Returns:
            `input_ids`, `attention_mask`, `position_ids` and `labels`, each of shape (rows,
            width); `record`, shape (rows,); and the int `logits_to_keep`: the longest completion,
            plus the column before it, which predicts its first token, rounded up likewise.
        """
        longest = max(len(row["input_ids"]) for row in rows)
        width = -(-longest // self.width_multiple) * self.width_multiple
        shape = (len(rows), width)
        input_ids = torch.full(shape, self.pad_token_id)
        labels = torch.full(shape, IGNORED)
        attention_mask = torch.zeros(shape, dtype=torch.long)
        for index, row in enumerate(rows):
            start = width - len(row["input_ids"])
            input_ids[index, start:] = torch.tensor(row["input_ids"])
            labels[index, start:] = torch.tensor(row["labels"])
            attention_mask[index, start:] = 1
        first_label = int((labels != IGNORED).any(dim=0).int().argmax())
        kept = -(-(width - first_label + 1) // self.width_multiple) * self.width_multiple
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "position_ids": (attention_mask.cumsum(dim=1) - 1).clamp(min=0),
            "labels": labels,
            "record": torch.tensor([row["record"] for row in rows]),
            "logits_to_keep": min(kept, width),
        }
