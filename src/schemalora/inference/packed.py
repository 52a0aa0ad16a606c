"""One forward pass over rows of different lengths, without padding between them.

The new tokens of all rows lie one behind the other in a single sequence, so the linear layers,
where nearly all the time goes, see no padding, and a row may bring one token, a draft of eight, or
its whole prompt. Only attention knows rows: each row has its own slots in the cache, in which
slot = position, so a rejected draft is simply overwritten. The prompt prefix that all rows share is
kept once and attended to by all of them.

Works with every model of transformers that takes its attention from the attention interface.
"""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import Cache, CacheLayerMixin

ATTENTION_NAME = "schemalora_packed"

_ATTENTION_LAYERS = {"full_attention", "sliding_attention", "chunked_attention"}


@dataclass(frozen=True, slots=True)
class Feed:
    """What one row brings to a forward pass."""

    row: int
    """Row of the cache."""
    tokens: Sequence[int]
    """The new tokens, shape (n,)."""
    start: int
    """Slot of the first of them; the position is `prefix length + slot`."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows whose attention is computed together, padded to the longest of them."""

    rows: slice | torch.Tensor
    """Rows of the cache, b of them; a slice where they lie together, which needs no copy."""
    gather: torch.Tensor
    """Index into the packed tokens, shape (b * t,); padding points at any token."""
    positions: torch.Tensor
    """Position of each query, shape (b, t)."""
    size: tuple[int, int]
    """(b, t)"""
    length: int
    """Slots that are looked at."""


@dataclass(slots=True)
class PackedStep:
    """Where the tokens of one forward pass belong."""

    ids: torch.Tensor
    """Token ids, shape (1, n)."""
    positions: torch.Tensor
    """Their positions, shape (1, n)."""
    rows: torch.Tensor
    """Their cache rows, shape (n,)."""
    slots: torch.Tensor
    """Their slots, shape (n,)."""
    groups: list[_Group]
    unpad: torch.Tensor
    """Index from packed tokens into the groups' padded ones, shape (n,)."""
    prefix_length: int
    _masks: dict[tuple[int, int | None], torch.Tensor] = field(
        default_factory=dict[tuple[int, int | None], torch.Tensor]
    )

    def mask(self, group: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        """What the queries of a group must not see, additive, shape (b, 1, 1, t, prefix + length).

        Args:
            group: index of the group.
            window: sliding window in positions, counting the query's own; None sees everything.
            dtype: of the scores.
        """
        mask = self._masks.get((group, window))
        if mask is None:
            one = self.groups[group]
            keys = torch.arange(self.prefix_length + one.length, device=self.ids.device)
            queries = one.positions[:, None, None, :, None]
            hidden = keys > queries
            if window is not None:
                hidden = hidden | (keys <= queries - window)
            lowest = torch.finfo(dtype).min
            mask = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
            mask = self._masks[group, window] = mask.masked_fill_(hidden, lowest)
        return mask


class _PackedLayer(CacheLayerMixin):
    """Keys and values of one layer, shape (rows, heads, slots, head size)."""

    is_sliding = False

    def __init__(self, owner: PackedCache) -> None:
        super().__init__()
        self._owner = owner

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        rows, slots = self._owner.rows, self._owner.slots
        # Zeros: what was never written is masked, but 0 * NaN of unused memory would not be 0.
        self.keys = key_states.new_zeros(rows, key_states.shape[1], slots, key_states.shape[3])
        self.values = value_states.new_zeros(
            rows, value_states.shape[1], slots, value_states.shape[3]
        )
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        step = self._owner.step
        assert step is not None
        assert self.keys is not None
        assert self.values is not None
        self.keys[step.rows, :, step.slots] = key_states[0].transpose(0, 1)
        self.values[step.rows, :, step.slots] = value_states[0].transpose(0, 1)
        return self.keys, self.values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return query_length, 0

    def get_seq_length(self) -> int:
        return 0

    def get_max_length(self) -> int:
        return self._owner.slots


class PackedCache(Cache):
    """The cache of a batch: `rows` times `slots`, behind a prefix that all rows share.

    Args:
        rows: how many rows it holds at once.
        slots: tokens per row, prefix not counted.
        prefix: a filled cache of one row, whose tokens come before every row's own.
    """

    def __init__(self, *, rows: int, slots: int, prefix: PackedCache | None = None) -> None:
        super().__init__(layer_class_to_replicate=partial(_PackedLayer, self))  # pyright: ignore[reportArgumentType]  (any factory)
        self.rows = rows
        self.slots = slots
        self.prefix = prefix
        self.prefix_length = prefix.slots if prefix is not None else 0
        self.step: PackedStep | None = None

    def smaller(self, rows: int) -> PackedCache:
        """An empty cache of fewer rows; this one gives its memory back."""
        self.layers.clear()
        return PackedCache(rows=rows, slots=self.slots, prefix=self.prefix)

    def pack(self, feeds: Sequence[Feed], device: torch.device) -> PackedStep:
        """Lays out the tokens of one forward pass; rows in prefill attend apart from the others."""
        short = [feed for feed in feeds if len(feed.tokens) <= _SHORT]
        long = [feed for feed in feeds if len(feed.tokens) > _SHORT]
        offsets: dict[int, int] = {}
        total = 0
        for feed in feeds:
            offsets[feed.row] = total
            total += len(feed.tokens)
        groups = [self._group(part, offsets, device) for part in (short, long) if part]
        unpad: dict[int, range] = {}
        base = 0
        for part in (short, long):
            width = max((len(feed.tokens) for feed in part), default=0)
            for feed in part:
                unpad[feed.row] = range(base, base + len(feed.tokens))
                base += width
        tensor = partial(torch.tensor, dtype=torch.long, device=device)
        slots = [slot for f in feeds for slot in range(f.start, f.start + len(f.tokens))]
        return PackedStep(
            ids=tensor([[token for feed in feeds for token in feed.tokens]]),
            positions=tensor([[self.prefix_length + slot for slot in slots]]),
            rows=tensor([feed.row for feed in feeds for _ in feed.tokens]),
            slots=tensor(slots),
            groups=groups,
            unpad=tensor([index for feed in feeds for index in unpad[feed.row]]),
            prefix_length=self.prefix_length,
        )

    def _group(
        self, feeds: Sequence[Feed], offsets: dict[int, int], device: torch.device
    ) -> _Group:
        width = max(len(feed.tokens) for feed in feeds)
        gather: list[int] = []
        for feed in feeds:
            offset, count = offsets[feed.row], len(feed.tokens)
            gather += [offset + min(index, count - 1) for index in range(width)]
        starts = torch.tensor([self.prefix_length + feed.start for feed in feeds], device=device)
        rows = [feed.row for feed in feeds]
        together = rows == list(range(rows[0], rows[0] + len(rows)))
        return _Group(
            rows=slice(rows[0], rows[0] + len(rows))
            if together
            else torch.tensor(rows, device=device),
            gather=torch.tensor(gather, device=device),
            positions=starts[:, None] + torch.arange(width, device=device),
            size=(len(feeds), width),
            length=max(feed.start + len(feed.tokens) for feed in feeds),
        )

    @torch.inference_mode()
    def move_row(self, source: int, target: int) -> None:
        """Copies one row of the cache over another."""
        for layer in self.layers:
            if isinstance(layer, _PackedLayer) and layer.is_initialized:
                assert layer.keys is not None
                assert layer.values is not None
                layer.keys[target] = layer.keys[source]
                layer.values[target] = layer.values[source]


# Feeds up to this many tokens attend together: a draft, not a prompt.
_SHORT = 16


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    packed: PackedCache,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The attention function of transformers' interface, over a `PackedCache`.

    Args:
        module: the attention layer; its `layer_idx` finds the prefix.
        query: shape (1, heads, n, head size).
        key: the layer's whole cache, shape (rows, key heads, slots, head size).
        value: likewise.
        attention_mask: not used: what may be seen follows from the step.
        packed: the cache that holds the step.
        scaling: factor of the scores; None is 1 / sqrt(head size).
        sliding_window: positions a query looks back, its own included.
        softcap: scores are squashed to `softcap * tanh(score / softcap)` (Gemma 2).
        s_aux: attention sinks, one logit a head (gpt-oss).
        **kwargs: the interface's other arguments, such as dropout, which is off in inference.

    Returns:
        Shape (1, n, heads, head size), and None for the weights.
    """
    step = packed.step
    assert step is not None
    heads, key_heads = query.shape[1], key.shape[1]
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    prefix = packed.prefix.layers[module.layer_idx] if packed.prefix is not None else None  # pyright: ignore[reportArgumentType, reportCallIssue]  (an int)
    by_token = query[0].transpose(0, 1)
    outputs: list[torch.Tensor] = []
    for index, group in enumerate(step.groups):
        b, t = group.size
        # (b, key heads, queries that share a key head * t, head size)
        q = by_token[group.gather].view(b, t, key_heads, heads // key_heads, -1)
        q = q.permute(0, 2, 3, 1, 4).reshape(b, key_heads, -1, query.shape[-1])
        keys, values = key[group.rows, :, : group.length], value[group.rows, :, : group.length]
        scores = q @ keys.transpose(2, 3)
        if prefix is not None:
            scores = torch.cat([_shared(q, prefix.keys[0].transpose(1, 2)), scores], dim=-1)
        scores = scores.view(b, key_heads, heads // key_heads, t, -1) * factor
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        scores = scores + step.mask(index, sliding_window, scores.dtype)
        weights = (
            _softmax(scores, s_aux, key_heads)
            .to(query.dtype)
            .view(b, key_heads, -1, scores.shape[-1])
        )
        out = weights[..., step.prefix_length :] @ values
        if prefix is not None:
            out = out + _shared(weights[..., : step.prefix_length], prefix.values[0])
        out = out.view(b, key_heads, heads // key_heads, t, -1).permute(0, 3, 1, 2, 4)
        outputs.append(out.reshape(b * t, heads, -1))
    return torch.cat(outputs)[step.unpad].unsqueeze(0), None


def _shared(rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """(b, heads, m, k) times a (heads, k, l) that all rows share, as one product a head."""
    b, heads, m, k = rows.shape
    return (
        (rows.transpose(0, 1).reshape(heads, b * m, k) @ matrix)
        .view(heads, b, m, -1)
        .transpose(0, 1)
    )


def _softmax(scores: torch.Tensor, sinks: torch.Tensor | None, key_heads: int) -> torch.Tensor:
    if sinks is None:
        return torch.softmax(scores, dim=-1, dtype=torch.float32)
    sink = sinks.view(1, key_heads, -1, 1, 1).expand(*scores.shape[:-1], 1)
    return torch.softmax(torch.cat([scores, sink], dim=-1), dim=-1, dtype=torch.float32)[..., :-1]


def _no_mask(*args: Any, **kwargs: Any) -> None:
    """No mask is built by the model: the step knows what may be seen."""


def supports_packed(model: Any) -> bool:
    """Whether a model takes its attention from the interface and caches keys and values only."""
    layer_types = getattr(model.config, "layer_types", None) or ()
    return bool(model._supports_attention_backend) and set(layer_types) <= _ATTENTION_LAYERS - {
        "chunked_attention"
    }


def unwrap(model: Any) -> Any:
    """The causal LM itself: what a PEFT model is wrapped around, adapter layers included."""
    return model.get_base_model() if hasattr(model, "peft_config") else model


@contextmanager
def packed_model(model: Any, *, adapter: bool = True) -> Generator[None]:
    """Puts a model into evaluation mode with packed attention, and puts everything back after.

    Args:
        model: a causal LM, or a PEFT model around one.
        adapter: False switches the adapters of a PEFT model off.
    """
    if not adapter and hasattr(model, "disable_adapter"):
        with model.disable_adapter(), packed_model(model):
            yield
        return
    model = unwrap(model)
    AttentionInterface.register(ATTENTION_NAME, packed_attention)
    AttentionMaskInterface.register(ATTENTION_NAME, _no_mask)
    configs = {id(config): config for config in (model.config, model.config.get_text_config())}
    before = {key: config._attn_implementation for key, config in configs.items()}
    training = model.training
    if training:
        model.eval()
    for config in configs.values():
        config._attn_implementation = ATTENTION_NAME
    try:
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation = before[key]
        if training:
            model.train()


@torch.inference_mode()
def forward(
    model: Any, cache: PackedCache, feeds: Sequence[Feed], wanted: Sequence[int]
) -> torch.Tensor:
    """One forward pass.

    Args:
        model: a causal LM inside `packed_model`.
        cache: the cache, which gains the feeds' tokens.
        feeds: one a row, each row at most once.
        wanted: indices into the packed tokens whose logits are needed, shape (m,).

    Returns:
        Logits, shape (m, vocabulary).
    """
    cache.step = cache.pack(feeds, model.device)
    # An empty selection would be read as "keep all".
    keep = torch.tensor(list(wanted) or [0], dtype=torch.long, device=model.device)
    output = model(
        input_ids=cache.step.ids,
        position_ids=cache.step.positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=keep,
        packed=cache,
    )
    return output.logits[0, : len(wanted)]
