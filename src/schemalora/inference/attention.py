"""Forward passes over a `PackedCache`: the attention function that knows rows, and its switch."""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from transformers import AttentionInterface, AttentionMaskInterface

from schemalora.inference.packed import Feed, Group, PackedCache
from schemalora.layers import LayerForward, replaced_forwards

ATTENTION_NAME = "schemalora_packed"

# Layers whose whole memory is keys and values that can be attended to by position.
_ATTENTION_LAYERS = {"full_attention", "sliding_attention"}


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
    layout = step.layout(heads)
    queries = query[0].transpose(0, 1).reshape(-1, query.shape[-1])
    outputs: list[torch.Tensor] = []
    for index, group in enumerate(step.groups):
        b, t = group.size
        # (b, key heads, queries that share a key head * t, head size)
        q = queries.index_select(0, layout.queries[index])
        q = q.view(b, key_heads, -1, query.shape[-1])
        keys, values = _part(key, group), _part(value, group)
        scores = q @ keys.transpose(2, 3)
        if prefix is not None:
            scores = torch.cat([_shared(q, prefix.keys[0].transpose(1, 2)), scores], dim=-1)
        scores = scores.view(b, key_heads, heads // key_heads, t, -1)
        mask = step.mask(index, sliding_window, scores.dtype)
        if softcap is None:
            scores = torch.add(mask, scores, alpha=factor)
        else:
            scores = torch.add(mask, scores.mul_(factor).div_(softcap).tanh_(), alpha=softcap)
        weights = softmax_with_sinks(scores, s_aux).view(b, key_heads, -1, scores.shape[-1])
        out = weights[..., step.prefix_length :] @ values
        if prefix is not None:
            out = out + _shared(weights[..., : step.prefix_length], prefix.values[0])
        outputs.append(out.reshape(-1, out.shape[-1]))
    together = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
    return together.index_select(0, layout.outputs).view(1, -1, heads, together.shape[-1]), None


def _part(cache: torch.Tensor, group: Group) -> torch.Tensor:
    """What a group looks at, shape (b, key heads, length, head size); on a CPU without gaps.

    There the products would make copies of what has gaps, and of turned keys slow ones.
    """
    part = cache[:, :, : group.length]
    if isinstance(group.rows, slice):
        return part[group.rows].contiguous() if part.device.type == "cpu" else part[group.rows]
    # Takes a third of the time of indexing.
    return part.index_select(0, group.rows)


def _shared(rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """(b, heads, m, k) times a (heads, k, l) that all rows share, as one product a head."""
    b, heads, m, k = rows.shape
    return (
        (rows.transpose(0, 1).reshape(heads, b * m, k) @ matrix)
        .view(heads, b, m, -1)
        .transpose(0, 1)
    )


def softmax_with_sinks(scores: torch.Tensor, sinks: torch.Tensor | None) -> torch.Tensor:
    """Weights in the type of the scores, computed in float32 or finer.

    Asked for float32, torch takes half the time on a CPU that it takes for bfloat16, in which it
    computes in float32 as well. With gradients that is lost again in the backward pass, which
    would keep the weights twice.

    Args:
        scores: shape (rows, key heads, queries that share a key head, queries, keys).
        sinks: one logit a head, or None.
    """
    kind = scores.dtype
    asked = kind if scores.requires_grad else torch.promote_types(kind, torch.float32)
    softmax = partial(torch.softmax, dim=-1, dtype=asked)
    if sinks is None:
        return softmax(scores).to(kind)
    sink = sinks.view(1, scores.shape[1], -1, 1, 1).expand(*scores.shape[:-1], 1)
    return softmax(torch.cat([scores, sink.to(kind)], dim=-1)).to(kind)[..., :-1]


def no_mask(*args: Any, **kwargs: Any) -> None:
    """No mask is built by the model: the step knows what may be seen."""


def supports_packed(model: Any) -> bool:
    """Whether a model takes its attention from the interface and caches keys and values only."""
    layer_types = getattr(model.config, "layer_types", None) or ()
    return bool(model._supports_attention_backend) and set(layer_types) <= _ATTENTION_LAYERS


def unwrap(model: Any) -> Any:
    """The causal LM itself: what a PEFT model is wrapped around, adapter layers included."""
    return model.get_base_model() if hasattr(model, "peft_config") else model


@contextmanager
def packed_model(
    model: Any, *, adapter: bool = True, layers: Sequence[LayerForward] = ()
) -> Generator[None]:
    """Evaluation mode, packed attention and faster layers; everything is put back after.

    One thread at a time has the model so; others wait.

    Args:
        model: a causal LM, or a PEFT model around one.
        adapter: False switches the adapters of a PEFT model off.
        layers: what `lora_forwards` and `blocked_forwards` found.
    """
    switched_off = not adapter and hasattr(model, "disable_adapter")
    causal = unwrap(model)
    with (
        _lock_of(causal),
        model.disable_adapter() if switched_off else nullcontext(),
        _as_packed(causal),
        replaced_forwards(layers),
    ):
        yield


_locks: WeakKeyDictionary[Any, threading.RLock] = WeakKeyDictionary()


def _lock_of(model: Any) -> threading.RLock:
    return _locks.setdefault(model, threading.RLock())


@contextmanager
def _as_packed(model: Any) -> Generator[None]:
    """Evaluation mode and packed attention."""
    AttentionInterface.register(ATTENTION_NAME, packed_attention)
    AttentionMaskInterface.register(ATTENTION_NAME, no_mask)
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
