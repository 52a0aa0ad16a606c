"""Attention over the rows of a packed batch, through transformers' attention interface.

All layers but attention work token by token: for them a batch is one sequence of all its rows'
tokens, without padding. Attention lays each row out in a line of its own, so no row sees another,
and takes the tokens back. Keys that several heads of queries share are multiplied once, not copied
for each.
"""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface

from schemalora.inference.attention import no_mask, softmax_with_sinks, supports_packed, unwrap

NAME = "schemalora_rows"


def use_row_attention(model: Any) -> bool:
    """Switches a model to `row_attention`, where it takes its attention from the interface.

    Args:
        model: a causal LM of transformers.

    Returns:
        Whether it does; if not, the model is left as it is.
    """
    model = unwrap(model)
    if not supports_packed(model):
        return False
    AttentionInterface.register(NAME, row_attention)
    AttentionMaskInterface.register(NAME, no_mask)
    model.set_attn_implementation(NAME)
    return True


def row_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    row_slots: torch.Tensor,
    token_slots: torch.Tensor,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each row.

    Args:
        module: the attention layer.
        query: shape (1, heads, tokens, head size).
        key: shape (1, key heads, tokens, head size).
        value: likewise.
        attention_mask: not used: what may be seen follows from the rows.
        row_slots: the token in each place of each row, shape (rows, width); padding, at the ends of
            rows, holds any token.
        token_slots: where in the flattened `row_slots` each token is, shape (tokens,).
        scaling: factor of the scores; None is 1 / sqrt(head size).
        dropout: share of the weights that is dropped.
        sliding_window: positions a query looks back, its own included.
        softcap: scores are squashed to `softcap * tanh(score / softcap)` (Gemma 2).
        s_aux: attention sinks, one logit a head (gpt-oss).
        **kwargs: the interface's other arguments.

    Returns:
        Shape (1, tokens, heads, head size), and None for the weights.
    """
    heads, key_heads, size = query.shape[1], key.shape[1], query.shape[-1]
    factor = size**-0.5 if scaling is None else scaling

    def in_rows(x: torch.Tensor) -> torch.Tensor:
        return _ToRows.apply(x[0].transpose(0, 1), row_slots, token_slots)  # pyright: ignore[reportReturnType]

    rows, width = row_slots.shape
    # (rows, key heads, queries that share a key head * width, head size)
    q = (in_rows(query) * factor).view(rows, width, key_heads, -1, size).permute(0, 2, 3, 1, 4)
    k, v = in_rows(key).permute(0, 2, 3, 1), in_rows(value).transpose(1, 2)
    scores = (q.reshape(rows, key_heads, -1, size) @ k).view(rows, key_heads, -1, width, width)
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores + _mask(width, sliding_window, scores)
    weights = softmax_with_sinks(scores, s_aux)
    if dropout:
        weights = torch.nn.functional.dropout(weights, dropout)
    out = (weights.view(rows, key_heads, -1, width) @ v).view(rows, heads, width, size)
    tokens: Any = _ToTokens.apply(out.transpose(1, 2), row_slots, token_slots)
    return tokens.unsqueeze(0), None


def _mask(width: int, window: int | None, like: torch.Tensor) -> torch.Tensor:
    """0 where a query may look, minus infinity elsewhere. Padding stands behind all real tokens."""
    banned = torch.full((width, width), -torch.inf, dtype=like.dtype, device=like.device)
    mask = banned.triu(1)
    return mask if window is None or window >= width else mask + banned.tril(-window)


class _ToRows(torch.autograd.Function):
    """Tokens to rows. Autograd's own way back would add up the padding's gradients one by one."""

    @staticmethod
    def forward(
        ctx: Any, tokens: torch.Tensor, row_slots: torch.Tensor, token_slots: torch.Tensor
    ) -> torch.Tensor:
        ctx.token_slots = token_slots
        return tokens[row_slots]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return gradients[0].flatten(0, 1)[ctx.token_slots], None, None


class _ToTokens(torch.autograd.Function):
    """Rows to tokens; padding gets no gradient."""

    @staticmethod
    def forward(
        ctx: Any, rows: torch.Tensor, row_slots: torch.Tensor, token_slots: torch.Tensor
    ) -> torch.Tensor:
        ctx.shape, ctx.token_slots = row_slots.shape, token_slots
        return rows.flatten(0, 1)[token_slots]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = gradients
        places = ctx.shape[0] * ctx.shape[1]
        rows = gradient.new_zeros(places, *gradient.shape[1:])
        rows.index_copy_(0, ctx.token_slots, gradient)
        return rows.view(*ctx.shape, *gradient.shape[1:]), None, None
