"""Guesses at what a completion says next; the model checks every one of them.

A guess costs a little compute where it is wrong and saves a whole forward pass where it is right.
It never changes what is decoded. Two things make structured completions easy to guess: they
resemble each other, and they quote the message.
"""

# transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple, Self

from schemalora.contract import Contract
from schemalora.errors import SamplingError
from schemalora.formatting import encode_completion
from schemalora.sampling import sample

# Lengths of the contexts that are looked up. The longest reaches from a value back over a key of
# several tokens to the value before it.
_ORDERS = (1, 2, 3, 4, 6, 9, 14)

# What contexts of less weight would add to a chance is not looked up.
_LEAST_WEIGHT = 0.01

_START = -1

# Enough for some ten thousand completions; beyond it nothing new is learned.
_MOST_CONTEXTS = 400_000

# Sampled targets that teach a new drafter the contract's keys.
_HEAD_START = 48

# How likely a quotation goes on, before any was checked: (right, checked) by matching tokens.
_PRIOR = {1: (1.0, 3.0), 2: (2.0, 3.0), 3: (4.0, 5.0)}


class Guess(NamedTuple):
    """A guessed token."""

    token: int
    chance: float
    """Estimated probability that the model would write it."""
    quoted: int
    """How many tokens before it match the message where it was quoted from; 0: not quoted."""


@dataclass(slots=True)
class _Followers:
    """What followed a context."""

    counts: dict[int, int] = field(default_factory=dict[int, int])
    total: int = 0
    likeliest: int = _START

    def add(self, token: int) -> None:
        count = self.counts.get(token, 0) + 1
        self.counts[token] = count
        self.total += 1
        if count > self.counts.get(self.likeliest, 0):
            self.likeliest = token


class Drafter:
    """Knows which tokens followed which in completions seen before.

    It learns from every completion that is decoded, so it needs no data to start with; completions
    of training, or of sampled targets, give it a head start.

    Args:
        tokenizer: finds quotations from the message; without it only completions are learned from.
        max_tokens: longest draft.
    """

    def __init__(self, tokenizer: Any = None, *, max_tokens: int = 24) -> None:
        self.max_tokens = max_tokens
        self._tokenizer = tokenizer
        self._followers: dict[tuple[int, ...], _Followers] = {}
        self._digits = _digit_tokens(tokenizer) if tokenizer is not None else {}
        self._words: dict[str, list[int]] = {}
        self._quoted = {length: list(prior) for length, prior in _PRIOR.items()}

    @classmethod
    def for_contract(cls, contract: Contract, tokenizer: Any, *, max_tokens: int = 24) -> Self:
        """A drafter that knows the contract's keys and values from the start, by sampled targets.

        Args:
            contract: what completions look like.
            tokenizer: the model's.
            max_tokens: longest draft.
        """
        drafter = cls(tokenizer, max_tokens=max_tokens)
        try:
            targets = [contract.encode(target) for target in sample(contract, _HEAD_START, 0)]
        except SamplingError:
            # A contract too strict to be sampled is learned from its completions alone.
            targets = []
        drafter.learn_all(encode_completion(tokenizer, target) for target in targets)
        return drafter

    def learn(self, completion: Sequence[int]) -> None:
        """Remembers a completion, its end token included."""
        if len(self._followers) > _MOST_CONTEXTS:
            return
        shape = [_START, *self._shape(completion)]
        for end, token in enumerate(completion, start=1):
            for order in _ORDERS:
                if order > end:
                    break
                context = tuple(shape[end - order : end])
                followers = self._followers.get(context)
                if followers is None:
                    followers = self._followers[context] = _Followers()
                followers.add(token)

    def learn_all(self, completions: Iterable[Sequence[int]]) -> None:
        """Remembers many completions."""
        for completion in completions:
            self.learn(completion)

    def row(self, prompt: Sequence[int]) -> RowDrafter:
        """The drafter of one prompt, given as token ids."""
        return RowDrafter(self, prompt)

    def guess(self, completion: Sequence[int]) -> Guess | None:
        """The likeliest token after a completion so far; None where nothing like it was seen."""
        longest = _ORDERS[-1]
        tail = self._shape(completion[-longest:])
        if len(completion) < longest:
            tail = [_START, *tail]
        # The longest context says what, and all of them how likely: each counts as many times as
        # it was seen, the shorter ones together as one sighting more.
        token, chance, weight = _START, 0.0, 1.0
        for order in reversed(_ORDERS):
            followers = self._followers.get(tuple(tail[-order:])) if order <= len(tail) else None
            if followers is None:
                continue
            if token == _START:
                token = followers.likeliest
            weight /= followers.total + 1
            chance += weight * followers.counts.get(token, 0)
            if weight < _LEAST_WEIGHT:
                break
        return Guess(token, chance, 0) if token != _START else None

    def quoted_chance(self, matching: int) -> float:
        """How often a quotation went on after so many matching tokens."""
        right, checked = self._quoted[min(matching, 3)]
        return right / checked

    def record(self, guess: Guess, *, right: bool) -> None:
        """Learns how far quotations can be trusted."""
        if guess.quoted:
            tally = self._quoted[min(guess.quoted, 3)]
            tally[0] += right
            tally[1] += 1

    def _shape(self, tokens: Sequence[int]) -> list[int]:
        """Tokens with all numbers of a length made equal: ORD-12345 ends where ORD-67890 does."""
        digits = self._digits
        return [digits.get(token, token) for token in tokens]

    def quotations(self, prompt: Sequence[int]) -> list[list[int]]:
        """The token sequences that a completion may quote from a prompt.

        Inside a JSON string the first word stands without a space before it, which is cut into
        other tokens than the same word in running text.
        """
        if self._tokenizer is None:
            return [list(prompt)]
        words = re.findall(r"\S+", self._tokenizer.decode(list(prompt)))
        following = [f" {word}" for word in words[1:]]
        self._encode([*words, *following])
        sequences = [list(prompt)]
        for word, after in zip_longest(words, following, fillvalue=""):
            sequences.append([*self._words[word], *self._words.get(after, [])[:1]])
        return sequences

    def _encode(self, words: Iterable[str]) -> None:
        """Keeps the tokens of words; together they are encoded much faster than one by one."""
        if len(self._words) > _MOST_CONTEXTS:
            self._words.clear()
        new = [word for word in dict.fromkeys(words) if word not in self._words]
        if new:
            encoded = self._tokenizer(new, add_special_tokens=False)["input_ids"]
            self._words.update(zip(new, encoded, strict=True))


class RowDrafter:
    """Guesses for the completion of one prompt."""

    def __init__(self, drafter: Drafter, prompt: Sequence[int]) -> None:
        self._drafter = drafter
        self.max_tokens = drafter.max_tokens
        self._after: dict[tuple[int, ...], int] = {}
        for sequence in drafter.quotations(prompt):
            for end in range(1, len(sequence)):
                for length in range(1, min(3, end) + 1):
                    self._after.setdefault(tuple(sequence[end - length : end]), sequence[end])

    def guess(self, completion: Sequence[int]) -> Guess | None:
        """The likelier of what completions say here and what the message goes on with.

        Args:
            completion: its tokens so far, a draft included.
        """
        learned = self._drafter.guess(completion)
        for length in (3, 2, 1):
            token = self._after.get(tuple(completion[-length:]))
            if token is not None and len(completion) >= length:
                chance = self._drafter.quoted_chance(length)
                if learned is None or chance > learned.chance:
                    return Guess(token, chance, length)
                break
        return learned

    def record(self, guess: Guess, *, right: bool) -> None:
        """See `Drafter.record`."""
        self._drafter.record(guess, right=right)


def _digit_tokens(tokenizer: Any) -> dict[int, int]:
    """Tokens that are nothing but digits, to a negative number that tells only how many."""
    return {
        token: -1 - len(text)
        for text, token in tokenizer.get_vocab().items()
        if text.isascii() and text.isdigit()
    }
