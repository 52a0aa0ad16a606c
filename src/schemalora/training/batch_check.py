"""What batches would teach: every token of the targets and their end tokens, and nothing else.

The rows go through the very collators that a run uses. A collator that masks labels by the padding
token, say, takes the end token out of the loss where the tokenizer pads with it, and such a model
never learns to stop.
"""

# torch is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import torch

from schemalora.training.findings import PreflightFinding
from schemalora.training.tokens import IGNORED, TokenRow

CHECKED_ROWS = 512
"""At most so many rows go through each collator: seconds, however many records there are."""

_BATCH_ROWS = 8

Collate = Callable[[Sequence[dict[str, Any]]], dict[str, Any]]
"""Makes a batch of rows of `TokenRow.columns`."""


def check_batches(
    rows: Sequence[TokenRow], tokenizer: Any, collators: Sequence[Collate]
) -> dict[int, PreflightFinding]:
    """Checks what batches of the rows feed the model, and where they take the loss.

    Args:
        rows: the token rows of all training records, in order. Up to `CHECKED_ROWS` of them are
            checked, at even distances by length, the shortest and the longest among them.
        tokenizer: the tokenizer that made them.
        collators: what makes the batches.

    Returns:
        Index of a row to its finding, `masked_wrong`; empty where all is well.
    """
    found: dict[int, PreflightFinding] = {}
    for collate in collators:
        for indices in _batches(rows):
            batch = collate([rows[index].columns(index) for index in indices])
            for index, read in zip_longest(indices, _read(batch)[: len(indices)]):
                fault = _fault(rows[index], read or _Read(), tokenizer)
                if fault is not None:
                    message = f"in batches of {type(collate).__name__}, {fault}"
                    found.setdefault(
                        index, PreflightFinding("masked_wrong", "error", index, message)
                    )
    return found


def _batches(rows: Sequence[TokenRow]) -> Iterator[list[int]]:
    """Indices of the rows of each batch, which has short rows and long ones: so they get padded."""
    by_length = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    count = min(len(rows), CHECKED_ROWS)
    last = len(rows) - 1
    taken = [by_length[last * place // max(count - 1, 1)] for place in range(count)]
    batches = -(-count // _BATCH_ROWS)
    for first in range(batches):
        yield taken[first::batches]


@dataclass(slots=True)
class _Read:
    """A row as a batch holds it."""

    ids: list[int] = field(default_factory=list[int])
    """What the model is fed, without padding."""
    labels: list[int] = field(default_factory=list[int])
    """By which the trainer counts the tokens that carry loss."""
    targets: dict[int, int] = field(default_factory=dict[int, int])
    """Place of a token that the loss is taken at, and the token that is learned there."""
    stray: bool = False
    """Whether loss is taken at padding, or at a row's first token, which nothing predicts."""


def _read(batch: dict[str, Any]) -> list[_Read]:
    """The rows of a batch of either kind; each begins where positions begin anew."""
    ids, labels = batch["input_ids"], batch["labels"]
    width = ids.size(1)
    real = batch["attention_mask"].bool()
    places = batch["position_ids"]
    owners = (real & (places == 0)).flatten().cumsum(0).sub(1).view_as(ids)
    rows = [_Read() for _ in range(int(owners.max()) + 1)]
    for token, label, owner in zip(
        ids[real].tolist(), labels[real].tolist(), owners[real].tolist(), strict=True
    ):
        rows[owner].ids.append(token)
        rows[owner].labels.append(label)
    kept, targets = batch["logits_to_keep"], batch["targets"]
    columns = (
        kept if isinstance(kept, torch.Tensor) else torch.arange(width - kept, width)
    ).tolist()
    lines = zip(owners.tolist(), places.tolist(), real.tolist(), targets.tolist(), strict=True)
    for owner_at, place_at, real_at, learned in lines:
        for column, token in zip(columns, learned, strict=True):
            if token == IGNORED:
                continue
            # The logits of one column predict the token of the next.
            at = column + 1
            if at < width and real_at[at] and place_at[at] > 0:
                rows[owner_at[at]].targets[place_at[at]] = token
            else:
                rows[max(owner_at)].stray = True
    for line in ((labels != IGNORED) & ~real).any(dim=1).nonzero().flatten().tolist():
        rows[int(owners[line].max())].stray = True
    return rows


def _fault(row: TokenRow, read: _Read, tokenizer: Any) -> str | None:
    """The first token of a row that is not fed or not learned as it should be, and what to do."""
    wanted = row.input_ids
    for place, (token, fed) in enumerate(zip_longest(wanted, read.ids)):
        if token is None:
            return f"the row has {len(read.ids)} tokens, not {len(wanted)}; {_ADVICE}"
        if token != fed:
            wrong = "not fed" if fed is None else f"fed as token {fed}"
            return f"{_named(place, token, tokenizer)} is {wrong}; {_ADVICE}"
    for place, token in enumerate(wanted):
        target = place >= len(row.prompt)
        learned = (read.targets.get(place, IGNORED), read.labels[place])
        if learned != ((token, token) if target else (IGNORED, IGNORED)):
            wrong = "of the target and not learned" if target else "of the prompt and learned"
            advice = _ADVICE
            if token == tokenizer.pad_token_id:
                advice = (
                    "it is the tokenizer's padding token: give the tokenizer a pad_token that no "
                    "row holds, and report it"
                )
            return f"{_named(place, token, tokenizer)} is {wrong}; {advice}"
    return f"padding carries loss; {_ADVICE}" if read.stray else None


_ADVICE = "the batches are made wrong, not the records: report it with the base model's name"


def _named(place: int, token: int, tokenizer: Any) -> str:
    return f"token {place} of the row, {tokenizer.decode([token], skip_special_tokens=False)!r},"
