"""The comparison of trainers: batches are told apart by their rows, ratios taken block by block."""

from __future__ import annotations

import math
from statistics import fmean, stdev
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from benchmarks.training_speed.arms import LADDER, totals
from benchmarks.training_speed.clock import StepClock
from benchmarks.training_speed.comparing import same_batches, speed_ratio


class Model(torch.nn.Module):
    config = SimpleNamespace(_attn_implementation="eager")

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return input_ids * attention_mask


def watched(*batches: tuple[list[list[int]], list[list[int]]]) -> StepClock:
    """A clock that saw one step of these batches."""
    clock, model = StepClock(), Model()
    clock.on_train_begin(None, None, None, model=model)
    for ids, mask in batches:
        model(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask))
    clock.on_step_end(None, None, None)
    clock.on_log(None, None, None, logs={"loss": 0.5})
    clock.on_log(None, None, None, logs={"train_runtime": 1.0})
    return clock


def test_padding_does_not_change_what_a_batch_is():
    left = watched(([[0, 5, 6], [7, 8, 9]], [[0, 1, 1], [1, 1, 1]])).steps[0]
    right = watched(([[5, 6, 0, 0], [7, 8, 9, 0]], [[1, 1, 0, 0], [1, 1, 1, 0]])).steps[0]
    assert left.digest == right.digest
    assert (left.rows, left.tokens, left.padded_tokens) == (2, 5, 6)
    assert (right.rows, right.tokens, right.padded_tokens) == (2, 5, 8)
    assert left.loss == 0.5


def test_other_rows_or_another_order_are_another_batch():
    one, other = [[5, 6]], [[7, 8]]
    mask = [[1, 1]]
    digest = watched((one, mask), (other, mask)).steps[0].digest
    assert digest == watched(([*one, *other], mask * 2)).steps[0].digest
    assert digest != watched((other, mask), (one, mask)).steps[0].digest
    assert digest != watched(([[5, 6]], mask), ([[7, 9]], mask)).steps[0].digest


def block(seconds: list[float], loss: float = 1.0, digest: str = "d") -> dict[str, Any]:
    return {
        "steps": [
            {"seconds": one, "cpu_seconds": 2 * one, "rows": 4, "tokens": 400,
             "padded_tokens": 500, "loss": loss, "digest": digest}
            for one in seconds
        ]
    }  # fmt: skip


def t_interval(ratios: list[float]) -> list[float]:
    from scipy.stats import t

    logs = [math.log(one) for one in ratios]
    low, high = t.interval(
        0.95, len(logs) - 1, loc=fmean(logs), scale=stdev(logs) / len(logs) ** 0.5
    )
    return [math.exp(low), math.exp(high)]


def test_the_ratio_is_taken_block_by_block_without_the_warm_up():
    slow = [block([99, 4, 4]), block([99, 9, 9])]
    fast = [block([1, 2, 2]), block([1, 1, 1])]
    found = speed_ratio(slow, fast, warm_up=1)
    assert found["blocks"] == [2.0, 9.0]
    assert found["ratio"] == pytest.approx(math.sqrt(18), abs=1e-3)
    assert found["ci95"] == pytest.approx(t_interval([2.0, 9.0]), abs=2e-2, rel=1e-3)
    assert speed_ratio(slow[:1], fast[:1], warm_up=1)["ci95"] is None
    assert totals(slow, warm_up=1)["rows_per_s"] == pytest.approx(16 / 26, abs=1e-3)
    assert totals(slow, warm_up=1)["padding_share"] == 0.2


def test_losses_are_compared_step_by_step():
    same = same_batches([block([1, 1], 2.0)], [block([1, 1], 2.5)])
    assert same["steps_with_the_same_rows"] == same["steps"] == 2
    assert same["loss_difference_max"] == same["loss_difference_mean"] == 0.5
    other = same_batches([block([1])], [block([1], digest="e")])
    assert other["steps_with_the_same_rows"] == 0
    with pytest.raises(ValueError, match="shorter"):
        same_batches([block([1, 1])], [block([1])])


def test_the_ladder_starts_at_the_defaults_of_trl():
    assert not LADDER[0].sft
    assert LADDER[0].attention is None
    assert not LADDER[0].keep_pages
    assert len({arm.name for arm in LADDER}) == len(LADDER)
