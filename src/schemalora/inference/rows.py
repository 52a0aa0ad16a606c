"""One prompt on its way through the batch: what it feeds, and what it makes of the answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemalora.inference.constraint import ConstraintState, MaskJob
from schemalora.inference.drafting import Guess, RowDrafter
from schemalora.inference.options import DecodingOptions
from schemalora.inference.packed import Feed
from schemalora.records import FinishReason


@dataclass(frozen=True, slots=True)
class Completion:
    """What was decoded for one prompt."""

    index: int
    """Which prompt, counted from 0."""
    tokens: tuple[int, ...]
    """Token ids without the end token."""
    finish_reason: FinishReason
    """`stop`: the end token, or a constraint that allows no more; `length`: the token limit;
    `error`: the grammar engine gave up, or no token is left that the contract allows."""
    prompt_tokens: int
    seconds: float
    """From when the row entered the batch until it ended; its neighbours' work included."""
    passes: int
    """Forward passes the row took part in, its prompt's included."""
    forced: int
    """Tokens that the constraint left no choice about."""
    drafted: int
    """Tokens that were drafted and accepted."""
    logprobs: tuple[float, ...] = ()
    """Log-probability of each token, renormalised under the mask, 0 where forced; if asked for."""


@dataclass(slots=True)
class Row:
    """The state of one prompt."""

    index: int
    options: DecodingOptions
    prompt_tokens: int
    """Tokens of the whole prompt, the shared prefix included."""
    sequence: list[int]
    """The prompt's tokens behind the prefix that all rows look at, then the completion's."""
    opening: int = 0
    """How many of `sequence` open every row's, and are in the cache from the start."""
    own: int = 0
    """How many of `sequence` are the prompt's."""
    cached: int = field(init=False)
    """How many of `sequence` are in the cache."""
    state: ConstraintState | None = None
    drafter: RowDrafter | None = None
    wanted: list[int] = field(default_factory=list[int])
    """Indices into the tokens fed last whose logits were asked for."""
    finish_reason: FinishReason | None = None
    _fed: int = 0
    _draft: list[int] = field(default_factory=list[int])
    _free: list[bool] = field(default_factory=list[bool])
    _guesses: list[Guess] = field(default_factory=list[Guess])
    _draft_ends: bool = False
    _cut_short: bool = False
    _started: float = 0.0
    _passes: int = 0
    _forced: int = 0
    _drafted: int = 0
    _logprobs: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        self.cached = self.opening

    @property
    def completion(self) -> list[int]:
        """The completion's tokens so far."""
        return self.sequence[self.own :]

    @property
    def pending(self) -> int:
        """Tokens that are not in the cache yet."""
        return len(self.sequence) - self.cached

    @property
    def in_prompt(self) -> bool:
        """Whether a part of the prompt is not in the cache yet."""
        return self.cached < self.own

    @property
    def closing(self) -> bool:
        """Whether the token limit is near and the completion must come to its end."""
        return self.state is not None and self._room <= self.options.closing_tokens

    @property
    def _room(self) -> int:
        """Tokens that the completion may still grow by."""
        return self.options.max_new_tokens - (len(self.sequence) - self.own)

    def start(self) -> None:
        """Enters the batch; a row that comes back after memory ran out goes on where it was."""
        if self._started:
            return
        self._started = time.perf_counter()
        self.own = len(self.sequence)
        if self.options.drafter is not None:
            self.drafter = self.options.drafter.row(self.sequence[self.opening :])
        if self.options.constraint is not None:
            self.state = self.options.constraint.start()
            self._take_forced()
            self._check_end()

    def forget_cache(self) -> None:
        """The cache is gone; everything but its opening will be fed again."""
        self.cached = self.opening
        if self.state is not None:
            self.state.rollback(len(self._draft))
        self._draft = []

    def feed(self, place: int, *, most: int, pass_tokens: float) -> Feed:
        """The tokens of the next pass: what is not cached yet, then a draft where all of it fits.

        Args:
            place: row of the cache.
            most: tokens without the draft that fit into the pass.
            pass_tokens: what one more pass of this row would cost, in tokens.
        """
        pending = self.sequence[self.cached :]
        self._draft, self._free, self._guesses, self._draft_ends = [], [], [], False
        self._passes += 1
        if len(pending) > most:
            self._fed, self.wanted = most, []
            return Feed(row=place, tokens=pending[:most], start=self.cached)
        self._write_draft(pass_tokens)
        draft = self._draft
        if self._draft_ends:
            # What follows the last choice needs no logits, and nothing comes after it.
            draft = draft[: len(self._free) - 1 - self._free[::-1].index(True)]
        base = len(pending) - 1
        self.wanted = [base + i for i, free in enumerate(self._free) if free]
        if not self._draft_ends:
            self.wanted.append(base + len(self._draft))
        self._fed = len(pending)
        return Feed(row=place, tokens=[*pending, *draft], start=self.cached)

    def _write_draft(self, pass_tokens: float) -> None:
        """Guesses ahead as long as that pays; forced tokens are filled in between the guesses.

        A guess that is right saves a pass; one that is wrong wastes itself and the forced tokens
        behind it. The constraint's state is left behind the draft.
        """
        if self.drafter is None:
            return
        context, chance = self.completion, 1.0
        # Closing starts at the same token with and without drafts.
        closing = self.options.closing_tokens if self.state is not None else 0
        room = min(self._room - closing - 1, self.drafter.max_tokens)
        while len(self._draft) < room and not self._draft_ends:
            guess = self.drafter.guess(context)
            if guess is None or guess.token in self.options.stop_ids:
                break
            chance *= guess.chance
            new = [guess.token]
            if not _pays(chance, new, pass_tokens) or (
                self.state is not None and not self.state.accept(guess.token)
            ):
                break
            if self.state is not None:
                forced = self.state.forced()
                new += forced
                if len(self._draft) + len(new) > room or not _pays(chance, new, pass_tokens):
                    self.state.rollback(1)
                    break
                self.state.accept(*forced)
                self._draft_ends = self.state.ended
            self._guesses.append(guess)
            self._draft += new
            self._free += [True, *(False for _ in new[1:])]
            context += new

    def mask_job(self, *, first_row: int) -> MaskJob:
        """The masks for the logits that were asked for."""
        assert self.state is not None
        return MaskJob(
            state=self.state,
            tokens=self._draft,
            free=self._free,
            first_row=first_row,
            after_last=not self._draft_ends,
        )

    def advance(self, choices: Sequence[int], logprobs: Sequence[float]) -> None:
        """Keeps what greedy decoding would have written.

        Args:
            choices: the likeliest token at each position of `wanted`.
            logprobs: their log-probabilities.
        """
        self.cached += self._fed
        if not self.wanted:
            return
        accepted = 0
        checked = 0
        new: int | None = None
        for token, free in zip(self._draft, self._free, strict=True):
            if free:
                right = choices[checked] == token
                if self.drafter is not None:
                    self.drafter.record(self._guesses[checked], right=right)
                if not right:
                    new = choices[checked]
                    break
                self._drafted += 1
            self._logprobs.append(logprobs[checked] if free else 0.0)
            checked += free
            accepted += 1
        else:
            new = None if self._draft_ends else choices[checked]
        self._keep(self._draft[:accepted])
        if new is not None:
            self._append(new, logprobs[checked])
        self._check_end()

    def _keep(self, accepted: Sequence[int]) -> None:
        """Keeps the start of the draft; the constraint's state goes back behind it."""
        self.sequence += accepted
        self.cached += len(accepted)
        self._forced += sum(not free for free in self._free[: len(accepted)])
        if self.state is not None:
            self.state.rollback(len(self._draft) - len(accepted))

    def _append(self, token: int, logprob: float) -> None:
        if token in self.options.stop_ids:
            self.finish_reason = "length" if self._cut_short else "stop"
            return
        self._cut_short = self._cut_short or self.closing
        if self.state is not None and not self.state.accept(token):
            # No token is allowed, and the choice among none is arbitrary.
            self.finish_reason = "error"
            return
        self.sequence.append(token)
        self._logprobs.append(logprob)
        if self.state is not None:
            self._take_forced()

    def _take_forced(self) -> None:
        assert self.state is not None
        forced = self.state.forced()
        self.state.accept(*forced)
        self.sequence += forced
        self._forced += len(forced)
        self._logprobs += [0.0] * len(forced)

    def _check_end(self) -> None:
        length, limit = len(self.sequence) - self.own, self.options.max_new_tokens
        if self.finish_reason is not None:
            return
        if length > limit:
            del self.sequence[self.own + limit :]
            self.finish_reason = "length"
        elif self.state is not None and self.state.failed:
            self.finish_reason = "error"
        elif self.state is not None and self.state.ended:
            self.finish_reason = "length" if self._cut_short else "stop"
        elif length == limit:
            self.finish_reason = "length"

    def result(self) -> Completion:
        """The completion of a row that has ended."""
        assert self.finish_reason is not None
        tokens = self.completion
        return Completion(
            index=self.index,
            tokens=tuple(tokens),
            finish_reason=self.finish_reason,
            prompt_tokens=self.prompt_tokens,
            seconds=time.perf_counter() - self._started,
            passes=self._passes,
            forced=self._forced,
            drafted=self._drafted,
            logprobs=tuple(self._logprobs[: len(tokens)]) if self.options.logprobs else (),
        )


def _pays(chance: float, tokens: Sequence[int], pass_tokens: float) -> bool:
    """Whether tokens may be staked on a guess: it gains a pass, or loses them."""
    return chance * pass_tokens >= (1 - chance) * len(tokens)
