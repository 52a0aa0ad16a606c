"""Calibration and thresholds: by hand, against their definitions, and by simulation."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalora.errors import UsageError
from schemalora.statistics import (
    CalibrationBin,
    calibration_bins,
    calibration_error,
    calibration_error_by_chance,
    calibration_interval,
    choose_threshold,
    wilson_interval,
)

near = pytest.approx
confidences = st.one_of(st.floats(0, 1), st.sampled_from((0.5, 0.9, 0.999, 1.0)))
rows = st.lists(st.tuples(confidences, st.booleans()), min_size=1, max_size=80)


def told(n: int, seed: int, *, too_sure: float = 0.0) -> tuple[list[float], list[bool]]:
    """Confidences that are right as often as they say, less `too_sure`."""
    rng = random.Random(seed)
    promised = [rng.betavariate(6, 1) for _ in range(n)]
    return promised, [rng.random() < one - too_sure for one in promised]


def test_bins_and_error_by_hand() -> None:
    promised = [0.2, 0.4, 0.6, 0.8, 0.9, 1.0]
    right = [False, True, True, False, True, True]
    bins = calibration_bins(promised, right, bins=3)
    assert bins == [
        CalibrationBin(0.2, 0.4, 2, near(0.3), 1),
        CalibrationBin(0.6, 0.8, 2, near(0.7), 1),
        CalibrationBin(0.9, 1.0, 2, near(0.95), 2),
    ]
    # (2·|0.3 − 0.5| + 2·|0.7 − 0.5| + 2·|0.95 − 1|) / 6 = (0.4 + 0.4 + 0.1) / 6
    assert calibration_error(bins) == near(0.15)
    # Variances Σ p(1 − p): 0.16 + 0.24, 0.24 + 0.16, 0.09 + 0; the mean of |N(0, v)| is √(2v/π).
    by_hand = sum(math.sqrt(2 * one / math.pi) for one in (0.4, 0.4, 0.09)) / 6
    assert calibration_error_by_chance(promised, right, bins=3) == near(by_hand)


def test_equal_confidences_share_a_bin() -> None:
    promised = [0.1, 0.2, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    bins = calibration_bins(promised, [True] * 10, bins=5)
    assert [(one.low, one.high, one.n) for one in bins] == [(0.1, 0.2, 2), (1.0, 1.0, 8)]


@given(rows=rows, bins=st.integers(1, 15))
def test_bins_part_the_rows_in_order(rows: list[tuple[float, bool]], bins: int) -> None:
    promised, right = [one for one, _ in rows], [is_right for _, is_right in rows]
    found = calibration_bins(promised, right, bins=bins)
    assert 1 <= len(found) <= bins
    assert sum(one.n for one in found) == len(rows)
    assert sum(one.right for one in found) == sum(is_right for _, is_right in rows)
    edges = [edge for one in found for edge in (one.low, one.high)]
    assert edges == sorted(edges)
    assert all(a.high < b.low for a, b in pairwise(found))
    assert 0 <= calibration_error(found) <= 1


@given(rows=rows, seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_is_no_matter(rows: list[tuple[float, bool]], seed: int) -> None:
    groups = [number % 7 for number in range(len(rows))]
    both = list(zip(rows, groups, strict=True))
    mixed = random.Random(seed).sample(both, len(both))

    def numbers(both: list[tuple[tuple[float, bool], int]]) -> object:
        promised = [one for (one, _), _ in both]
        right = [is_right for (_, is_right), _ in both]
        return (
            calibration_bins(promised, right),
            calibration_interval(promised, right, [g for _, g in both], resamples=20),
            calibration_error_by_chance(promised, right),
            choose_threshold(promised, right, precision=0.8),
        )

    assert numbers(mixed) == numbers(both)


def test_calibrated_confidences_show_the_error_of_chance_and_too_sure_ones_more() -> None:
    calibrated = [told(500, seed) for seed in range(50)]
    errors = [calibration_error(calibration_bins(*one)) for one in calibrated]
    by_chance = [calibration_error_by_chance(*one) for one in calibrated]
    assert sum(errors) / 50 == near(sum(by_chance) / 50, rel=0.1)
    assert calibration_error(calibration_bins(*told(50_000, 0))) < 0.006
    too_sure = told(20_000, 1, too_sure=0.2)
    assert calibration_error(calibration_bins(*too_sure)) == near(0.2, abs=0.015)


@pytest.mark.parametrize("too_sure", [0.0, 0.1])
def test_the_interval_holds_the_true_error(too_sure: float) -> None:
    held = 0
    for seed in range(50):
        low, high = calibration_interval(
            *told(200, seed, too_sure=too_sure), seed=seed, resamples=100
        )
        held += low <= too_sure <= high
    assert held >= 42


def test_rows_of_one_group_widen_the_interval() -> None:
    rng = random.Random(4)
    promised = [0.8] * 600
    by_group = [rng.random() < 0.6 for _ in range(60)]
    right = [by_group[number // 10] for number in range(600)]
    alone = calibration_interval(promised, right, resamples=300)
    together = calibration_interval(promised, right, [n // 10 for n in range(600)], resamples=300)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_threshold_by_hand() -> None:
    promised = [0.99, 0.95, 0.9, 0.9, 0.7, 0.6, None]
    right = [True, True, True, False, True, False, True]
    # From 0.95 on 2 of 2 are right, from 0.9 on 3 of 4, from 0.7 on 4 of 5, from 0.6 on 4 of 6.
    assert choose_threshold(promised, right, precision=1.0) == 0.95
    assert choose_threshold(promised, right, precision=0.8) == 0.7
    assert choose_threshold(promised, right, precision=0.6) == 0.6
    assert choose_threshold([0.9, 0.9], [True, False], precision=0.8) is None
    assert choose_threshold([None], [True], precision=0.0) is None
    # Wilson's lower bound of 2 of 2 is 34%, of 4 of 5 38%.
    assert choose_threshold(promised, right, precision=0.37, lower=True) == 0.7
    assert choose_threshold(promised, right, precision=0.9, lower=True) is None


def at_or_above(rows: list[tuple[float, bool]], threshold: float) -> list[bool]:
    return [is_right for one, is_right in rows if one >= threshold]


@given(rows=rows, wish=st.floats(0, 1), lower=st.booleans())
def test_the_threshold_is_the_lowest_that_keeps_the_wish(
    rows: list[tuple[float, bool]], wish: float, lower: bool
) -> None:
    def kept(threshold: float) -> float:
        taken = at_or_above(rows, threshold)
        return wilson_interval(sum(taken), len(taken)).low if lower else sum(taken) / len(taken)

    granted = [one for one, _ in rows if kept(one) >= wish]
    found = choose_threshold(
        [one for one, _ in rows], [is_right for _, is_right in rows], precision=wish, lower=lower
    )
    assert found == min(granted, default=None)


@given(rows=rows, wishes=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_higher_wish_never_takes_more_rows(
    rows: list[tuple[float, bool]], wishes: tuple[float, float]
) -> None:
    def taken(wish: float) -> int:
        promised, right = [one for one, _ in rows], [is_right for _, is_right in rows]
        threshold = choose_threshold(promised, right, precision=wish)
        return 0 if threshold is None else len(at_or_above(rows, threshold))

    assert taken(max(wishes)) <= taken(min(wishes))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: calibration_bins([0.5], [True], bins=0),
        lambda: calibration_bins([0.5], []),
        lambda: calibration_bins([1.2], [True]),
        lambda: calibration_bins([math.nan], [True]),
        lambda: calibration_interval([], []),
        lambda: calibration_interval([0.5, 0.6], [True, True], ["a"]),
        lambda: choose_threshold([0.5], [True], precision=1.5),
        lambda: choose_threshold([0.5], [], precision=0.5),
        lambda: choose_threshold([-0.1], [True], precision=0.5),
    ],
)
def test_wrong_use_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        wrong()
