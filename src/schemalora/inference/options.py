"""How prompts are decoded."""

from __future__ import annotations

from dataclasses import dataclass

from schemalora.inference.constraint import Constraint
from schemalora.inference.drafting import Drafter

DEFAULT_MAX_NEW_TOKENS = 512
"""Longest completion in tokens, where nobody says otherwise."""

DEFAULT_BATCH_SIZE = 32
"""Rows at once in `predict`, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingOptions:
    """How prompts are decoded."""

    stop_ids: frozenset[int]
    """Tokens that end a completion."""
    max_new_tokens: int
    """Longest completion in tokens."""
    batch_size: int = DEFAULT_BATCH_SIZE
    """Rows at once; fewer where the cache would not fit."""
    constraint: Constraint | None = None
    """What completions must satisfy; None lets the model write anything."""
    closing_tokens: int = 0
    """The last tokens before the limit, which are spent on bringing a constrained completion to a
    valid end instead of cutting it in the middle; it is marked `length` all the same."""
    drafter: Drafter | None = None
    """Who guesses ahead; None decodes token by token."""
    adapter: bool = True
    """Whether the adapter of a PEFT model takes part; without it the base model answers."""
    logprobs: bool = False
    """Whether completions carry the log-probabilities of their tokens."""
    pass_tokens: float | None = None
    """What a forward pass costs whatever it holds, as the time of so many tokens: how much is
    drafted depends on it. None is what suits the device."""
    prefill_tokens: int | None = None
    """Tokens of prompts in one pass; None is what suits the device."""
    memory_bytes: int | None = None
    """Memory for the cache; None is a share of what there is."""
