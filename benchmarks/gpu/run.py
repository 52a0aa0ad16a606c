"""What does the 7B architecture cost on an NVIDIA GPU? Mistral-7B's layers, random weights.

    python -m benchmarks.gpu.run                          # all stages
    python -m benchmarks.gpu.run --stages check t4 --base DIR   # some; DIR keeps the 15 GB model
    python -m benchmarks.gpu.run --tiny                   # the same code on a tiny model, anywhere

Random weights cost what trained ones cost, so memory and speed are those of the real model; the
losses only show that two trainers compute the same. Stages:

- `check`: a tiny model through every path that only a GPU takes: dtypes, NF4, DoRA, the paged
  optimizer, constrained answers.
- `t4`: the preset `t4` as it stands, but in float16, which is what a T4 computes in, and with
  PyTorch held to the memory that a 16 GB T4 leaves it. Memory is measured on the longest rows of
  all 6,000 as well. Other cards compute faster than a T4, so
  the hours on a T4 are a projection, at the same share of the chip's peak.
- `whole`, `nf4`: tokens per second beside TRL's SFTTrainer at its defaults, on the same batches, in
  the GPU's own 16-bit type, with whole weights and with 4-bit ones; with the share of the data
  sheet's peak and of a large matrix product measured here.
- `decode`: tokens per second of the library's decoder beside transformers' `generate`. Random
  weights end no answer, so every free row runs to the limit.

Each trainer runs in a process of its own. A stage writes benchmarks/results/gpu_STAGE.json anew
with every block: `complete` tells whether it came to its end, and a stage that fails does not end
the others. Stages that need the 16-bit weights are skipped, and say so, where these do not fit.
With `--tiny` nothing is written but to the screen. It has not run on a GPU yet; by estimate the
stages take a quarter of an hour together on an H100, so where a call has ten minutes, give `whole`
and `nf4` a call of their own, with the same `--base`.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from schemalora.quiet import quiet_libraries

quiet_libraries()
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]  # runs as a script, too

import torch

from benchmarks.gpu.base_model import make
from benchmarks.gpu.checks import check_paths
from benchmarks.gpu.chips import device
from benchmarks.gpu.stages import Bench, decoding, speed, t4
from benchmarks.result import write_result
from benchmarks.training_speed.arms import write_inputs
from customer_support.dataset import build_dataset, support_contract
from schemalora import Contract, TrainingConfig
from schemalora.base_model import find_base_model, load_tokenizer
from schemalora.records import Example

PRESET = ROOT / "examples" / "customer_support" / "presets" / "t4.toml"
STAGES = ("check", "t4", "whole", "nf4", "decode")


def run_stage(stage: str, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """The numbers of one stage so far, each time there are more."""
    contract = support_contract()
    examples, held_out = build_dataset()
    if stage == "check":
        tiny = make(folder / "tiny", tiny=True, tokenizer_of=options.tokenizer)
        with tempfile.TemporaryDirectory() as adapters:
            few = examples[:16]
            yield {"paths": check_paths(str(tiny.path), contract, few, Path(adapters))}
        return
    base = make(
        folder / ("tiny" if options.tiny else "7b"),
        tiny=options.tiny,
        tokenizer_of=options.tokenizer,
    )
    torch.cuda.empty_cache()  # the blocks' processes want it all
    preset = TrainingConfig.from_toml(PRESET)
    step = preset.batch_size * preset.gradient_accumulation
    (folder / "longest").mkdir(exist_ok=True)
    bench = Bench(
        base=base,
        records=write_inputs(folder, contract, examples),
        longest=write_inputs(
            folder / "longest", contract, longest(examples, contract, base.path)[:step]
        ),
        device=device(),
        steps=options.steps,
        warm_up=options.warm_up,
        batch_size=options.batch_size,
    )
    if stage == "t4":
        found = t4(bench, preset, on_gpu=torch.cuda.is_available())
    elif stage == "decode":
        few = held_out[: 2 * options.batch_size]
        found = decoding(bench, contract, few, max_new_tokens=8 if options.tiny else 64)
    else:
        quantization = "nf4" if stage == "nf4" else "none"
        found = speed(bench, quantization=quantization, blocks=options.blocks)
    for numbers in found:
        yield {"parameters": base.parameters, "device": dict(bench.device), **numbers}


def longest(examples: Sequence[Example], contract: Contract, base: Path) -> list[Example]:
    """All examples by the tokens of text and target, the longest first."""
    tokenizer = load_tokenizer(find_base_model(str(base)))
    texts = [one.text + contract.encode(one.target) for one in examples]
    tokens = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    order = sorted(range(len(examples)), key=lambda at: -tokens[at])
    return [examples[at] for at in order]


def measure(stage: str, options: argparse.Namespace, folder: Path) -> bool:
    """Runs a stage and writes its numbers whenever there are more; tells whether it succeeded."""
    numbers: dict[str, Any] = {}
    error: str | None = None
    try:
        for numbers in run_stage(stage, options, folder):
            _write(stage, {"complete": False, **numbers}, options)
    except Exception as failure:  # such as a full memory: the other stages are wanted as well
        error = f"{type(failure).__name__}: {failure}"
        print(f"error: {stage}: {error}", file=sys.stderr, flush=True)
    gc.collect()  # what the stage held of the GPU
    ended = {"complete": error is None, **numbers}
    if error is not None:
        ended["error"] = error.strip().splitlines()[-1]
    print(json.dumps({stage: ended}, indent=2), flush=True)
    _write(stage, ended, options)
    return error is None


def _write(stage: str, numbers: dict[str, Any], options: argparse.Namespace) -> None:
    if not options.tiny:
        config = {
            key: getattr(options, key) for key in ("blocks", "steps", "warm_up", "batch_size")
        }
        write_result(f"gpu_{stage}", numbers=numbers, config=config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", nargs="*", choices=STAGES, default=STAGES)
    parser.add_argument("--tiny", action="store_true", help="a tiny model, on any machine")
    parser.add_argument("--base", type=Path, help="where base models are kept")
    parser.add_argument("--tokenizer", default="embedded", help="a base model, or its folder")
    parser.add_argument("--blocks", type=int, default=3, help="processes of each trainer")
    parser.add_argument("--steps", type=int, default=20, help="timed optimizer steps of a block")
    parser.add_argument("--warm-up", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()
    if options.tiny:
        options.blocks, options.steps, options.warm_up, options.batch_size = 1, 2, 1, 2
    elif not torch.cuda.is_available():
        raise SystemExit("error: no GPU here; --tiny runs the same code on any machine")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.base or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        succeeded = [measure(stage, options, folder.resolve()) for stage in options.stages]
    sys.exit(0 if all(succeeded) else 1)


if __name__ == "__main__":
    main()
