"""A development set out of the training records: answered while training goes on, never learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.records import Example, TrainingRecord
from schemalora.synthesis import split
from schemalora.training.tokens import TokenRow


@dataclass(frozen=True, slots=True)
class DevelopmentSet:
    """Records that are held out of training."""

    examples: tuple[Example, ...]
    """What the model is asked; ids are `record-<index of the training record>`."""
    held_out: frozenset[int]
    """Indices of the records that are not trained on: those of `examples`, and what shares a group
    with them."""
    max_new_tokens: int
    """Longest completion worth decoding: a quarter more than the longest target."""


def hold_out(
    contract: Contract,
    records: Sequence[TrainingRecord],
    rows: Sequence[TokenRow],
    *,
    count: int,
    seed: int,
) -> DevelopmentSet:
    """Takes whole groups out of the records, as `split` does, and draws rows from them.

    Args:
        contract: reads the targets, and says which values of a text to mask.
        records: the training records.
        rows: their token rows, in the same order.
        count: rows of the development set; fewer where whole groups do not come nearer.
        seed: decides which groups and rows.

    Raises:
        UsageError: more than half of the records would be held out, or all are of one group.
    """
    examples = [
        Example(
            text=record.prompt[-1]["content"],
            target=contract.parse(record.completion[0]["content"]).json,
            id=f"record-{index}",
            group=record.group,
        )
        for index, record in enumerate(records)
    ]
    _require_half_left(len(records), count, count)
    try:
        _, held_out = split(
            examples, eval_fraction=count / len(examples), seed=seed, contract=contract
        )
    except UsageError as error:
        raise UsageError(f"development_rows = {count}: {error}") from error
    _require_half_left(len(records), count, len(held_out))
    index_of = {example.id: index for index, example in enumerate(examples)}
    drawn = held_out
    if len(held_out) > count:
        places = sorted(Random(seed).sample(range(len(held_out)), count))
        drawn = [held_out[place] for place in places]
    longest = max(len(rows[index_of[one.id]].completion) for one in drawn)
    return DevelopmentSet(
        examples=tuple(drawn),
        held_out=frozenset(index_of[one.id] for one in held_out),
        max_new_tokens=longest + longest // 4 + 1,
    )


def _require_half_left(records: int, count: int, held_out: int) -> None:
    if 2 * held_out > records:
        reason = "" if held_out == count else f": whole groups of {held_out} rows in all"
        raise UsageError(
            f"development_rows = {count} would hold more than half of the {records} records out of "
            f"training{reason}; ask for fewer rows, or give more records or groups"
        )
