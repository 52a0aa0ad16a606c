"""NEFTune: uniform noise on the embeddings while training (https://arxiv.org/abs/2310.05914)."""

# torch is typed in part only:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def noisy_embeddings(model: Any, alpha: float, row_lengths: torch.Tensor) -> Generator[None]:
    """Adds noise in [-1, 1] * alpha / sqrt(L * d) to every token's embedding of size d.

    transformers takes for L the width of the batch, padding included; of a packed batch that is the
    tokens of all its rows.

    Args:
        model: the causal LM, or a PEFT model around it.
        alpha: NEFTune's alpha.
        row_lengths: L, the tokens of a token's own row; shape (rows, 1) or, packed, (1, tokens).
    """

    def add_noise(_module: torch.nn.Module, _args: Any, embedded: torch.Tensor) -> torch.Tensor:
        magnitude = alpha / (row_lengths * embedded.size(-1)).sqrt()
        noise = torch.empty_like(embedded).uniform_(-1, 1)
        return embedded + noise * magnitude.unsqueeze(-1).to(embedded.dtype)

    handle = model.get_input_embeddings().register_forward_hook(add_noise)
    try:
        yield
    finally:
        handle.remove()
