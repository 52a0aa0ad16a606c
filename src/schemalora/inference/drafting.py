"""Guesses at what a completion will say next; the model checks every one of them.

A guess costs a little compute where it is wrong and saves a whole forward pass where it is right.
It never changes what is decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

# Longest context that is looked up; a structured completion is settled by its last few tokens.
_ORDER = 6

_START = -1


class Drafter:
    """Knows which tokens followed which in completions seen before.

    It learns from every completion that is decoded, so it needs no data to start with; completions
    of training, or of sampled targets, give it a head start.

    Args:
        max_tokens: longest draft.
        threshold: a draft ends where its estimated chance of being right falls below this.
    """

    def __init__(self, *, max_tokens: int = 24, threshold: float = 0.3) -> None:
        self.max_tokens = max_tokens
        self.threshold = threshold
        self._followers: dict[tuple[int, ...], Counter[int]] = {}

    def learn(self, completion: Sequence[int]) -> None:
        """Remembers a completion, its end token included."""
        tokens = [_START, *completion]
        for end in range(1, len(tokens)):
            for order in range(1, min(_ORDER, end) + 1):
                context = tuple(tokens[end - order : end])
                self._followers.setdefault(context, Counter())[tokens[end]] += 1

    def learn_all(self, completions: Iterable[Sequence[int]]) -> None:
        """Remembers many completions."""
        for completion in completions:
            self.learn(completion)

    def next_token(self, tokens: Sequence[int]) -> tuple[int, float] | None:
        """The likeliest follower of a completion so far, with its estimated probability."""
        tail = [_START, *tokens[-_ORDER:]] if len(tokens) < _ORDER else list(tokens[-_ORDER:])
        for start in range(max(0, len(tail) - _ORDER), len(tail)):
            followers = self._followers.get(tuple(tail[start:]))
            if followers is not None:
                token, count = followers.most_common(1)[0]
                return token, count / (followers.total() + 1)
        return None

    def row(self, prompt: Sequence[int]) -> RowDrafter:
        """The drafter of one prompt."""
        return RowDrafter(self, prompt)


class RowDrafter:
    """Drafts for one prompt."""

    def __init__(self, drafter: Drafter, prompt: Sequence[int]) -> None:
        self._drafter = drafter
        self._prompt = prompt
        self.max_tokens = drafter.max_tokens
        self.threshold = drafter.threshold

    def next_token(self, tokens: Sequence[int]) -> tuple[int, float] | None:
        """The likeliest next token of this row's completion, with its estimated probability.

        Args:
            tokens: the completion so far, a draft included.
        """
        return self._drafter.next_token(tokens)
