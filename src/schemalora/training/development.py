"""A development set out of the training records: answered while training goes on, never learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.formatting import PromptFormat, build_prompt, encode_prompt
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
    """Longest completion worth decoding: a quarter more than the longest target, or what the
    context leaves beside the longest prompt."""


def hold_out(
    contract: Contract,
    records: Sequence[TrainingRecord],
    rows: Sequence[TokenRow],
    *,
    count: int,
    seed: int,
    tokenizer: Any,
    prompt_format: PromptFormat | None = None,
    context: int | None = None,
) -> DevelopmentSet:
    """Takes whole groups out of the records, as `split` does, and draws rows from them.

    Args:
        contract: reads the targets, and says which values of a text to mask.
        records: the training records.
        rows: their token rows, in the same order.
        count: rows of the development set; fewer where whole groups do not come nearer.
        seed: decides which groups and rows.
        tokenizer: the tokenizer that made the rows.
        prompt_format: how the development set is asked.
        context: the most tokens, prompt and completion together, that the model was made for.

    Raises:
        UsageError: more than half of the records would be held out, or all are of one group; or the
            longest prompt of the development set leaves no room for its longest target.
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
    return DevelopmentSet(
        examples=tuple(drawn),
        held_out=frozenset(index_of[one.id] for one in held_out),
        max_new_tokens=_longest_answer(
            prompts={
                index_of[one.id]: len(
                    encode_prompt(
                        tokenizer, build_prompt(contract, one.text, prompt_format=prompt_format)
                    )
                )
                for one in drawn
            },
            targets={index_of[one.id]: len(rows[index_of[one.id]].completion) for one in drawn},
            context=context,
        ),
    )


def _longest_answer(
    *, prompts: Mapping[int, int], targets: Mapping[int, int], context: int | None
) -> int:
    """The most tokens that an answer may have: all answers have the same limit.

    Args:
        prompts: index of a record to the tokens that it is asked with.
        targets: index of a record to the tokens of its target, the end token among them.
        context: the model's, in tokens; None where it has no limit.

    Raises:
        UsageError: naming the record of the longest prompt.
    """
    target = max(targets, key=targets.__getitem__)
    longest = targets[target]
    wanted = longest + longest // 4 + 1
    if context is None:
        return wanted
    prompt = max(prompts, key=prompts.__getitem__)
    room = context - prompts[prompt]
    if room < longest:
        raise UsageError(
            f"development_rows: the prompt of record {prompt} has {prompts[prompt]} tokens, which "
            f"leaves {room} of the model's context of {context}, and the target of record {target} "
            f"has {longest}; shorten record {prompt}, leave it out, or set development_rows = 0"
        )
    return min(wanted, room)


def _require_half_left(records: int, count: int, held_out: int) -> None:
    if 2 * held_out > records:
        reason = "" if held_out == count else f": whole groups of {held_out} rows in all"
        raise UsageError(
            f"development_rows = {count} would hold more than half of the {records} records out of "
            f"training{reason}; ask for fewer rows, or give more records or groups"
        )
