"""The stages of the GPU benchmark; each gives the numbers of one result file, as they come in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

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
from schemalora.base_model import preferred_dtype
from schemalora.inference import load, predict
from schemalora.records import Example

FLAGSHIP_ROWS = 6000 * 2
_OF_THE_BENCH = ("base_model", "fallback_base_model", "max_steps", "warmup_steps")


@dataclass(frozen=True)
class Bench:
    """What all stages share."""

    base: RandomModel
    records: Records
    longest: Records
    """The longest rows of all, as many as one optimizer step of the preset takes."""
    device: Mapping[str, Any]
    steps: int
    warm_up: int
    batch_size: int

    @property
    def weights_gib(self) -> float:
        """What the base model takes in 16 bits."""
        return self.base.parameters * 2 / 2**30

    @property
    def whole_weights_fit(self) -> bool:
        """Whether they leave a tenth of the device's memory to all else."""
        memory = self.device["memory_gib"]
        return memory is None or self.weights_gib < 0.9 * memory

    def skipped(self) -> dict[str, Any]:
        """The numbers of a stage that needs the weights in 16 bits, where there is no room."""
        need, memory = self.weights_gib, self.device["memory_gib"]
        return {"skipped": f"16-bit weights take {need:.1f} GiB, and the GPU has {memory} GiB"}

    def block(
        self, arm: Arm, number: int, training: Mapping[str, Any], *, rows: int
    ) -> dict[str, Any]:
        settings = {**self._settings, "max_steps": self.warm_up + self.steps, **training}
        return run_block(arm, self.records, block=number, rows=rows, training=settings)

    def worst_batch(self, arm: Arm, training: Mapping[str, Any]) -> dict[str, Any]:
        """Two steps on the longest rows; at the second the optimizer's state is there, too."""
        settings = {**self._settings, **training, "max_steps": 2}
        arm = replace(arm, training={})  # in order: the longest rows are one forward pass
        return run_block(arm, self.longest, block=0, rows=self.longest.count, training=settings)

    @property
    def _settings(self) -> dict[str, Any]:
        return {"base_model": str(self.base.path), "warmup_steps": 2}

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
            **_peaks(blocks),
        }


def _peaks(blocks: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    return {
        key: max((block[key] for block in blocks if block[key] is not None), default=None)
        for key in ("peak_gpu_gib", "peak_gpu_reserved_gib", "peak_rss_gib")
    }


def t4(bench: Bench, preset: TrainingConfig, *, on_gpu: bool) -> Iterator[dict[str, Any]]:
    """The preset `t4` as it stands, in float16, in no more memory than a T4 has.

    Memory is the larger of two runs': of the rows as they come, which are timed, and of the longest
    rows of the whole set, which are not.
    """
    training: dict[str, Any] = {
        key: value for key, value in preset.to_dict().items() if key not in _OF_THE_BENCH
    }
    training["dtype"] = "float16" if on_gpu else "auto"
    if not on_gpu:
        training["optimizer"] = "adamw_torch"  # the paged one needs a GPU
    rows = (bench.warm_up + bench.steps) * preset.batch_size * preset.gradient_accumulation

    def run(limit_gib: float | None) -> tuple[dict[str, Any], dict[str, Any]]:
        arm = Arm(
            name="preset t4",
            engine="schemalora",
            training={"trl": {}},
            gpu_memory_gib=limit_gib,
        )
        return bench.worst_batch(arm, training), bench.block(arm, 0, training, rows=rows)

    fits: bool | None = None
    if on_gpu:
        try:
            (worst, block), fits = run(T4_BUDGET_GIB), True
        except BlockError as error:
            if "out of memory" not in str(error).lower():
                raise
            (worst, block), fits = run(None), False
    else:
        worst, block = run(None)
    figures = bench.figures([block])
    hours = FLAGSHIP_ROWS / figures["rows_per_s"] / 3600
    share = figures["share_of_peak"]
    flops = bench.base.training_flops_per_token(block["trained_parameters"])
    per_row = figures["tokens_per_s"] / figures["rows_per_s"]
    first = worst["steps"][0]
    yield {
        **figures,
        **_peaks([worst, block]),
        "worst_batch": {
            "rows": first["rows"],
            "tokens_per_row": round(first["tokens"] / first["rows"], 1),
            **_peaks([worst]),
        },
        "memory_limit_gib": T4_BUDGET_GIB,
        "ran_within_the_limit": fits,
        "hours_6000x2_here": round(hours, 3),
        "hours_6000x2_on_a_t4_at_this_share_of_peak": (
            round(FLAGSHIP_ROWS * per_row * flops / (share * T4_TFLOPS * 1e12) / 3600, 2)
            if share
            else None
        ),
    }


def speed(bench: Bench, *, quantization: str, blocks: int) -> Iterator[dict[str, Any]]:
    """Tokens per second beside TRL's SFTTrainer at its defaults, on the same batches.

    In the GPU's own 16-bit type. The numbers so far come after every block; an arm that cannot run
    is named with its error, and the others are measured all the same.
    """
    if quantization == "none" and not bench.whole_weights_fit:
        yield bench.skipped()
        return
    training = {
        "quantization": quantization,
        "dtype": "auto",
        "batch_size": bench.batch_size,
        "learning_rate": 2e-4,
        "target_modules": ("q_proj", "k_proj", "v_proj", "o_proj"),
    }
    rows = (bench.warm_up + bench.steps) * bench.batch_size
    # No checkpointing, no autocast; the rest is for CPUs. float16 trains under autocast only.
    between = LADDER[1:2] if preferred_dtype() == torch.float16 else LADDER[1:3]
    found: dict[str, list[dict[str, Any]]] = {}
    failed: dict[str, str] = {}
    for number in range(blocks):
        for arm in (BASELINE, OURS, *(between if number == 0 else ())):
            if arm.name in failed:
                continue
            try:
                block = bench.block(arm, number, training, rows=rows)
            except BlockError as error:
                failed[arm.name] = str(error).strip().splitlines()[-1]
                continue
            found.setdefault(arm.name, []).append(block)
            print(f"{quantization}, block {number + 1}: {arm.name}", flush=True)
            yield _compared(bench, found, failed)
    if not found:
        raise BlockError(f"no arm could run: {failed}")
    yield _compared(bench, found, failed)


def _compared(
    bench: Bench, found: Mapping[str, Sequence[dict[str, Any]]], failed: Mapping[str, str]
) -> dict[str, Any]:
    pairs = list(zip(found.get(BASELINE.name, ()), found.get(OURS.name, ()), strict=False))
    slow, fast = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {
        "dtype": str(preferred_dtype()).removeprefix("torch."),
        "speed_up": speed_ratio(slow, fast, warm_up=bench.warm_up) if pairs else None,
        "losses": same_batches(slow, fast) if pairs else None,
        "arms": [{"arm": name, **bench.figures(runs)} for name, runs in found.items()],
        "failed": dict(failed),
    }


def decoding(
    bench: Bench, contract: Contract, examples: Sequence[Example], *, max_new_tokens: int
) -> Iterator[dict[str, Any]]:
    """Tokens per second of the library's decoder and of transformers' own, the same rows.

    The short prompt, no adapter, answers of at most `max_new_tokens`.
    """
    if not bench.whole_weights_fit:
        yield bench.skipped()
        return
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
            yield {"arms": list(rows)}
