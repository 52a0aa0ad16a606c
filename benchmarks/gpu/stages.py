"""The stages of the GPU benchmark; each gives the numbers of one result file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.gpu.base_model import RandomModel
from benchmarks.gpu.chips import T4_BUDGET_GIB, T4_TFLOPS
from benchmarks.training_speed.arms import (
    BASELINE,
    LADDER,
    OURS,
    Arm,
    BlockError,
    Records,
    run_block,
    totals,
)
from benchmarks.training_speed.comparing import same_batches, speed_ratio
from schemalora import Contract, PromptFormat, TrainingConfig
from schemalora.inference import load, predict
from schemalora.records import Example

FLAGSHIP_ROWS = 6000 * 2
_OF_THE_BENCH = ("base_model", "fallback_base_model", "max_steps", "warmup_steps")


@dataclass(frozen=True)
class Bench:
    """What all stages share."""

    base: RandomModel
    records: Records
    device: Mapping[str, Any]
    steps: int
    warm_up: int
    batch_size: int

    def block(
        self, arm: Arm, number: int, training: Mapping[str, Any], *, rows: int
    ) -> dict[str, Any]:
        settings = {
            "base_model": str(self.base.path),
            "max_steps": self.warm_up + self.steps,
            "warmup_steps": 2,
            **training,
        }
        return run_block(arm, self.records, block=number, rows=rows, training=settings)

    def figures(self, blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Speed, share of the peak, and memory of the blocks of one arm."""
        speed = totals(blocks, warm_up=self.warm_up)
        need = self.base.training_flops_per_token(blocks[0]["trained_parameters"])
        reached = need * speed["tokens_per_s"] / 1e12
        peak, product = self.device["peak_tflops"], self.device.get("matmul_tflops")
        return {
            **speed,
            "tflops": round(reached, 3),
            "share_of_peak": round(reached / peak, 4) if peak else None,
            "share_of_matmul": round(reached / product, 4) if product else None,
            **{key: blocks[0][key] for key in ("attention", "trained_dtype", "settings")},
            **{
                key: max((block[key] for block in blocks if block[key] is not None), default=None)
                for key in ("peak_gpu_gib", "peak_gpu_reserved_gib", "peak_rss_gib")
            },
        }


def t4(bench: Bench, preset: TrainingConfig, *, on_gpu: bool) -> dict[str, Any]:
    """The preset `t4` as it stands, in float16, in no more memory than a T4 has."""
    training: dict[str, Any] = {
        key: value for key, value in preset.to_dict().items() if key not in _OF_THE_BENCH
    }
    training["dtype"] = "float16" if on_gpu else "auto"
    if not on_gpu:
        training["optimizer"] = "adamw_torch"  # the paged one needs a GPU
    rows = (bench.warm_up + bench.steps) * preset.batch_size * preset.gradient_accumulation
    free = Arm(name="preset t4", engine="schemalora", training={"trl": {}})
    fits: bool | None = None
    if on_gpu:
        try:
            held = replace(free, gpu_memory_gib=T4_BUDGET_GIB)
            block, fits = bench.block(held, 0, training, rows=rows), True
        except BlockError as error:
            if "out of memory" not in str(error).lower():
                raise
            block, fits = bench.block(free, 0, training, rows=rows), False
    else:
        block = bench.block(free, 0, training, rows=rows)
    figures = bench.figures([block])
    hours = FLAGSHIP_ROWS / figures["rows_per_s"] / 3600
    share = figures["share_of_peak"]
    flops = bench.base.training_flops_per_token(block["trained_parameters"])
    per_row = figures["tokens_per_s"] / figures["rows_per_s"]
    return {
        **figures,
        "memory_limit_gib": T4_BUDGET_GIB,
        "ran_within_the_limit": fits,
        "hours_6000x2_here": round(hours, 3),
        "hours_6000x2_on_a_t4_at_this_share_of_peak": (
            round(FLAGSHIP_ROWS * per_row * flops / (share * T4_TFLOPS * 1e12) / 3600, 2)
            if share
            else None
        ),
    }


def speed(bench: Bench, *, quantization: str, blocks: int) -> dict[str, Any]:
    """Tokens per second beside TRL's SFTTrainer at its defaults, on the same batches."""
    training = {
        "quantization": quantization,
        "dtype": "bfloat16",
        "batch_size": bench.batch_size,
        "learning_rate": 2e-4,
        "target_modules": ("q_proj", "k_proj", "v_proj", "o_proj"),
    }
    rows = (bench.warm_up + bench.steps) * bench.batch_size
    between = LADDER[1:3]  # no checkpointing, no autocast; the rest is for CPUs
    found: dict[str, list[dict[str, Any]]] = {}
    for number in range(blocks):
        for arm in (BASELINE, *(between if number == 0 else ()), OURS):
            block = bench.block(arm, number, training, rows=rows)
            found.setdefault(arm.name, []).append(block)
            print(f"{quantization}, block {number + 1}: {arm.name}", flush=True)
    slow, fast = found[BASELINE.name], found[OURS.name]
    return {
        "speed_up": speed_ratio(slow, fast, warm_up=bench.warm_up),
        "losses": same_batches(slow, fast),
        "arms": [{"arm": name, **bench.figures(runs)} for name, runs in found.items()],
    }


def decoding(
    bench: Bench, contract: Contract, examples: Sequence[Example], *, max_new_tokens: int
) -> dict[str, Any]:
    """Tokens per second of the library's decoder and of transformers' own, the same rows.

    The short prompt, no adapter, answers of at most `max_new_tokens`.
    """
    loaded = load(str(bench.base.path))
    rows: list[dict[str, Any]] = []
    for engine in ("generate", "transformers"):
        for constrained in (False, True):
            for timed in (False, True):  # the first pass only warms up
                began = time.perf_counter()
                answers = list(
                    predict(
                        loaded,
                        examples if timed else examples[: bench.batch_size],
                        contract=contract,
                        prompt_format=PromptFormat(style="short"),
                        engine=engine,
                        constrained=constrained,
                        max_new_tokens=max_new_tokens,
                        batch_size=bench.batch_size,
                    )
                )
                seconds = time.perf_counter() - began
            tokens = sum(one.completion_tokens or 0 for one in answers)
            rows.append(
                {
                    "engine": engine,
                    "constrained": constrained,
                    "n": len(answers),
                    "tokens": tokens,
                    "seconds": round(seconds, 2),
                    "tokens_per_s": round(tokens / seconds, 1),
                    "rows_per_s": round(len(answers) / seconds, 2),
                }
            )
            print(rows[-1], flush=True)
    return {"arms": rows}
