"""Batches of token rows, packed without padding or padded on the left.

Both kinds keep the logits of few columns: those that predict a token of a completion. Both hold,
beside what the model is fed:

- `labels`, of the shape of `input_ids`, by which the trainer counts the tokens that carry loss;
- `targets`, shape (rows, kept): the label of each column of logits that is kept;
- `record`, shape (records,): the indices of the records in the batch;
- `row_lengths`, broadcast over `input_ids`: how many tokens a token's own row has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from schemalora.training.tokens import IGNORED

BESIDE_THE_MODEL = ("labels", "targets", "record", "row_lengths")
"""What of a batch the model is not fed."""


@dataclass(frozen=True, slots=True)
class PackedCollator:
    """All rows as one sequence, for a model that `use_row_attention` has switched.

    Positions start anew with each row. The number of tokens is rounded up: the shortest row gets
    padding at its end, where nothing looks at it.
    """

    pad_token_id: int
    tokens_multiple: int = 32
    width_multiple: int = 16
    """Widths of rows and the number of logits are rounded up to multiples of this: fewer shapes, so
    kernels and memory blocks made for one batch serve the next."""

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Collates rows of `input_ids`, `labels` and `record`.

        Returns:
            `input_ids`, `attention_mask`, `position_ids` and `labels`, of shape (1, tokens);
            `row_slots`, shape (rows, width), and `token_slots`, shape (tokens,), as `row_attention`
            takes them; `logits_to_keep`, the columns that are kept, shape (kept,); `targets`, shape
            (1, kept); `record`; `row_lengths`, shape (1, tokens).
        """
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        labels = [torch.tensor(row["labels"]) for row in rows]
        real = [torch.ones_like(row) for row in ids]
        lengths = [len(row) for row in ids]
        row_lengths = torch.tensor(lengths)
        short = lengths.index(min(lengths))
        lengths[short] += -sum(lengths) % self.tokens_multiple
        ids[short] = _padded(ids[short], lengths[short], self.pad_token_id)
        labels[short] = _padded(labels[short], lengths[short], IGNORED)
        real[short] = _padded(real[short], lengths[short], 0)
        width = _rounded(max(lengths), self.width_multiple)
        positions = [torch.arange(length) for length in lengths]
        starts = torch.tensor([0, *lengths[:-1]]).cumsum(0)
        ends = starts + torch.tensor(lengths) - 1
        all_labels = torch.cat(labels)
        # The logits of one column predict the token of the next; no first token carries loss.
        kept = (all_labels != IGNORED).nonzero().squeeze(1) - 1
        targets = all_labels[kept + 1]
        count = _rounded(len(kept), self.width_multiple)
        return {
            "input_ids": torch.cat(ids).unsqueeze(0),
            "attention_mask": torch.cat(real).unsqueeze(0),
            "position_ids": torch.cat(positions).unsqueeze(0),
            "labels": all_labels.unsqueeze(0),
            "row_slots": (starts[:, None] + torch.arange(width)).minimum(ends[:, None]),
            "token_slots": torch.cat([at * width + row for at, row in enumerate(positions)]),
            "logits_to_keep": _padded(kept, count, 0),
            "targets": _padded(targets, count, IGNORED).unsqueeze(0),
            "record": _records(rows),
            "row_lengths": row_lengths.repeat_interleave(torch.tensor(lengths)).unsqueeze(0),
        }


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
            `input_ids`, `attention_mask`, `position_ids` and `labels`, of shape (rows, width); the
            int `logits_to_keep`: the longest completion, plus the column before it, which predicts
            its first token, rounded up likewise; `targets`, whose last column predicts nothing;
            `record`; `row_lengths`, shape (rows, 1).
        """
        longest = max(len(row["input_ids"]) for row in rows)
        width = _rounded(longest, self.width_multiple)
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
        kept = min(_rounded(width - first_label + 1, self.width_multiple), width)
        next_labels = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "position_ids": (attention_mask.cumsum(dim=1) - 1).clamp(min=0),
            "labels": labels,
            "logits_to_keep": kept,
            "targets": next_labels[:, -kept:],
            "record": _records(rows),
            "row_lengths": attention_mask.sum(dim=1, keepdim=True),
        }


def collator_for(tokenizer: Any, *, packed: bool) -> PackedCollator | RightAlignedCollator:
    """What makes the batches of a run, with the tokenizer's padding token."""
    # What padding holds is looked at by nothing, so any token will do.
    padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return (PackedCollator if packed else RightAlignedCollator)(pad_token_id=padding)


def _records(rows: Sequence[dict[str, Any]]) -> torch.Tensor:
    return torch.tensor([row["record"] for row in rows])


def _rounded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _padded(values: torch.Tensor, length: int, padding: int) -> torch.Tensor:
    return torch.nn.functional.pad(values, (0, length - len(values)), value=padding)
