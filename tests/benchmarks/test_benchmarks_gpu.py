"""The GPU benchmark, as far as a machine without one can tell: its model, and what survives."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.gpu import run
from benchmarks.gpu.base_model import RandomModel, make
from benchmarks.gpu.stages import Bench, speed
from benchmarks.training_speed.arms import Records

from customer_support.dataset import build_dataset
from schemalora import Contract
from schemalora.base_model import BaseModel, find_base_model, load_model, load_tokenizer

OPTIONS = argparse.Namespace(tiny=False, blocks=3, steps=20, warm_up=4, batch_size=16)


def test_the_random_model_is_one_that_transformers_loads(embedded: BaseModel, tmp_path: Path):
    made = make(tmp_path / "tiny", tiny=True, tokenizer_of=embedded.location)
    model: Any = load_model(find_base_model(str(made.path)), dtype="float32")
    assert model.num_parameters() == made.parameters
    weights = dict(model.named_parameters())
    assert all(bool((one == 1).all()) for one in weights.values() if one.dim() == 1)
    matrices = [one for one in weights.values() if one.dim() == 2]
    assert all(one.std().item() == pytest.approx(0.02, rel=0.05) for one in matrices)
    assert not torch.equal(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
    assert len(list(made.path.glob("*.safetensors"))) == 2 + 3  # layers; embeddings, norm, head


def test_what_was_measured_survives_a_stage_that_fails(monkeypatch: pytest.MonkeyPatch):
    written: list[dict[str, Any]] = []

    def failing(*_: Any) -> Iterator[dict[str, Any]]:
        yield {"arms": [1]}
        raise torch.OutOfMemoryError("CUDA out of memory")

    def keep(_: str, *, numbers: dict[str, Any], config: dict[str, Any]) -> None:
        written.append(numbers)

    monkeypatch.setattr(run, "run_stage", failing)
    monkeypatch.setattr(run, "write_result", keep)
    assert not run.measure("nf4", OPTIONS, Path())
    assert written[0] == {"complete": False, "arms": [1]}
    assert written[-1] == {**written[0], "error": "OutOfMemoryError: CUDA out of memory"}


def test_weights_that_do_not_fit_are_not_tried():
    nothing = Records(path=Path(), contract=Path(), count=0)
    base = RandomModel(path=Path(), parameters=7_380_000_000, multiplied=0)
    t4 = {"name": "Tesla T4", "peak_tflops": 65.0, "memory_gib": 14.6}
    bench = Bench(
        base=base, records=nothing, longest=nothing, device=t4, steps=1, warm_up=1, batch_size=1
    )
    (numbers,) = speed(bench, quantization="none", blocks=2)
    assert numbers == {"skipped": "16-bit weights take 13.7 GiB, and the GPU has 14.6 GiB"}


def test_the_longest_rows_are_those_of_the_whole_set(
    ticket_contract: Contract, embedded: BaseModel
):
    examples, _ = build_dataset(train_count=6000, eval_count=800, seed=0)
    few = examples[:200]
    tokenizer = load_tokenizer(embedded)

    def tokens(one: Any) -> int:
        return len(tokenizer.encode(one.text + ticket_contract.encode(one.target)))

    order = [tokens(one) for one in run.longest(few, ticket_contract, Path(embedded.location))]
    assert order == sorted(map(tokens, few), reverse=True)
