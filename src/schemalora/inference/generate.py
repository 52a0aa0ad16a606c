"""Decoding by transformers' own `generate`: any causal LM, one forward pass a token.

For models whose attention or cache the packed decoder does not know (state-space and hybrid models,
ALiBi), and as the yardstick that the packed decoder's output and speed are held against.
"""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from schemalora.inference.attention import unwrap
from schemalora.inference.choosing import masked
from schemalora.inference.constraint import Constraint, ConstraintState
from schemalora.inference.options import DecodingOptions
from schemalora.inference.rows import Completion

NewProcessor = Callable[[int, int], LogitsProcessor]
"""Makes the logits processor of one batch, given the width of its prompts and its rows."""


def decode_by_generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    options: DecodingOptions,
    *,
    new_processor: NewProcessor | None = None,
) -> Iterator[Completion]:
    """Decodes prompts greedily, a batch at a time; see `schemalora.inference.decoding.decode`.

    `new_processor` stands in for `options.constraint`, for comparisons with other constraints.
    Drafts, log-probabilities and early closing are not made here: `options.drafter`,
    `options.logprobs` and `options.closing_tokens` are passed over.
    """
    training = model.training
    for start in range(0, len(prompts), options.batch_size):
        batch = prompts[start : start + options.batch_size]
        began = time.perf_counter()
        model.eval()
        try:
            rows = _generate(model, batch, options, new_processor)
        finally:
            model.train(training)
        seconds = time.perf_counter() - began
        for place, tokens in enumerate(rows):
            yield _completion(start + place, batch[place], tokens, options, seconds)


@torch.inference_mode()
def _generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    options: DecodingOptions,
    new_processor: NewProcessor | None,
) -> list[list[int]]:
    """New tokens of every prompt, the end token and the padding after it included."""
    width = max(len(prompt) for prompt in prompts)
    pad = min(options.stop_ids)
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    processors = LogitsProcessorList()
    if new_processor is not None:
        processors.append(new_processor(width, len(prompts)))
    elif options.constraint is not None:
        processors.append(_ConstraintProcessor(options, width, len(prompts)))
    off = not options.adapter and hasattr(model, "disable_adapter")
    with model.disable_adapter() if off else nullcontext():
        out = unwrap(model).generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=options.max_new_tokens,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
            eos_token_id=sorted(options.stop_ids),
            pad_token_id=pad,
            logits_processor=processors,
        )
    return out[:, width:].tolist()


def _completion(
    index: int,
    prompt: Sequence[int],
    tokens: Sequence[int],
    options: DecodingOptions,
    seconds: float,
) -> Completion:
    end = next((i for i, token in enumerate(tokens) if token in options.stop_ids), None)
    return Completion(
        index=index,
        tokens=tuple(tokens[:end]),
        finish_reason="length" if end is None else "stop",
        prompt_tokens=len(prompt),
        seconds=seconds,
        passes=len(tokens) if end is None else end + 1,
        forced=0,
        drafted=0,
    )


class _ConstraintProcessor(LogitsProcessor):
    """Lets only those tokens through that the constraint allows; where one is forced, only it."""

    def __init__(self, options: DecodingOptions, prompt_width: int, rows: int) -> None:
        assert options.constraint is not None
        self._constraint: Constraint = options.constraint
        self._states: list[ConstraintState] = [self._constraint.start() for _ in range(rows)]
        self._forced: list[list[int]] = [state.forced() for state in self._states]
        self._stop_ids = options.stop_ids
        self._width = prompt_width

    def __call__(self, input_ids: torch.LongTensor, scores: torch.Tensor) -> torch.Tensor:
        masks = np.zeros((len(self._states), self._constraint.mask_words), dtype=np.int32)
        for row, state in enumerate(self._states):
            if input_ids.shape[1] > self._width:
                self._advance(row, int(input_ids[row, -1]))
            if self._forced[row]:
                _allow(masks[row], self._forced[row][0])
            elif state.ended:
                _allow(masks[row], min(self._stop_ids))
            else:
                state.fill_mask(masks[row])
        return masked(scores, masks)

    def _advance(self, row: int, token: int) -> None:
        if token in self._stop_ids or self._states[row].ended:
            self._forced[row] = []
            return
        self._states[row].accept(token)
        rest = self._forced[row][1:]
        self._forced[row] = rest or self._states[row].forced()


def _allow(mask: np.ndarray[Any, np.dtype[np.int32]], token: int) -> None:
    mask.view(np.uint32)[token >> 5] |= np.uint32(1 << (token & 31))
