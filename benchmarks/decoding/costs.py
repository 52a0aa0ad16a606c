"""What parts of the decoder cost: the shared prefix, the masks, the extractor's own work.

    python -m benchmarks.decoding.costs --adapter runs/ticket/adapter --threads 2

Processor time, of the thread in question where that is said. Writes
benchmarks/results/decoding_costs.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.decoding.arms import Subject, flagship, texts_of
from benchmarks.result import write_result
from schemalora.formatting import PromptFormat
from schemalora.inference import Decoder, Drafter, Extractor, LoadedModel, batch, load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", required=True, help="an adapter directory")
    parser.add_argument("--examples", type=Path, help="examples (JSONL); the flagship's if not")
    parser.add_argument("--rows", type=int, default=192, help="for the masks")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--extractor-calls", type=int, default=64)
    parser.add_argument("--prefix-rows", type=int, default=32)
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    config = parser.parse_args()
    if config.threads:
        torch.set_num_threads(config.threads)
    loaded = load(config.adapter, attention="sdpa")
    subject = flagship(
        loaded,
        examples=config.examples,
        rows=config.rows,
        max_new_tokens=128,
        batch_size=config.batch_size,
    )
    numbers = {
        "masks": mask_share(subject),
        "extractor": extractor_overhead(loaded, texts_of(config.examples, config.extractor_calls)),
        "shared_prefix": shared_prefix(
            base_arm(loaded, texts_of(config.examples, config.prefix_rows))
        ),
    }
    print(json.dumps(numbers, indent=2))
    settings: dict[str, Any] = {
        **vars(config),
        # Folders are of this machine, and tell nobody anything.
        "adapter": "/".join(Path(config.adapter).parts[-2:]),
        "examples": config.examples.name if config.examples else "the flagship's",
        "dtype": str(loaded.model.dtype),
        "threads": torch.get_num_threads(),
    }
    write_result("decoding_costs", numbers=numbers, config=settings)


def base_arm(loaded: LoadedModel, texts: Sequence[str]) -> Subject:
    """The base model, which is shown the schema in every prompt."""
    assert loaded.contract is not None
    return Subject.of(
        loaded.base(),
        loaded.contract,
        texts,
        prompt_format=PromptFormat(style="schema"),
        max_new_tokens=128,
        batch_size=16,
    )


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


if __name__ == "__main__":
    main()
