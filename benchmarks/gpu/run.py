"""What does the 7B architecture cost on an NVIDIA GPU? Mistral-7B's layers, random weights.

    python -m benchmarks.gpu.run                          # all stages, some ten minutes on an H100
    python -m benchmarks.gpu.run --stages check t4        # some of them
    python -m benchmarks.gpu.run --tiny                   # the same code on a tiny model, anywhere

Random weights cost what trained ones cost, so memory and speed are those of the real model; the
losses only show that two trainers compute the same. Stages:

- `check`: a tiny model through every path that only a GPU takes: dtypes, NF4, DoRA, the paged
  optimizer, constrained answers.
- `t4`: the preset `t4` as it stands, but in float16, which is what a T4 computes in, and with
  PyTorch held to the memory that a 16 GB T4 leaves it. Other cards compute faster than a T4, so
  the hours on a T4 are a projection, at the same share of the chip's peak.
- `bf16`, `nf4`: tokens per second beside TRL's SFTTrainer at its defaults, on the same batches,
  with the share of the data sheet's peak and of a large matrix product measured here.
- `decode`: tokens per second of the library's decoder beside transformers' `generate`. Random
  weights end no answer, so every free row runs to the limit.

Each trainer runs in a process of its own. A stage writes benchmarks/results/gpu_STAGE.json; with
`--tiny` nothing is written but to the screen. `--base FOLDER` keeps the base model (15 GB) for the
next call.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
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
from benchmarks.training_speed.arms import BlockError, write_inputs
from customer_support.dataset import build_dataset, support_contract
from schemalora import TrainingConfig

PRESET = ROOT / "examples" / "customer_support" / "presets" / "t4.toml"
STAGES = ("check", "t4", "bf16", "nf4", "decode")


def run_stage(stage: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The numbers of one stage."""
    contract = support_contract()
    examples, held_out = build_dataset()
    if stage == "check":
        tiny = make(folder / "tiny", tiny=True, tokenizer_of=options.tokenizer)
        with tempfile.TemporaryDirectory() as adapters:
            few = examples[:16]
            return {"paths": check_paths(str(tiny.path), contract, few, Path(adapters))}
    base = make(
        folder / ("tiny" if options.tiny else "7b"),
        tiny=options.tiny,
        tokenizer_of=options.tokenizer,
    )
    torch.cuda.empty_cache()  # the blocks' processes want it all
    bench = Bench(
        base=base,
        records=write_inputs(folder, contract, examples),
        device=device(),
        steps=options.steps,
        warm_up=options.warm_up,
        batch_size=options.batch_size,
    )
    if stage == "t4":
        preset = TrainingConfig.from_toml(PRESET)
        found = t4(bench, preset, on_gpu=torch.cuda.is_available())
    elif stage == "decode":
        few = held_out[: 2 * options.batch_size]
        found = decoding(bench, contract, few, max_new_tokens=8 if options.tiny else 64)
    else:
        quantization = "nf4" if stage == "nf4" else "none"
        found = speed(bench, quantization=quantization, blocks=options.blocks)
    return {"parameters": base.parameters, "device": dict(bench.device), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", nargs="*", choices=STAGES, default=STAGES)
    parser.add_argument("--tiny", action="store_true", help="a tiny model, on any machine")
    parser.add_argument("--base", type=Path, help="where base models are kept")
    parser.add_argument("--tokenizer", default="embedded", help="a base model, or its folder")
    parser.add_argument("--blocks", type=int, default=2, help="processes of each trainer")
    parser.add_argument("--steps", type=int, default=20, help="timed optimizer steps of a block")
    parser.add_argument("--warm-up", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()
    if options.tiny:
        options.blocks, options.steps, options.warm_up, options.batch_size = 1, 2, 1, 2
    elif not torch.cuda.is_available():
        raise SystemExit("error: no GPU here; --tiny runs the same code on any machine")
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.base or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for stage in options.stages:
            try:
                numbers = run_stage(stage, options, folder.resolve())
            except BlockError as error:  # the other stages are wanted as well
                print(f"error: {stage}: {error}", file=sys.stderr, flush=True)
                failed.append(stage)
                continue
            print(json.dumps({stage: numbers}, indent=2), flush=True)
            if not options.tiny:
                config = {
                    key: getattr(options, key)
                    for key in ("blocks", "steps", "warm_up", "batch_size")
                }
                print(write_result(f"gpu_{stage}", numbers=numbers, config=config), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
