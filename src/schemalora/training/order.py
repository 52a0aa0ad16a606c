"""The order of the rows: batches of like length, the same however many processes share them."""

# transformers and torch are typed in part only:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class GroupedSampler(Sampler[int]):
    """Rows in batches of like length, in an order that seed and epoch alone decide.

    transformers' own sampler draws from the global random state, which dropout moves: a run that
    was resumed in its second epoch would see the rows in another order than the uninterrupted one.

    Args:
        lengths: tokens of each row, shape (rows,).
        batch_rows: rows of one optimizer step, over all processes and accumulation steps.
        seed: with the epoch, decides the order.
    """

    def __init__(self, lengths: Sequence[int], *, batch_rows: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch_rows = batch_rows
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by accelerate before each pass over the rows."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        state = np.random.SeedSequence([self._seed, self._epoch]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        order: list[int] = get_length_grouped_indices(
            self._lengths, self._batch_rows, generator=generator
        )
        return iter(order)
