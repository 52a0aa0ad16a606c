"""Examples to predictions: what the model answers, raw."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemalora.adapter import Adapter
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.formatting import PromptFormat, build_prompt, encode_prompt
from schemalora.inference.attention import supports_packed, unwrap
from schemalora.inference.confidence import field_confidence
from schemalora.inference.constraint import Constraint
from schemalora.inference.decoding import decode, vocabulary_size
from schemalora.inference.drafting import Drafter
from schemalora.inference.generate import decode_by_generate
from schemalora.inference.loading import LoadedModel, as_adapter, load, prompt_format_of
from schemalora.inference.options import DEFAULT_MAX_NEW_TOKENS, DecodingOptions
from schemalora.inference.prediction_log import PredictionLog
from schemalora.inference.rows import Completion
from schemalora.inference.server import OpenAIServer
from schemalora.jsonvalue import JsonValue
from schemalora.records import Example, Prediction

Progress = Callable[[int, int], None]
"""Called with how many rows are done, and how many there are."""

Engine = Literal["transformers", "generate"] | OpenAIServer
"""`transformers`: the packed decoder, and `generate` for models it does not know; `generate`: the
library's own, one pass a token; a server: no weights are loaded here."""

Constrained = bool | Literal["best_effort"]
"""Whether the contract is enforced; `best_effort`: as far as it can be."""

# Prompts are sorted by length within windows of this many batches: rows of a pass are of similar
# length, and the first answer is not kept waiting for the last.
_WINDOW_BATCHES = 8


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that decides what is predicted."""

    contract: Contract
    prompt_format: PromptFormat
    constrained: Constrained
    engine: Engine
    max_new_tokens: int
    batch_size: int
    confidence: bool

    def to_dict(self) -> dict[str, JsonValue]:
        return {
            "contract": self.contract.fingerprint,
            "prompt_format": self.prompt_format.to_dict(),
            "constrained": self.constrained,
            "engine": self.engine if isinstance(self.engine, str) else self.engine.identity(),
            "max_new_tokens": self.max_new_tokens,
            "confidence": self.confidence,
        }


def predict(
    model: str | Path | Adapter | LoadedModel,
    examples: Iterable[Example | str],
    *,
    contract: Contract | None = None,
    prompt_format: PromptFormat | None = None,
    constrained: Constrained = False,
    engine: Engine = "transformers",
    max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS,
    batch_size: int = 16,
    confidence: bool = False,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Prediction]:
    """Asks a model for the JSON value of every example, greedily.

    Args:
        model: an adapter or its directory, a base model's name, or what `load` returned.
        examples: examples, or plain texts, which are named `text-1`, `text-2`, ...
        contract: what completions must satisfy; an adapter brings its own, and is refused with
            another.
        prompt_format: how to ask; an adapter brings its own, a base model is shown the schema.
        constrained: whether the contract is enforced while decoding; a contract that cannot be
            enforced to the full is refused, or enforced as far as possible with `best_effort`.
        engine: who decodes.
        max_new_tokens: longest completion in tokens.
        batch_size: rows at once; fewer where memory does not hold them.
        confidence: whether predictions carry the probability of every field's value; for the
            `transformers` engine.
        output: a predictions file that grows row by row; a rerun goes on where it stopped.
        progress: called with rows done and rows in all, after every row.

    Returns:
        The predictions in the order of the examples. Everything is checked before this returns;
        the work is done as the iterator is drawn.

    Raises:
        SchemaError: the contract cannot be enforced.
        UsageError: no contract, an example id twice, or a prompt that is too long for the model.
        AdapterMismatchError: another contract or prompt format than the adapter's.
        RunFolderError: `output` belongs to another run.
    """
    rows = as_examples(examples)
    plan = _Plan(
        *_contract_and_format(model, contract, prompt_format),
        constrained=constrained,
        engine=engine,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        confidence=confidence,
    )
    if isinstance(engine, OpenAIServer):
        log = _open_log(output, rows, {"model": _name_of(model), **plan.to_dict()})
        missing = [row for row in rows if log is None or row.id not in log.done]
        fresh = engine.predict(
            missing,
            contract=plan.contract,
            prompt_format=plan.prompt_format,
            constrained=bool(constrained),
            max_new_tokens=max_new_tokens,
        )
    else:
        loaded = model if isinstance(model, LoadedModel) else load(model)
        log = _open_log(output, rows, {**loaded.identity(), **plan.to_dict()})
        missing = [row for row in rows if log is None or row.id not in log.done]
        fresh = _decode(loaded, missing, _encode_prompts(loaded, missing, plan), plan)
    return _ordered(rows, fresh, log, progress)


def _open_log(
    output: str | Path | None, rows: Sequence[Example], run: dict[str, JsonValue]
) -> PredictionLog | None:
    return None if output is None else PredictionLog(output, rows, run)


def _name_of(model: str | Path | Adapter | LoadedModel) -> str:
    if isinstance(model, LoadedModel):
        return model.name
    return str(model.path) if isinstance(model, Adapter) else str(model)


def as_examples(examples: Iterable[Example | str]) -> list[Example]:
    """Examples as they are, and plain texts named `text-1`, `text-2`, ...

    Raises:
        UsageError: an id comes twice: rows are told apart by it.
    """
    rows = [
        example if isinstance(example, Example) else Example(example, None, id=f"text-{number}")
        for number, example in enumerate(examples, start=1)
    ]
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise UsageError(f"the example id {row.id!r} comes twice; every example needs its own")
        seen.add(row.id)
    return rows


def _contract_and_format(
    model: str | Path | Adapter | LoadedModel,
    contract: Contract | None,
    prompt_format: PromptFormat | None,
) -> tuple[Contract, PromptFormat]:
    """What an adapter brings along and what was given, checked against each other."""
    if isinstance(model, LoadedModel):
        adapter = model.adapter if model.with_adapter else None
        contract = contract or model.contract
    else:
        adapter = as_adapter(model)
    if adapter is not None:
        adapter.manifest.check(
            contract=contract, prompt_format=prompt_format and prompt_format.to_dict()
        )
        contract = contract or adapter.manifest.contract
        return contract, prompt_format or prompt_format_of(adapter)
    if contract is None:
        raise UsageError(
            "a base model knows no contract: give one (the parameter `contract`, on the command "
            "line `--contract`)"
        )
    return contract, prompt_format or PromptFormat(style="schema")


def _encode_prompts(loaded: LoadedModel, rows: Sequence[Example], plan: _Plan) -> list[list[int]]:
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


def _decode(
    loaded: LoadedModel, rows: Sequence[Example], prompts: Sequence[list[int]], plan: _Plan
) -> Iterator[Prediction]:
    """Predictions as they end."""
    if not rows:
        return
    constraint = None
    if plan.constrained:
        constraint = Constraint(
            plan.contract,
            loaded.tokenizer,
            vocabulary=vocabulary_size(loaded.model),
            best_effort=plan.constrained == "best_effort",
        )
    options = DecodingOptions(
        stop_ids=loaded.stop_ids,
        max_new_tokens=plan.max_new_tokens,
        batch_size=plan.batch_size,
        constraint=constraint,
        closing_tokens=plan.max_new_tokens // 4,
        drafter=Drafter.for_contract(plan.contract, loaded.tokenizer),
        adapter=loaded.with_adapter,
        logprobs=plan.confidence,
    )
    order = _sorted_in_windows(prompts, window=plan.batch_size * _WINDOW_BATCHES)
    packed = plan.engine == "transformers" and supports_packed(unwrap(loaded.model))
    run = decode if packed else decode_by_generate
    for completion in run(loaded.model, [prompts[place] for place in order], options):
        yield _prediction(loaded, plan, rows[order[completion.index]].id, completion)


def _prediction(
    loaded: LoadedModel, plan: _Plan, example_id: str, completion: Completion
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


def _ordered(
    rows: Sequence[Example],
    fresh: Iterator[Prediction],
    log: PredictionLog | None,
    progress: Progress | None,
) -> Iterator[Prediction]:
    """Writes rows as they end, and yields them in the order of the examples."""
    done = {} if log is None else dict(log.done)
    if progress is not None:
        progress(len(done), len(rows))
    place = 0
    for prediction in fresh:
        done[prediction.example_id] = prediction
        if log is not None:
            log.append(prediction)
        if progress is not None:
            progress(len(done), len(rows))
        while place < len(rows) and rows[place].id in done:
            yield done[rows[place].id]
            place += 1
    for row in rows[place:]:
        yield done[row.id]
    if log is not None:
        log.finish()
