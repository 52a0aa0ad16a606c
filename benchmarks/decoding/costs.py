"""Parts of the decoder by themselves: the shared prefix, the masks, the extractor's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.decoding.arms import Subject
from schemalora.inference import Decoder, Drafter, Extractor, LoadedModel, batch


def shared_prefix(subject: Subject) -> dict[str, Any]:
    """What prompts cost with the prefix computed once, and with every row computing its own.

    The prompt alone (one token is decoded), and the whole completion; the prefix's own pass counts.
    """
    prompts = sorted(subject.prompts, key=len, reverse=True)
    found: dict[str, Any] = {
        "n": len(prompts),
        "prompt_tokens": round(float(np.mean([len(one) for one in prompts])), 1),
    }
    for name, length in (("prompt", 1), ("whole", subject.max_new_tokens)):
        for sharing in (True, False):
            options = subject.options(
                max_new_tokens=length,
                drafter=Drafter.for_contract(subject.contract, subject.loaded.tokenizer),
            )
            decoder = Decoder(subject.loaded.model, options)
            began = time.process_time()
            if sharing:
                decoder.share(prompts)
            rows = sum(1 for _ in decoder.run(prompts))
            seconds = time.process_time() - began
            assert rows == len(prompts)
            found[f"{name}_cpu_seconds_{'shared' if sharing else 'apart'}"] = round(seconds, 2)
        ratio = found[f"{name}_cpu_seconds_apart"] / found[f"{name}_cpu_seconds_shared"]
        found[f"{name}_ratio"] = round(ratio, 2)
    return found


def mask_share(subject: Subject) -> dict[str, Any]:
    """The masks' time as a share of the pass that they are computed beside."""
    drafter = Drafter.for_contract(subject.contract, subject.loaded.tokenizer)
    options = subject.options(constraint=subject.constraint(), drafter=drafter)
    masks: list[float] = []
    passes: list[float] = []
    with _timed("_fill", masks, clock=time.thread_time), _timed("forward", passes):
        decoder = Decoder(subject.loaded.model, options)
        decoder.share(subject.prompts)
        rows = sum(1 for _ in decoder.run(subject.prompts))
    shares = np.array(masks) / np.array(passes)
    return {
        "n_rows": rows,
        "n_passes": len(passes),
        **{f"share_p{q}": round(float(np.percentile(shares, q)), 4) for q in (50, 90, 99)},
        **{f"mask_ms_p{q}": round(1e3 * float(np.percentile(masks, q)), 2) for q in (50, 99)},
        "pass_ms_p50": round(1e3 * float(np.median(passes)), 1),
    }


def extractor_overhead(loaded: LoadedModel, texts: Sequence[str]) -> dict[str, Any]:
    """What a warm call takes beyond the model's forward passes, in milliseconds of its thread."""
    extract = Extractor(loaded, max_new_tokens=128)
    warming = len(texts) // 8
    for text in texts[:warming]:
        extract.batch([text])
    own: list[float] = []
    model: list[float] = []
    for text in texts[warming:]:
        passes: list[float] = []
        with _timed("forward", passes, clock=time.thread_time):
            began = time.thread_time()
            extract.batch([text])
            whole = time.thread_time() - began
        own.append(1e3 * (whole - sum(passes)))
        model.append(1e3 * sum(passes))
    return {
        "n": len(own),
        **{f"own_ms_p{q}": round(float(np.percentile(own, q)), 2) for q in (50, 90)},
        "model_ms_p50": round(float(np.median(model)), 1),
    }


@contextmanager
def _timed(
    name: str, seconds: list[float], *, clock: Callable[[], float] = time.thread_time
) -> Iterator[None]:
    """Notes how long each call of a function of the decoder takes."""
    function = getattr(batch, name)

    def timed(*arguments: Any) -> Any:
        began = clock()
        try:
            return function(*arguments)
        finally:
            seconds.append(clock() - began)

    with patch.object(batch, name, timed):
        yield
