"""Training records as token ids and labels: what the loss is taken over, and nothing else."""

# datasets is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemalora.formatting import encode_completion, encode_prompt
from schemalora.records import TrainingRecord

if TYPE_CHECKING:
    from datasets import Dataset

IGNORED = -100
"""The label of a token that carries no loss, as PyTorch's cross entropy has it."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One training record as the language model sees it."""

    prompt: tuple[int, ...]
    """Ids of the prompt; no loss."""
    completion: tuple[int, ...]
    """Ids of the target and its end token; the loss is taken over these."""

    @property
    def input_ids(self) -> list[int]:
        """Ids of shape (prompt + completion,)."""
        return [*self.prompt, *self.completion]

    @property
    def labels(self) -> list[int]:
        """`input_ids` with the prompt ignored."""
        return [IGNORED] * len(self.prompt) + list(self.completion)

    def columns(self, record: int) -> dict[str, Any]:
        """What a collator is given of the row.

        Args:
            record: index of the training record.

        Returns:
            `input_ids` and `labels`, `length` for grouping, and `record`, by which a batch can be
            named.
        """
        return {
            "input_ids": self.input_ids,
            "labels": self.labels,
            "length": len(self),
            "record": record,
        }

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


def tokenize_records(tokenizer: Any, records: Iterable[TrainingRecord]) -> list[TokenRow]:
    """Token rows of training records, in order."""
    return [
        TokenRow(
            prompt=tuple(encode_prompt(tokenizer, record.prompt)),
            completion=tuple(encode_completion(tokenizer, record.completion[0]["content"])),
        )
        for record in records
    ]


def to_dataset(rows: Sequence[TokenRow], *, held_out: Collection[int] = ()) -> Dataset:
    """A dataset that TRL takes as already prepared.

    Args:
        rows: the token rows of all training records, in order.
        held_out: indices of those that are not trained on.

    Returns:
        The columns of `TokenRow.columns`.
    """
    from datasets import Dataset

    return Dataset.from_list(
        [row.columns(index) for index, row in enumerate(rows) if index not in held_out]
    )
