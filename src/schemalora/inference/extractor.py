"""What an application imports: a text goes in, a validated value comes out."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from schemalora.adapter import Adapter
from schemalora.base_model import Dtype, Quantization
from schemalora.contract import Contract
from schemalora.errors import ExtractionError, UsageError
from schemalora.formatting import PromptFormat, build_prompt, encode_prompt
from schemalora.inference.constraint import Constraint
from schemalora.inference.decoding import Decoder, vocabulary_size
from schemalora.inference.drafting import Drafter
from schemalora.inference.loading import LoadedModel, load
from schemalora.inference.options import DEFAULT_MAX_NEW_TOKENS, DecodingOptions
from schemalora.inference.rows import Completion


@dataclass(slots=True)
class _Job:
    """The prompts of one call, on their way through a batch."""

    prompts: list[list[int]]
    answer: Future[list[Completion]] = field(default_factory=Future[list[Completion]])


class Extractor:
    """Texts to validated values; calls from many threads share batches.

    On a CPU and in bfloat16 it keeps a second copy of the weights; see `Decoder`.

        extract = Extractor.load("runs/ticket", model=SupportTicket)
        ticket = extract("I was charged twice for ORD-12345.")

    Args:
        loaded: what `load` returned, with an adapter.
        model: the pydantic model of the contract; values are instances of it. Without it, values
            are plain JSON.
        constrained: enforces the contract while decoding.
        max_new_tokens: longest completion in tokens.
        batch_size: rows at once.

    Raises:
        AdapterMismatchError: the model is not the one of training.
        UsageError: there is no adapter, and so no contract.
        SchemaError: the contract cannot be enforced.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        *,
        model: Any = None,
        constrained: bool = True,
        max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS,
        batch_size: int = 16,
    ) -> None:
        contract, prompt_format = loaded.contract, loaded.prompt_format
        if contract is None or prompt_format is None or loaded.adapter is None:
            raise UsageError(f"{loaded.name}: an extractor needs an adapter, which has a contract")
        if model is not None:
            contract = Contract.from_model(model, instructions=contract.instructions)
            loaded.adapter.manifest.check(contract=contract)
        self.contract: Contract = contract
        # The model may have another name than the one that the adapter was asked for.
        self._asked_for: Contract = loaded.adapter.manifest.contract
        self._prompt_format: PromptFormat = prompt_format
        self._tokenizer = loaded.tokenizer
        constraint = None
        if constrained:
            vocabulary = vocabulary_size(loaded.model)
            constraint = Constraint(contract, loaded.tokenizer, vocabulary=vocabulary)
        options = DecodingOptions(
            stop_ids=loaded.stop_ids,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            constraint=constraint,
            closing_tokens=constraint.closing_tokens(max_new_tokens) if constraint else 0,
            drafter=Drafter.for_contract(contract, loaded.tokenizer),
        )
        self._room = (loaded.context_length or 2**31) - max_new_tokens
        self._decoder = Decoder(loaded.model, options)
        # White space may be cut into one token with the end of what stands before a text.
        self._decoder.share([self._encode(text) for text in ("a", "b", " ", "\n", "\r\n", "\t")])
        self._queue: list[_Job] = []
        self._queue_lock = threading.Lock()
        self._decoder_lock = threading.Lock()

    @classmethod
    def load(
        cls,
        adapter: str | Path | Adapter,
        *,
        model: Any = None,
        constrained: bool = True,
        max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS,
        batch_size: int = 16,
        dtype: Dtype = "auto",
        quantization: Quantization | None = None,
        device: str | None = None,
        merge: bool = False,
    ) -> Self:
        """Loads an adapter directory with its base model; see the class and `load`."""
        loaded = load(adapter, dtype=dtype, quantization=quantization, device=device, merge=merge)
        return cls(
            loaded,
            model=model,
            constrained=constrained,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
        )

    def __call__(self, text: str) -> Any:
        """The value of one text: an instance of the model, or plain JSON where none was given.

        Raises:
            ExtractionError: the completion does not satisfy the contract; it holds the completion.
            UsageError: the text does not fit into the model's context.
        """
        return self._value(self._complete([text])[0])

    def batch(self, texts: Sequence[str]) -> list[Any]:
        """The values of many texts, in order; where one fails, its `ExtractionError`."""
        values: list[Any] = []
        for completion in self._complete(texts):
            try:
                values.append(self._value(completion))
            except ExtractionError as error:
                values.append(error)
        return values

    async def extract(self, text: str) -> Any:
        """The value of one text without blocking the event loop; awaited together, they batch."""
        return await asyncio.to_thread(self, text)

    def _complete(self, texts: Sequence[str]) -> list[Completion]:
        job = _Job([self._encode(text) for text in texts])
        with self._queue_lock:
            self._queue.append(job)
        with self._decoder_lock:
            # Whoever holds the lock decodes for all that wait for it.
            if not job.answer.done():
                with self._queue_lock:
                    jobs, self._queue = self._queue, []
                self._decode(jobs)
        return job.answer.result()

    def _decode(self, jobs: Sequence[_Job]) -> None:
        prompts = [prompt for job in jobs for prompt in job.prompts]
        try:
            found = {one.index: one for one in self._decoder.run(prompts)}
        except BaseException as error:
            for job in jobs:
                job.answer.set_exception(error)
            raise
        start = 0
        for job in jobs:
            end = start + len(job.prompts)
            job.answer.set_result([found[index] for index in range(start, end)])
            start = end

    def _encode(self, text: str) -> list[int]:
        messages = build_prompt(self._asked_for, text, prompt_format=self._prompt_format)
        ids = encode_prompt(self._tokenizer, messages)
        if len(ids) > self._room:
            raise UsageError(
                f"the text is too long: its prompt has {len(ids)} tokens, and there is room for "
                f"{self._room}"
            )
        return ids

    def _value(self, completion: Completion) -> Any:
        text = self._tokenizer.decode(
            list(completion.tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        outcome = self.contract.parse(text)
        if not outcome.compliant:
            raise ExtractionError(text, outcome.violations)
        return outcome.value if self.contract.model is None else outcome.instance
