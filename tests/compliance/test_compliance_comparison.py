"""Two reports pair by pair, several side by side, and gates."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalora.compliance import Requirement, compare, comparison_table, evaluate, judge
from schemalora.compliance.rate import Rate
from schemalora.contract import Contract
from schemalora.errors import PairingError, UsageError
from schemalora.records import Example, Prediction
from schemalora.statistics import mcnemar_exact, wilson_interval
from tickets import CONTRACT, TARGET, examples, predictions

ROWS = examples(200)
BASE = evaluate(CONTRACT, ROWS, predictions(ROWS, spoilt=0.6, seed=2))
LORA = evaluate(CONTRACT, ROWS, predictions(ROWS, spoilt=0.1, seed=3))


def test_flips_in_both_directions_are_the_rows_that_differ() -> None:
    comparison = compare(BASE, LORA, names=("base", "lora"))
    assert BASE.rows is not None
    assert LORA.rows is not None
    base = dict(zip(BASE.rows.ids, BASE.rows.column("exact_match"), strict=True))
    lora = dict(zip(LORA.rows.ids, LORA.rows.column("exact_match"), strict=True))
    exact = comparison.metrics["exact_match"]
    assert set(exact.only_a) == {row_id for row_id in base if base[row_id] and not lora[row_id]}
    assert set(exact.only_b) == {row_id for row_id in base if lora[row_id] and not base[row_id]}
    assert exact.difference == pytest.approx((len(exact.only_b) - len(exact.only_a)) / 200)
    assert mcnemar_exact(len(exact.only_a), len(exact.only_b)) < exact.p < 1e-5
    assert exact.ci95.low <= exact.difference <= exact.ci95.high
    assert exact.significant
    assert not exact.significantly_worse
    assert compare(LORA, BASE).metrics["exact_match"].significantly_worse


def test_fields_are_corrected_for_their_number() -> None:
    fields = compare(BASE, LORA).fields
    assert fields.keys() == CONTRACT.fields.keys()
    assert min(one.p_holm for one in fields.values()) == pytest.approx(
        min(1, 6 * min(one.p for one in fields.values()))
    )


def test_equal_reports_differ_in_nothing_but_are_not_certainly_equal() -> None:
    comparison = compare(BASE, BASE)
    exact = comparison.metrics["exact_match"]
    assert (exact.only_a, exact.only_b, exact.p, exact.difference) == ((), (), 1.0, 0.0)
    assert exact.ci95.low < 0 < exact.ci95.high


@given(st.integers(0, 1_000))
@settings(max_examples=4, deadline=None)
def test_swapping_the_arms_swaps_the_signs(seed: int) -> None:
    rows = examples(60, seed=seed)
    a = evaluate(CONTRACT, rows, predictions(rows, spoilt=0.5, seed=seed))
    b = evaluate(CONTRACT, rows, predictions(rows, spoilt=0.3, seed=seed + 1))
    there, back = compare(a, b).metrics, compare(b, a).metrics
    for name in there:
        assert there[name].difference == -back[name].difference
        assert there[name].p == back[name].p
        assert there[name].only_a == back[name].only_b


@pytest.mark.parametrize(
    ("groups", "p", "significant"),
    [(1, 1, False), (5, 0.0625, False), (12, 2 / 2**12, True), (40, 2 / 2**12, True)],
)
def test_a_difference_takes_groups_and_not_only_rows(
    groups: int, p: float, significant: bool
) -> None:
    """Twelve of forty rows are won, spread over as many groups as there are."""
    rows = [Example("t", TARGET, id=f"{i:03d}", group=f"g{i % groups}") for i in range(40)]
    good = [Prediction(row.id, CONTRACT.encode(TARGET)) for row in rows]
    bad = [Prediction(row.id, "{}") if i < 12 else good[i] for i, row in enumerate(rows)]
    comparison = compare(evaluate(CONTRACT, rows, bad), evaluate(CONTRACT, rows, good))
    exact = comparison.metrics["exact_match"]
    assert comparison.groups == groups
    assert exact.p == pytest.approx(p)
    assert exact.significant is significant
    said = comparison.to_markdown()
    assert ("no difference can be significant" in said) is (groups < 6)


def test_a_rate_of_like_rows_is_less_sure() -> None:
    rows = [Example("t", TARGET, id=f"{i:03d}", group=f"g{i // 20}") for i in range(400)]
    good = [Prediction(row.id, CONTRACT.encode(TARGET)) for row in rows]
    answers = [Prediction(row.id, "{}") if i // 20 < 4 else good[i] for i, row in enumerate(rows)]
    report = evaluate(CONTRACT, rows, answers)
    rate = report.rate("exact_match")
    assert (rate.count, rate.n) == (320, 400)
    # Twenty groups, each right or wrong as a whole, and Student's t for their small number.
    assert rate.effective_n == pytest.approx(19 * (1.959964 / 2.093024) ** 2, rel=1e-6)
    assert rate.ci95 == wilson_interval(320, 400, effective_n=rate.effective_n)
    (judgement,) = judge(report, ["lower(exact_match)>=0.6"])
    assert not judgement.passed
    assert "n=400, worth 17 independent rows" in str(judgement)
    assert "worth" in report.to_markdown()
    again = type(report).from_dict(report.to_dict())
    assert again.rate("exact_match") == rate
    alone = evaluate(CONTRACT, [dataclasses.replace(row, group="") for row in rows], answers)
    assert alone.rate("exact_match") == Rate(320, 400)
    assert judge(alone, ["lower(exact_match)>=0.75"])[0].passed
    assert "as if rows were independent" in alone.to_markdown()
    unkept = evaluate(CONTRACT, rows, answers, keep_rows=100)
    assert unkept.rate("exact_match") == Rate(320, 400)
    assert any("Intervals take rows as independent" in note for note in unkept.notes)


def test_groups_widen_the_interval() -> None:
    rows = [Example("t", TARGET, id=f"{i:03d}", group=f"g{i // 25}") for i in range(200)]
    alone = [dataclasses.replace(row, group="") for row in rows]
    good = [Prediction(row.id, CONTRACT.encode(TARGET)) for row in rows]
    half = [Prediction(row.id, "{}") if (i // 25) % 2 else good[i] for i, row in enumerate(rows)]
    grouped = compare(evaluate(CONTRACT, rows, half), evaluate(CONTRACT, rows, good))
    single = compare(evaluate(CONTRACT, alone, half), evaluate(CONTRACT, alone, good))
    wide, narrow = (one.metrics["exact_match"].ci95 for one in (grouped, single))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            evaluate(CONTRACT, ROWS[:-1], predictions(ROWS[:-1])),
            "199 ids in both, 1 only in a (ex-00199)",
        ),
        (
            evaluate(
                CONTRACT,
                [dataclasses.replace(ROWS[0], text="another text"), *ROWS[1:]],
                predictions(ROWS),
            ),
            "not the same texts and targets",
        ),
        (evaluate(CONTRACT, ROWS, predictions(ROWS), keep_rows=10), "b kept no rows (n=200)"),
    ],
)
def test_other_rows_are_refused(other: object, message: str) -> None:
    with pytest.raises(PairingError, match=re.escape(message)):
        compare(BASE, other)  # pyright: ignore[reportArgumentType]


def test_other_contracts_are_refused() -> None:
    other = Contract.from_json_schema({"type": "object"}, name="Thing")
    report = evaluate(other, [Example("t", {}, id="a")], [Prediction("a", "{}")])
    with pytest.raises(PairingError, match=r"contract 'SupportTicket' .* under 'Thing'"):
        compare(BASE, report)


def test_comparison_prints_and_serialises() -> None:
    comparison = compare(BASE, LORA, names=("base", "lora"))
    text = comparison.to_markdown()
    for part in (
        "lora against base (n=200 pairs)",
        "exact match",
        "`$.intent`",
        "p (Holm)",
        "With n=200",
    ):
        assert part in text
    written = comparison.to_dict()
    assert written["metrics"]["exact_match"]["only_b"] == list(
        comparison.metrics["exact_match"].only_b
    )


def test_arms_stand_side_by_side() -> None:
    text = comparison_table({"base": BASE, "lora": LORA})
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4 + 6
    assert len({len(line) for line in lines}) == 1
    assert "base (n=200)" in lines[0]
    assert "lora − base" in lines[0]
    assert str(LORA.metrics["exact_match"]) in text


def test_arms_of_other_rows_stand_side_by_side_without_a_difference() -> None:
    fewer = evaluate(CONTRACT, ROWS[:50], predictions(ROWS[:50]))
    text = comparison_table({"base": BASE, "few": fewer})
    assert "No paired difference for few" in text
    assert "few − base" not in text


def test_a_table_of_nothing_and_an_unknown_baseline_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        comparison_table({})
    with pytest.raises(UsageError, match="no arm 'x'"):
        comparison_table({"base": BASE}, baseline="x")


# -- gates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schema_compliant>=0.99", Requirement("schema_compliant", 0.99)),
        (" $.intent >= 97% ", Requirement("$.intent", 0.97)),
        ("lower($.entities.order_id)>=0.5", Requirement("$.entities.order_id", 0.5, "lower")),
        ("lower( valid_json ) >= 1", Requirement("valid_json", 1.0, "lower")),
        ("$['a>=b']>=.5", Requirement("$['a>=b']", 0.5)),
    ],
)
def test_requirements_are_read(text: str, expected: Requirement) -> None:
    assert Requirement.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["schema_compliant", "schema_compliant>0.9", "x>=99", "x>=-1", ">=0.9", "x>=1.2.3", "x>=abc"],
)
def test_requirements_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Requirement.parse(text)


def test_the_rate_or_the_lower_bound_is_judged_as_asked() -> None:
    rate = LORA.metrics["valid_json"]
    between = (rate.rate + rate.ci95.low) / 2
    by_rate, by_bound = judge(
        LORA, [f"valid_json>={between:.6f}", f"lower(valid_json)>={between:.6f}"]
    )
    assert by_rate.passed
    assert not by_bound.passed


def test_a_bound_that_n_cannot_reach_says_so() -> None:
    rows = examples(50)
    perfect = evaluate(CONTRACT, rows, predictions(rows, spoilt=0))
    (judgement,) = judge(perfect, ["lower(exact_match)>=0.99"])
    assert not judgement.passed
    assert "even a perfect score has a lower bound of 92.9%" in str(judgement)


def test_an_unknown_requirement_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="no metric or field 'acuracy'"):
        judge(LORA, ["acuracy>=0.9"])
