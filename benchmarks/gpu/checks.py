"""Does every path that only a GPU takes work? A tiny model through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from schemalora import Contract, TrainingConfig, evaluate, format_examples
from schemalora.inference import load, predict
from schemalora.records import Example
from schemalora.training import train

# What is trained in two steps, and then answers: settings that a CPU cannot take stand last.
PATHS: dict[str, dict[str, Any]] = {
    "bfloat16": {"dtype": "bfloat16"},
    "float32": {"dtype": "float32"},
    "DoRA": {"dtype": "bfloat16", "dora": True},
    "checkpointing": {"dtype": "bfloat16", "gradient_checkpointing": True},
    "nf4, bfloat16": {"dtype": "bfloat16", "quantization": "nf4"},
}
GPU_PATHS: dict[str, dict[str, Any]] = {
    "float16": {"dtype": "float16"},
    "nf4, float16": {"dtype": "float16", "quantization": "nf4"},
    "nf4, float16, paged optimizer, checkpointing, as in the preset t4": {
        "dtype": "float16",
        "quantization": "nf4",
        "optimizer": "paged_adamw_8bit",
        "gradient_checkpointing": True,
    },
}


def check_paths(
    base_model: str, contract: Contract, examples: Sequence[Example], folder: Path
) -> list[dict[str, Any]]:
    """Trains and answers along each path.

    Args:
        base_model: a tiny one.
        contract: of the examples.
        examples: eight rows or more.
        folder: a new one for the adapters.

    Returns:
        One row a path: `ok`, or the error's first line.
    """
    paths = {**PATHS, **(GPU_PATHS if torch.cuda.is_available() else {})}
    rows: list[dict[str, Any]] = []
    for number, (name, settings) in enumerate(paths.items()):
        try:
            _walk(base_model, contract, examples, folder / str(number), settings)
        except Exception as error:  # the other paths are wanted as well
            lines = str(error).splitlines() or [""]
            rows.append({"path": name, "result": f"{type(error).__name__}: {lines[0]}"})
        else:
            rows.append({"path": name, "result": "ok"})
        print(rows[-1], flush=True)
    return rows


def _walk(
    base_model: str,
    contract: Contract,
    examples: Sequence[Example],
    folder: Path,
    settings: dict[str, Any],
) -> None:
    config = TrainingConfig(base_model=base_model, max_steps=2, warmup_steps=1, **settings)
    adapter = train(contract, format_examples(contract, examples), config, output_dir=folder)
    loaded = load(adapter, dtype=config.dtype, quantization=config.quantization)
    few = examples[:2]
    for constrained in (False, True):
        answers = list(predict(loaded, few, constrained=constrained, max_new_tokens=24))
        evaluate(contract, few, answers)
