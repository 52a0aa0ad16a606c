"""The formulas against scipy and statsmodels, and against their own definitions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm, t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from schemalora.errors import UsageError
from schemalora.statistics import (
    Interval,
    bootstrap_difference,
    detectable_difference,
    effective_sample_size,
    holm,
    mcnemar_exact,
    paired_interval,
    smallest_significant_difference,
    wilson_interval,
)
from schemalora.statistics.quantiles import student_quantile

counts = st.one_of(st.integers(0, 60), st.integers(0, 5_000), st.integers(0, 300_000))
near = pytest.approx


@given(n=st.integers(1, 1_000_000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_wilson_agrees_with_statsmodels(n: int, share: float, confidence: float) -> None:
    count = round(share * n)
    low, high = proportion_confint(count, n, alpha=1 - confidence, method="wilson")
    assert wilson_interval(count, n, confidence=confidence) == near((low, high), abs=1e-9)


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_holds_the_rate_and_stays_within_bounds(n: int, share: float) -> None:
    count = round(share * n)
    low, high = wilson_interval(count, n)
    assert 0 <= low <= count / n <= high <= 1


def test_wilson_of_no_rows_says_nothing() -> None:
    assert wilson_interval(0, 0) == Interval(0.0, 1.0)


@given(only_a=counts, only_b=counts)
def test_mcnemar_agrees_with_statsmodels(only_a: int, only_b: int) -> None:
    expected = mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue
    assert mcnemar_exact(only_a, only_b) == near(expected, abs=1e-9)


@given(middle=st.integers(10, 200_000), gap=st.integers(1, 1_000))
def test_mcnemar_agrees_relatively_where_p_is_not_tiny(middle: int, gap: int) -> None:
    expected = mcnemar([[0, middle], [middle + gap, 0]], exact=True).pvalue
    if expected > 1e-200:
        assert mcnemar_exact(middle, middle + gap) == near(expected, rel=1e-9)


@given(only_a=counts, only_b=counts)
def test_mcnemar_does_not_mind_the_order_of_arms(only_a: int, only_b: int) -> None:
    assert mcnemar_exact(only_a, only_b) == mcnemar_exact(only_b, only_a)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), power=st.sampled_from((1, 4, 20)))
@settings(max_examples=20, deadline=None)
def test_holm_agrees_with_statsmodels(seed: int, n: int, power: int) -> None:
    rng = random.Random(seed)
    p_values = [rng.choice((rng.random() ** power, 0.0, 0.01, 1.0)) for _ in range(n)]
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == near(list(expected), abs=1e-9)


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == []


@given(
    n=st.integers(5, 100_000),
    discordant=st.floats(0.001, 0.9),
    power=st.floats(0.5, 0.95),
)
def test_detectable_difference_solves_connors_equation(
    n: int, discordant: float, power: float
) -> None:
    z_alpha, z_power = norm.ppf(0.975), norm.ppf(power)

    def missing(difference: float) -> float:
        share = max(discordant, difference)
        spread = math.sqrt(share - difference**2)
        return math.sqrt(n) * difference - z_alpha * math.sqrt(share) - z_power * spread

    floor = smallest_significant_difference(n)
    expected = 1.0 if missing(1.0) < 0 else max(floor, brentq(missing, 1e-12, 1.0, xtol=1e-14))
    found = detectable_difference(n, discordant=discordant, power=power)
    assert found == near(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "discordant"), [(200, 0.1), (800, 0.05), (800, 0.3)])
def test_detectable_difference_is_detected_as_often_as_it_says(n: int, discordant: float) -> None:
    rng = random.Random(0)
    difference = detectable_difference(n, discordant=discordant)
    only_b_share = (discordant + difference) / 2
    hits = 0
    for _ in range(400):
        draws = [rng.random() for _ in range(n)]
        only_b = sum(draw < only_b_share for draw in draws)
        only_a = sum(only_b_share <= draw < discordant for draw in draws)
        hits += mcnemar_exact(only_a, only_b) < 0.05
    # The exact test is conservative: its power lies somewhat below the nominal 80%.
    assert 0.66 <= hits / 400 <= 0.88


@pytest.mark.parametrize("n", [6, 20, 100, 800])
def test_smallest_significant_difference_is_just_significant(n: int) -> None:
    flips = round(smallest_significant_difference(n) * n)
    assert mcnemar_exact(0, flips) < 0.05 <= mcnemar_exact(0, flips - 1)


def test_bootstrap_is_reproducible_and_does_not_mind_the_order_of_rows() -> None:
    rng = random.Random(3)
    rows = [(rng.choice((-1, 0, 0, 1, 1)), rng.randrange(30)) for _ in range(500)]
    shuffled = rng.sample(rows, len(rows))

    def interval(rows: list[tuple[int, int]], seed: int = 0) -> Interval:
        return bootstrap_difference([d for d, _ in rows], [g for _, g in rows], seed=seed)

    assert interval(rows) == interval(shuffled)
    assert interval(rows, seed=1) != interval(rows, seed=2)


def _clusters_of_one(n: int, rng: random.Random) -> tuple[list[int], list[int]]:
    return [rng.choice((-1, 0, 0, 1)) for _ in range(n)], list(range(n))


def _clusters_of_ten(n: int, rng: random.Random) -> tuple[list[int], list[int]]:
    by_group = [rng.choice((-1, 0, 1)) for _ in range(n // 10)]
    return [by_group[i // 10] for i in range(n)], [i // 10 for i in range(n)]


@pytest.mark.parametrize("make", [_clusters_of_one, _clusters_of_ten])
@pytest.mark.parametrize("n", [200, 20_000])
def test_bootstrap_is_as_wide_as_the_clustered_standard_error(
    make: Callable[[int, random.Random], tuple[list[int], list[int]]], n: int
) -> None:
    differences, groups = make(n, random.Random(5))
    mean = sum(differences) / n
    sums: dict[int, float] = {}
    for difference, group in zip(differences, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + difference - mean
    standard_error = math.sqrt(sum(one * one for one in sums.values())) / n
    low, high = bootstrap_difference(differences, groups, resamples=4_000)
    assert (low, high) == near(
        (mean - 1.96 * standard_error, mean + 1.96 * standard_error), abs=0.12 * standard_error
    )


def test_bootstrap_covers_the_true_difference() -> None:
    rng = random.Random(11)
    covered = 0
    for seed in range(300):
        differences = rng.choices((-1, 0, 1), weights=(10, 70, 20), k=150)
        low, high = bootstrap_difference(differences, seed=seed, resamples=500)
        covered += low <= 0.1 <= high
    assert 0.90 <= covered / 300 <= 0.985


@given(st.integers(0, 200), st.integers(0, 60), st.integers(0, 60), st.integers(0, 200))
def test_paired_interval_holds_the_difference_and_mirrors(
    both: int, only_a: int, only_b: int, neither: int
) -> None:
    n = both + only_a + only_b + neither
    low, high = paired_interval(both, only_a, only_b, neither)
    assert -1 <= low <= high <= 1
    if n:
        assert low - 1e-12 <= (only_b - only_a) / n <= high + 1e-12
    assert paired_interval(both, only_b, only_a, neither) == near((-high, -low), abs=1e-12)


def test_paired_interval_without_correlation_is_square_and_add_of_wilson() -> None:
    # Independent margins, half and half: phi is 0, and the published formula is a plain sum.
    low_a, high_a = proportion_confint(50, 100, method="wilson")
    reach = math.sqrt((0.5 - low_a) ** 2 + (high_a - 0.5) ** 2)
    assert paired_interval(25, 25, 25, 25) == near((-reach, reach), abs=1e-9)


def test_paired_interval_never_shrinks_to_a_point() -> None:
    for both, neither in ((20, 0), (0, 20), (10, 10), (800, 0)):
        low, high = paired_interval(both, 0, 0, neither)
        assert low < 0 < high


@pytest.mark.parametrize("shares", [(0.85, 0.05, 0.1), (0.4, 0.2, 0.3), (0.96, 0.01, 0.03)])
def test_paired_interval_covers_the_true_difference(shares: tuple[float, float, float]) -> None:
    rng = random.Random(2)
    n, covered = 120, 0
    weights = (*shares, 1 - sum(shares))
    for _ in range(1_000):
        drawn = rng.choices(range(4), weights=weights, k=n)
        low, high = paired_interval(*(drawn.count(kind) for kind in range(4)))
        covered += low <= shares[2] - shares[1] <= high
    assert 0.93 <= covered / 1_000 <= 0.99


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: wilson_interval(3, 2),
        lambda: wilson_interval(-1, 2),
        lambda: wilson_interval(1, 2, confidence=1.0),
        lambda: mcnemar_exact(-1, 2),
        lambda: holm([0.1, 1.5]),
        lambda: bootstrap_difference([]),
        lambda: bootstrap_difference([1, 0], ["a"]),
        lambda: detectable_difference(10, discordant=0.1, power=1.0),
    ],
)
def test_wrong_use_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        wrong()


def test_no_rows_and_few_rows_show_nothing() -> None:
    assert smallest_significant_difference(0) == 1.0
    assert smallest_significant_difference(5) == 1.0  # six flips in one direction are needed
    assert smallest_significant_difference(6) == 1.0
    assert smallest_significant_difference(12) == 0.5
    assert detectable_difference(0, discordant=0.5) == 1.0
    assert detectable_difference(1, discordant=0.5) == 1.0
    assert detectable_difference(7, discordant=0.0) < 1.0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_bootstrap_of_equal_groups_is_a_point(share: float) -> None:
    low, high = bootstrap_difference([share] * 40, groups=[str(i // 2) for i in range(40)], seed=1)
    assert low == high == share


def test_bootstrap_of_thousands_of_groups_is_as_wide_as_the_standard_error() -> None:
    """The resamples are drawn as binomials, which split their range where it is large."""
    n = 4_000
    differences = [float(i % 5 == 0) for i in range(n)]
    low, high = bootstrap_difference(differences, groups=list(map(str, range(n))), seed=3)
    expected = 2 * norm.ppf(0.975) * math.sqrt(0.2 * 0.8 / n)
    assert high - low == pytest.approx(expected, rel=0.15)
    assert low < 0.2 < high


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_students_quantile_agrees_with_scipy(confidence: float) -> None:
    for degrees in [*range(1, 40), 398, 399, 400, 401, 10_000, 10**6]:
        expected = t.ppf(0.5 + confidence / 2, degrees)
        assert student_quantile(confidence, degrees) == near(expected, rel=1e-9)


def test_rows_of_groups_are_worth_what_the_design_effect_leaves() -> None:
    right = [True] * 30 + [False] * 10
    assert effective_sample_size(right, range(40)) == 40
    assert effective_sample_size(right, ["one"] * 40) == 1
    assert effective_sample_size([True] * 40, [i // 4 for i in range(40)]) == 40
    # All of a group alike: as many rows as groups, less what estimating from few of them costs.
    alike = effective_sample_size(right, [i // 5 for i in range(40)])
    assert alike < 8
    # Each group the same mixture: more than independent rows would be, which is not believed.
    assert effective_sample_size(right, [i % 10 for i in range(40)]) == 40
    with pytest.raises(UsageError, match="different lengths"):
        effective_sample_size(right, [1])


@pytest.mark.parametrize(
    ("groups", "size", "share"), [(139, 6, 0.95), (20, 20, 0.8), (10, 20, 0.8)]
)
def test_intervals_of_grouped_rows_hold_the_rate_as_often_as_they_say(
    groups: int, size: int, share: float
) -> None:
    """Rates of groups are drawn with an intraclass correlation of 0.4."""
    rng = random.Random(7)
    held = held_as_independent = 0
    for _ in range(300):
        rates = [rng.betavariate(share * 1.5, (1 - share) * 1.5) for _ in range(groups)]
        right = [rng.random() < rate for rate in rates for _ in range(size)]
        worth = effective_sample_size(right, [i // size for i in range(len(right))])
        count, n = sum(right), len(right)
        low, high = wilson_interval(count, n, effective_n=worth)
        held += low <= share <= high
        low, high = wilson_interval(count, n)
        held_as_independent += low <= share <= high
    assert held >= (0.92 if groups > 100 else 0.88) * 300
    assert held_as_independent < 0.85 * 300
