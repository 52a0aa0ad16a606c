"""Rows on their way through the model: one forward pass after the other, until they end."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from schemalora.errors import UsageError
from schemalora.inference.attention import forward
from schemalora.inference.choosing import Masks, choose, log_probabilities
from schemalora.inference.constraint import MaskJob
from schemalora.inference.options import DecodingOptions
from schemalora.inference.packed import Feed, PackedCache
from schemalora.inference.rows import Completion, Row


@dataclass(frozen=True, slots=True)
class Engine:
    """The causal LM itself, and what would be slow to ask it for in every pass."""

    model: Any
    vocabulary: int
    prefill_tokens: int
    pass_tokens: float
    masker: ThreadPoolExecutor = field(
        default_factory=partial(ThreadPoolExecutor, max_workers=1, thread_name_prefix="masks")
    )
    """Fills masks while the model runs; its thread ends with it."""


class Batch:
    """The rows in work, the prompts that wait, and the cache they share."""

    def __init__(
        self,
        engine: Engine,
        rows: Sequence[Row],
        cache: PackedCache,
        options: DecodingOptions,
    ) -> None:
        self._engine = engine
        self._options = options
        self._waiting = deque(rows)
        self._rows: list[Row] = []
        """Rows in work; their place here is their row of the cache."""
        self._cache = cache
        self.capacity = min(cache.rows, options.batch_size)
        self.shrunk = False
        """Whether memory ran out, and `capacity` is what it holds."""

    @property
    def busy(self) -> bool:
        return bool(self._rows or self._waiting)

    def advance(self) -> list[Completion]:
        """Forward passes until rows end; `packed_model` holds the model meanwhile."""
        ended: list[Completion] = []
        while self.busy and not ended:
            self._refill()
            # A constraint may leave no choice at all.
            ended = self._take_ended()
            if self._rows and not ended:
                self._pass()
                ended = self._take_ended()
        return ended

    def _pass(self) -> None:
        """One forward pass, and what the rows make of it."""
        rows, feeds = self._feed()
        wanted: list[int] = []
        closing: list[int] = []
        jobs: list[MaskJob] = []
        offset = 0
        spans: list[range] = []
        for row, feed in zip(rows, feeds, strict=True):
            if row.state is not None and row.wanted:
                jobs.append(row.mask_job(first_row=len(wanted)))
                closing += [len(wanted)] if row.closing else []
            spans.append(range(len(wanted), len(wanted) + len(row.wanted)))
            wanted += [offset + index for index in row.wanted]
            offset += len(feed.tokens)
        masks = filling = None
        if self._options.constraint is not None:
            masks = np.full((len(wanted), (self._engine.vocabulary + 31) // 32), -1, np.int32)
            filling = self._engine.masker.submit(_fill, jobs, masks)
        try:
            logits = forward(self._engine.model, self._cache, feeds, wanted)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            self._shrink(error)
            return
        finally:
            if filling is not None:
                filling.result()
        choices, logprobs = self._choose(logits, masks, closing)
        for row, span in zip(rows, spans, strict=True):
            row.advance([choices[i] for i in span], [logprobs[i] for i in span])

    def _feed(self) -> tuple[list[Row], list[Feed]]:
        """The rows of the next pass and what they bring; prompts that find no room wait."""
        rows: list[Row] = []
        feeds: list[Feed] = []
        room = self._engine.prefill_tokens
        for place, row in enumerate(self._rows):
            most = min(row.pending, room) if row.in_prompt else row.pending
            if not most:
                continue
            room -= most if row.in_prompt else 0
            rows.append(row)
            # Rows of a pass share what it costs.
            share = self._engine.pass_tokens / len(self._rows)
            feeds.append(row.feed(place, most=most, pass_tokens=share))
        return rows, feeds

    def _choose(
        self, logits: torch.Tensor, masks: Masks | None, closing: Sequence[int]
    ) -> tuple[list[int], list[float]]:
        constraint = self._options.constraint
        order = constraint.closing_order() if closing and constraint is not None else None
        choices = choose(logits, masks, closing=closing, order=order)
        if not self._options.logprobs:
            return choices, [0.0] * len(choices)
        return choices, log_probabilities(logits, masks, choices)

    def _refill(self) -> None:
        while self._waiting and len(self._rows) < self.capacity:
            row = self._waiting.popleft()
            row.start()
            self._rows.append(row)

    def _take_ended(self) -> list[Completion]:
        ended: list[Completion] = []
        place = 0
        while place < len(self._rows):
            row = self._rows[place]
            if row.finish_reason is None:
                place += 1
                continue
            if self._options.drafter is not None:
                ending = self._options.stop_ids if row.finish_reason == "stop" else ()
                self._options.drafter.learn([*row.completion, *list(ending)[:1]])
            last = self._rows.pop()
            if last is not row:
                self._rows[place] = last
                self._cache.move_row(len(self._rows), place)
            ended.append(row.result())
        return ended

    def _shrink(self, error: Exception) -> None:
        """After memory ran out: half the rows wait again, keeping what they have decoded."""
        if not isinstance(error, torch.OutOfMemoryError) and "allocate" not in str(error):
            raise error
        if self.capacity == 1:
            raise UsageError(
                "memory does not hold a single row: lower max_new_tokens, or shorten the prompt"
            ) from error
        self.capacity = max(1, self.capacity // 2)
        for row in self._rows:
            row.forget_cache()
        self._waiting.extendleft(reversed(self._rows[self.capacity :]))
        del self._rows[self.capacity :]
        self._cache = self._cache.smaller(self.capacity)
        self.shrunk = True


def _fill(jobs: Sequence[MaskJob], masks: Masks) -> None:
    for job in jobs:
        job.run(masks)
