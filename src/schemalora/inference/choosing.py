"""The likeliest allowed token at each position."""

# torch is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

Masks = np.ndarray[Any, np.dtype[np.int32]]
"""One bit a token, 1 where it may follow; shape (m, vocabulary / 32)."""


def choose(
    logits: torch.Tensor, masks: Masks | None, *, closing: Sequence[int], order: torch.Tensor | None
) -> list[int]:
    """The likeliest allowed token of each row.

    A mask is laid over a row only where the likeliest token of all is not allowed: a model that
    knows its contract rarely needs it.

    Args:
        logits: shape (m, vocabulary).
        masks: what is allowed; None allows everything.
        closing: rows that must come to an end; they take the allowed token that closes most.
        order: how much each token closes, shape (vocabulary,); needed where `closing` is not empty.

    Returns:
        Token ids, m of them.
    """
    choices = _likeliest(logits)
    if masks is None:
        return choices
    barred = [row for row, token in enumerate(choices) if not _allows(masks, row, token)]
    if barred:
        rows = masked(logits[barred], masks[barred])
        for row, token in zip(barred, _likeliest(rows), strict=True):
            choices[row] = token
    if closing and order is not None:
        ranks = masked(order.expand(len(closing), -1), masks[list(closing)])
        for row, token in zip(closing, _likeliest(ranks), strict=True):
            choices[row] = token
    return choices


def _likeliest(logits: torch.Tensor) -> list[int]:
    if logits.device.type != "cpu":
        return logits.argmax(dim=-1).tolist()
    # torch's argmax takes 20 times as long as numpy's. numpy knows no bfloat16, but positive floats
    # of 16 bits are ordered as the integers of the same bits are, and negative ones below them.
    if logits.element_size() != 2:
        return logits.float().numpy().argmax(axis=-1).tolist()
    bits = logits.view(torch.int16).numpy()
    choices: list[int] = bits.argmax(axis=-1).tolist()
    for row, token in enumerate(choices):
        if bits[row, token] <= 0:
            choices[row] = int(logits[row].float().numpy().argmax())
    return choices


def log_probabilities(
    logits: torch.Tensor, masks: Masks | None, choices: Sequence[int]
) -> list[float]:
    """Log-probabilities of the chosen tokens, renormalised over what is allowed."""
    scores = (logits if masks is None else masked(logits, masks)).float()
    index = torch.tensor(choices, device=scores.device)[:, None]
    chosen = scores.gather(1, index)[:, 0] - torch.logsumexp(scores, dim=-1)
    return chosen.tolist()


def masked(logits: torch.Tensor, masks: Masks) -> torch.Tensor:
    """Logits with minus infinity where a token is not allowed."""
    allowed = torch.from_numpy(unpack_mask(masks, logits.shape[-1])).to(logits.device)
    return logits.masked_fill(~allowed, float("-inf"))


def unpack_mask(masks: Masks, vocabulary: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Masks as booleans, shape (m, vocabulary)."""
    bits = np.unpackbits(masks.view(np.uint8), axis=1, bitorder="little", count=vocabulary)
    return bits.view(np.bool_)


def closing_order(tokenizer: Any, vocabulary: int) -> torch.Tensor:
    """How much each token brings a JSON value to its end, shape (vocabulary,).

    First what ends a string, then what ends an array or object, then the shortest values; other
    tokens by their length, the shortest first.
    """
    order = torch.full((vocabulary,), -1000.0)
    for text, token in tokenizer.get_vocab().items():
        if token < vocabulary:
            order[token] = _closes(text)
    order[tokenizer.eos_token_id] = 1000.0
    return order


def _closes(text: str) -> float:
    # Inside a string anything may follow, brackets and `null` too: what ends it comes first.
    brackets = text.count("]") + text.count("}")
    if text == '""':
        return 300.0  # a string that is empty, where one may begin
    if text.startswith('"'):
        return 200.0 + brackets if set(text) <= set('"]}') else 150.0 - len(text)
    if brackets == len(text):
        return 100.0 + brackets
    # Before digits: a comma goes on to what is still required, and a number could go on for ever.
    if text.startswith(","):
        return 60.0 - len(text)
    # 1 before 0: where a number must be positive, zeros could go on for ever.
    values = {"null": 80.0, "1": 45.0, "0": 40.0, "false": 30.0, "true": 30.0}
    return values.get(text, -float(len(text)))


def _allows(masks: Masks, row: int, token: int) -> bool:
    return bool((int(masks[row, token >> 5]) >> (token & 31)) & 1)
