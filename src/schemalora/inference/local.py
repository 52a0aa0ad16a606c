"""Predictions by a model in this process."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from schemalora.errors import UsageError
from schemalora.formatting import build_prompt, encode_prompt
from schemalora.inference.confidence import field_confidence
from schemalora.inference.constraint import Constraint
from schemalora.inference.decoding import decode, vocabulary_size
from schemalora.inference.drafting import Drafter
from schemalora.inference.generate import decode_by_generate
from schemalora.inference.loading import LoadedModel
from schemalora.inference.options import DecodingOptions
from schemalora.inference.plan import Plan
from schemalora.inference.rows import Completion
from schemalora.records import Example, Prediction

# Prompts are sorted by length within windows of this many batches: rows of a pass are of similar
# length, and the first answer is not kept waiting for the last.
_WINDOW_BATCHES = 8


def predict_locally(
    loaded: LoadedModel, rows: Sequence[Example], plan: Plan
) -> Iterator[Prediction]:
    """Predictions as they end; everything is checked before the iterator is returned.

    Warns:
        UserWarning: what of the contract is not enforced, with `best_effort`.

    Raises:
        SchemaError: the contract cannot be enforced.
        UsageError: a prompt that leaves no room for a completion, or confidences of a model that
            the packed decoder does not know.
    """
    if plan.confidence and not _runs_packed(loaded, plan):
        raise UsageError(
            f"{loaded.name}: is decoded by `generate`, since the packed decoder does not know its "
            "attention or cache, and has no confidences then; leave out `confidence` (on the "
            "command line `--confidence`)"
        )
    if not rows:
        return iter(())
    prompts = _encode_prompts(loaded, rows, plan)
    return _decode(loaded, rows, prompts, plan, _options(loaded, plan))


def _runs_packed(loaded: LoadedModel, plan: Plan) -> bool:
    return plan.engine == "transformers" and loaded.packed


def _encode_prompts(loaded: LoadedModel, rows: Sequence[Example], plan: Plan) -> list[list[int]]:
    """Token ids of every prompt.

    Raises:
        UsageError: a prompt that leaves no room for a completion, by the id of its example.
    """
    prompts: list[list[int]] = []
    room = loaded.context_length
    for row in rows:
        messages = build_prompt(plan.contract, row.text, prompt_format=plan.prompt_format)
        ids = encode_prompt(loaded.tokenizer, messages)
        if room is not None and len(ids) + plan.max_new_tokens > room:
            raise UsageError(
                f"example {row.id!r}: its prompt of {len(ids)} tokens and a completion of up to "
                f"{plan.max_new_tokens} do not fit into the model's context of {room}; shorten the "
                "text or lower max_new_tokens"
            )
        prompts.append(ids)
    return prompts


def _options(loaded: LoadedModel, plan: Plan) -> DecodingOptions:
    constraint = None
    if plan.constrained:
        constraint = Constraint(
            plan.contract,
            loaded.tokenizer,
            vocabulary=vocabulary_size(loaded.model),
            best_effort=plan.constrained == "best_effort",
        )
        if constraint.gaps:
            gaps = ", ".join(map(str, constraint.gaps))
            warnings.warn(f"decoding does not enforce {gaps}", stacklevel=4)
    return DecodingOptions(
        stop_ids=loaded.stop_ids,
        max_new_tokens=plan.max_new_tokens,
        batch_size=plan.batch_size,
        constraint=constraint,
        closing_tokens=constraint.closing_tokens(plan.max_new_tokens) if constraint else 0,
        drafter=Drafter.for_contract(plan.contract, loaded.tokenizer),
        adapter=loaded.with_adapter,
        logprobs=plan.confidence,
    )


def _decode(
    loaded: LoadedModel,
    rows: Sequence[Example],
    prompts: Sequence[list[int]],
    plan: Plan,
    options: DecodingOptions,
) -> Iterator[Prediction]:
    order = _sorted_in_windows(prompts, window=plan.batch_size * _WINDOW_BATCHES)
    run = decode if _runs_packed(loaded, plan) else decode_by_generate
    for completion in run(loaded.model, [prompts[place] for place in order], options):
        yield _prediction(loaded, plan, rows[order[completion.index]].id, completion)


def _prediction(
    loaded: LoadedModel, plan: Plan, example_id: str, completion: Completion
) -> Prediction:
    confidence: dict[str, float] = {}
    if completion.logprobs:
        confidence = field_confidence(
            loaded.tokenizer,
            completion.tokens,
            completion.logprobs,
            plan.contract.fields.values(),
        )
    return Prediction(
        example_id=example_id,
        completion=loaded.tokenizer.decode(
            list(completion.tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False
        ),
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=len(completion.tokens),
        seconds=round(completion.seconds, 4),
        finish_reason=completion.finish_reason,
        confidence=confidence,
    )


def _sorted_in_windows(prompts: Sequence[Sequence[int]], *, window: int) -> list[int]:
    order: list[int] = []
    for start in range(0, len(prompts), window):
        part = range(start, min(start + window, len(prompts)))
        order += sorted(part, key=lambda place: -len(prompts[place]))
    return order
