"""Greedy decoding of a batch whose rows advance by different amounts.

Each forward pass takes, from every row, the tokens that are not in the cache yet (the prompt, or
what was accepted or forced since) and a draft of what may follow. The logits along the draft tell
how much of it token-by-token greedy decoding would have written; that much is kept, and one token
more. A row that ends makes room for the next prompt in the same pass.
"""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from schemalora.allocator import keep_pages
from schemalora.inference.attention import forward, packed_model, unwrap
from schemalora.inference.batch import Batch, Engine
from schemalora.inference.blocked import blocked_forwards
from schemalora.inference.options import DecodingOptions
from schemalora.inference.packed import Feed, PackedCache
from schemalora.inference.rows import Completion, Row
from schemalora.lora import lora_forwards
from schemalora.memory import free_memory, machine_memory

# Tokens of prompts in one forward pass; longer prompts go in pieces, so memory stays bounded. A
# CPU (True) computes no faster with more, and needs a tenth of its time for fresh pages.
_PREFILL_TOKENS = {True: 512, False: 2048}

# What a pass costs whatever it holds, in tokens: a CPU reads the weights while it computes some 64
# (measured, on one core); GPUs were not measured.
_PASS_TOKENS = {True: 64.0, False: 256.0}

# What passes on a CPU leave behind, for the next pass; without it the kernel clears the same pages
# again and again, which took a fifth of the time.
_KEPT_BYTES = 256 * 2**20

# So many prompts make up for the time that a second copy of the weights takes.
_WORTH_BLOCKING = 16

# Shorter shared prefixes are not worth a pass of their own.
_SHORTEST_PREFIX = 4

# Up to so many tokens a shared prefix is copied into every row of the cache: that takes less memory
# than the rows' own tokens, and attention is one product instead of two and a sum.
_LONGEST_COPIED = 64


def decode(
    model: Any, prompts: Sequence[Sequence[int]], options: DecodingOptions
) -> Iterator[Completion]:
    """Decodes prompts greedily and yields their completions as they end.

    Args:
        model: a causal LM of transformers that `supports_packed`, or a PEFT model around one; its
            mode and attention are put back after every pass.
        prompts: token ids; prompts that follow each other should be of similar length.
        options: how.

    Returns:
        An iterator of completions; `Completion.index` tells which prompt each belongs to.

    Raises:
        UsageError: the memory does not hold a single row.
    """
    decoder = Decoder(model, options, faster_weights=len(prompts) >= _WORTH_BLOCKING)
    decoder.share(prompts)
    return decoder.run(prompts)


class Decoder:
    """A model that is ready to decode: its shared prefix and its cache outlive a call.

    Args:
        model: see `decode`; its weights must not change while the decoder is used.
        options: how prompts are decoded.
        faster_weights: on a CPU, keeps a second copy of the weights that is read faster, of at
            most an eighth of the machine's memory and half of what is free; making it takes as long
            as a few prompts.
    """

    def __init__(
        self, model: Any, options: DecodingOptions, *, faster_weights: bool = True
    ) -> None:
        self._model = model
        on_cpu = unwrap(model).device.type == "cpu"
        if on_cpu:
            keep_pages(_KEPT_BYTES)
        self._engine = Engine(
            model=unwrap(model),
            vocabulary=vocabulary_size(model),
            prefill_tokens=options.prefill_tokens or _PREFILL_TOKENS[on_cpu],
            pass_tokens=options.pass_tokens or _PASS_TOKENS[on_cpu],
        )
        self._options = options
        self._bytes_per_token = _cache_bytes_per_token(unwrap(model))
        self._layers = lora_forwards(model) if options.adapter else []
        if on_cpu and faster_weights:
            memory = min(machine_memory() // 8, free_memory() // 2)
            self._layers = blocked_forwards(unwrap(model), self._layers, most_bytes=memory)
        self._shared: list[int] = []
        """The tokens whose keys and values `_prefix` holds."""
        self._prefix: PackedCache | None = None
        self._cache: PackedCache | None = None
        self._most_rows = options.batch_size

    def share(self, prompts: Sequence[Sequence[int]]) -> None:
        """Caches the tokens that all prompts start with, where that is worth a pass."""
        if len(prompts) < 2:
            return
        tokens = list(_common_start(prompts))
        if len(tokens) < _SHORTEST_PREFIX:
            return
        cache = PackedCache(rows=1, slots=len(tokens))
        at_once = self._engine.prefill_tokens
        with self._ready():
            for start in range(0, len(tokens), at_once):
                part = tokens[start : start + at_once]
                forward(self._engine.model, cache, [Feed(row=0, tokens=part, start=start)], ())
        self._shared, self._prefix, self._cache = tokens, cache, None

    def run(self, prompts: Sequence[Sequence[int]]) -> Iterator[Completion]:
        """Yields the completions of prompts; see `decode`.

        Prompts that do not all start with the shared tokens are decoded without these. One run has
        to end before the next begins, since they share a cache.
        """
        if not prompts:
            return
        prefix = self._prefix if self._all_share(prompts) else None
        opening = None
        if prefix is not None and prefix.slots <= _LONGEST_COPIED:
            prefix, opening = None, prefix
        rows = [
            Row(
                index=index,
                options=self._options,
                prompt_tokens=len(prompt),
                sequence=list(prompt[prefix.slots if prefix is not None else 0 :]),
                opening=opening.slots if opening is not None else 0,
            )
            for index, prompt in enumerate(prompts)
        ]
        self._cache = self._cache_for(rows, prefix, opening)
        batch = Batch(self._engine, rows, self._cache, self._options)
        while batch.busy:
            # Between two answers the model is its owner's: it may be in training.
            with self._ready():
                ended = batch.advance()
            if batch.shrunk:
                self._most_rows, self._cache = batch.capacity, None
            yield from ended

    def _all_share(self, prompts: Sequence[Sequence[int]]) -> bool:
        """Whether all prompts go on after the shared tokens."""
        shared = self._shared
        return all(
            len(prompt) > len(shared) and list(prompt[: len(shared)]) == shared
            for prompt in prompts
        )

    def _ready(self) -> AbstractContextManager[None]:
        return packed_model(self._model, adapter=self._options.adapter, layers=self._layers)

    def _cache_for(
        self, rows: Sequence[Row], prefix: PackedCache | None, opening: PackedCache | None
    ) -> PackedCache:
        """The cache of the last call where it is large enough, else a new one."""
        options = self._options
        draft = options.drafter.max_tokens if options.drafter is not None else 0
        slots = max(len(row.sequence) for row in rows) + options.max_new_tokens + draft
        memory = options.memory_bytes or _memory_for_cache(self._model)
        per_row = slots * self._bytes_per_token
        places = max(1, min(self._most_rows, len(rows), memory // per_row))
        old = self._cache
        if old is not None:
            same = old.prefix is prefix and old.opening is opening
            if same and old.rows >= places and old.slots >= slots:
                return old
            # It refers to itself, and would keep its memory until the collector comes by.
            old.layers.clear()
        return PackedCache(rows=places, slots=slots, prefix=prefix, opening=opening)


def _common_start(prompts: Sequence[Sequence[int]]) -> Sequence[int]:
    first = prompts[0]
    length = min(len(prompt) for prompt in prompts) - 1
    for prompt in prompts:
        length = next((i for i in range(length) if prompt[i] != first[i]), length)
    return first[:length]


def vocabulary_size(model: Any) -> int:
    """The width of a model's logits."""
    return int(unwrap(model).get_output_embeddings().weight.shape[0])


def _cache_bytes_per_token(model: Any) -> int:
    """Keys and values of one token over all layers, in bytes."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    size = torch.empty(0, dtype=model.dtype).element_size()
    return 2 * config.num_hidden_layers * key_heads * head_size * size


def _memory_for_cache(model: Any) -> int:
    """Bytes that the cache may take: most of a GPU's free memory, or a quarter of the machine's."""
    if model.device.type == "cuda":
        return int(torch.cuda.mem_get_info(model.device)[0] * 0.7)
    return machine_memory() // 4
