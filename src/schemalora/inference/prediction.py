"""Examples to predictions: what the model answers, raw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from schemalora.adapter import Adapter
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.formatting import PromptFormat
from schemalora.inference.loading import LoadedModel, as_adapter, load, prompt_format_of
from schemalora.inference.local import predict_locally
from schemalora.inference.options import DEFAULT_BATCH_SIZE, DEFAULT_MAX_NEW_TOKENS
from schemalora.inference.plan import Constrained, Engine, Plan
from schemalora.inference.prediction_log import PredictionLog
from schemalora.inference.server import OpenAIServer
from schemalora.jsonvalue import JsonValue
from schemalora.records import Example, Prediction

Progress = Callable[[int, int], None]
"""Called with how many rows are done, and how many there are."""


def predict(
    adapter_or_base_model: str | Path | Adapter | LoadedModel,
    examples: Iterable[Example | str],
    *,
    contract: Contract | None = None,
    prompt_format: PromptFormat | None = None,
    constrained: Constrained = False,
    engine: Engine = "transformers",
    max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS,
    batch_size: int = DEFAULT_BATCH_SIZE,
    confidence: bool = False,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Prediction]:
    """Asks a model for the JSON value of every example, greedily.

    Args:
        adapter_or_base_model: an adapter or its directory, a base model's name, or what `load`
            returned.
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
    plan = Plan(
        *_contract_and_format(adapter_or_base_model, contract, prompt_format),
        constrained=constrained,
        engine=engine,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        confidence=confidence,
    )
    if isinstance(engine, OpenAIServer):
        run = {"model": _name_of(adapter_or_base_model), **plan.to_dict()}
        log = _open_log(output, rows, run, notes=lambda: _server_notes(engine, plan))
        missing = [row for row in rows if log is None or row.id not in log.done]
        fresh = engine.predict(
            missing,
            contract=plan.contract,
            prompt_format=plan.prompt_format,
            constrained=bool(constrained),
            max_new_tokens=max_new_tokens,
        )
    else:
        asked = adapter_or_base_model
        loaded = asked if isinstance(asked, LoadedModel) else load(asked)
        log = _open_log(output, rows, {**loaded.identity(), **plan.to_dict()})
        missing = [row for row in rows if log is None or row.id not in log.done]
        fresh = predict_locally(loaded, missing, plan)
    return _ordered(rows, fresh, log, progress)


def _open_log(
    output: str | Path | None,
    rows: Sequence[Example],
    run: dict[str, JsonValue],
    *,
    notes: Callable[[], dict[str, JsonValue]] = dict,
) -> PredictionLog | None:
    return None if output is None else PredictionLog(output, rows, run, notes=notes())


def _server_notes(server: OpenAIServer, plan: Plan) -> dict[str, JsonValue]:
    return {
        **server.notes(),
        "response_format": plan.contract.response_format() if plan.constrained else None,
    }


def _name_of(asked: str | Path | Adapter | LoadedModel) -> str:
    if isinstance(asked, LoadedModel):
        return asked.name
    return str(asked.path) if isinstance(asked, Adapter) else str(asked)


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
    asked: str | Path | Adapter | LoadedModel,
    contract: Contract | None,
    prompt_format: PromptFormat | None,
) -> tuple[Contract, PromptFormat]:
    """What an adapter brings along and what was given, checked against each other."""
    if isinstance(asked, LoadedModel):
        adapter = asked.adapter if asked.with_adapter else None
        contract = contract or asked.contract
    else:
        adapter = as_adapter(asked)
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
