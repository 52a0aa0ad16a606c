"""Examples to predictions: what the model answers, raw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from schemalora.adapter import Adapter
from schemalora.contract import Contract
from schemalora.errors import AdapterMismatchError, RunFolderError, UsageError
from schemalora.formatting import PromptFormat, system_text
from schemalora.inference.loading import (
    LoadedModel,
    as_adapter,
    load,
    prompt_format_of,
    weights_hash,
)
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
        confidence: whether predictions carry the probability of every field's value; refused
            where nobody would give it: by other engines than `transformers`, and for a model that
            it leaves to `generate`.
        output: a predictions file that grows row by row; a rerun goes on where it stopped.
        progress: called with rows done and rows in all, after every row.

    Returns:
        The predictions in the order of the examples. Everything is checked before this returns;
        the work is done as the iterator is drawn.

    Raises:
        SchemaError: the contract cannot be enforced.
        UsageError: no contract, an example id twice, a prompt that is too long for the model, or
            `confidence` where it cannot be had.
        AdapterMismatchError: another contract, prompt format or wording than the adapter's.
        RunFolderError: `output` belongs to another run, or is there and the model is in memory
            only.
    """
    if confidence and engine != "transformers":
        raise UsageError(
            "confidence is given by the engine `transformers` alone, not by `generate` or a "
            "server; leave out `confidence` (on the command line `--confidence`)"
        )
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
        run = {**_identity_here(adapter_or_base_model), **plan.to_dict()}
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
        if output is not None and not loaded.pinned and Path(output).exists():
            raise RunFolderError(
                f"{output}: there already, and nothing tells whether the weights of "
                f"{loaded.name!r}, which are in memory, are those that wrote it; give another "
                "output file"
            )
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


def _identity_here(asked: str | Path | Adapter | LoadedModel) -> dict[str, JsonValue]:
    """What is known here of a model that a server has: its name, and an adapter's weights."""
    if isinstance(asked, LoadedModel):
        known = asked.identity()
        return {key: known[key] for key in ("model", "adapter_sha256")}
    adapter = as_adapter(asked)
    return {
        "model": str(asked.path) if isinstance(asked, Adapter) else str(asked),
        "adapter_sha256": None if adapter is None else weights_hash(adapter),
    }


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
        prompt_format = prompt_format_of(adapter)
        if contract is not None:
            _refuse_other_wording(adapter.manifest.contract, contract, prompt_format)
        return adapter.manifest.contract, prompt_format
    if contract is None:
        raise UsageError(
            "a base model knows no contract: give one (the parameter `contract`, on the command "
            "line `--contract`)"
        )
    return contract, prompt_format or PromptFormat(style="schema")


def _refuse_other_wording(own: Contract, given: Contract, prompt_format: PromptFormat) -> None:
    """Contracts of one fingerprint can have other names and instructions, and so other prompts."""
    trained, now = system_text(own, prompt_format), system_text(given, prompt_format)
    if trained == now:
        return
    alike = 0
    while trained[:alike] == now[:alike]:
        alike += 1
    shown = slice(max(0, alike - 20), alike + 40)
    raise AdapterMismatchError(
        f"the adapter belongs to another wording of the prompt (trained with {trained[shown]!r}, "
        f"given {now[shown]!r}); leave the contract out, or give it the name and the instructions "
        "of the adapter's"
    )


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
    if log is not None:
        log.finish()
    place = 0
    for prediction in fresh:
        done[prediction.example_id] = prediction
        if log is not None:
            log.append(prediction)
            # Before the last row is yielded: who draws no further must not lose the order.
            log.finish()
        if progress is not None:
            progress(len(done), len(rows))
        while place < len(rows) and rows[place].id in done:
            yield done[rows[place].id]
            place += 1
    for row in rows[place:]:
        yield done[row.id]
