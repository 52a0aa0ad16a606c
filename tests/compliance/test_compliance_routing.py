"""Confidences: calibrated or not, and which rows a person would have to check."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemalora.compliance import ComplianceReport, Rate, evaluate, route
from schemalora.contract import Contract, FreeText
from schemalora.errors import UsageError
from schemalora.records import Example, Prediction
from tickets import CONTRACT as TICKET
from tickets import examples, predictions

CONTRACT = Contract.from_json_schema(
    {
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}, "b": {"enum": ["x", "y"]}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    name="Pair",
)
Row = tuple[str, Mapping[str, Any]]


def scored(rows: list[Row], *, groups: int | None = None, **options: Any) -> ComplianceReport:
    """Rows of a completion and its confidences; `{"a":"x","b":"x"}` is right."""
    target = {"a": "x", "b": "x"}
    group = "" if groups is None else "g{}"
    wanted = [
        Example("text", target, id=f"{i:04d}", group=group.format(i % (groups or 1)))
        for i in range(len(rows))
    ]
    answers = [
        Prediction(f"{i:04d}", completion, confidence=confidence)
        for i, (completion, confidence) in enumerate(rows)
    ]
    return evaluate(CONTRACT, wanted, answers, **options)


def answer(a: bool = True, b: bool = True) -> str:
    return f'{{"a":"{"x" if a else "y"}","b":"{"x" if b else "y"}"}}'


def random_rows(n: int, seed: int, *, too_sure: float = 0.0) -> list[Row]:
    rng = random.Random(seed)
    rows: list[Row] = []
    for _ in range(n):
        told = {name: rng.betavariate(6, 1) for name in ("$.a", "$.b")}
        a, b = (rng.random() < one - too_sure for one in told.values())
        rows.append((answer(a, b), told))
    return rows


BY_HAND: list[Row] = [
    (answer(), {"$.a": 0.99, "$.b": 0.9}),
    (answer(), {"$.a": 0.95, "$.b": 0.8}),
    (answer(a=False), {"$.a": 0.9, "$.b": 0.99}),
    (answer(), {"$.a": 0.85, "$.b": 0.6}),
    (answer(b=False), {"$.a": 0.97, "$.b": 0.7}),
    # What no person needs to be told: not JSON, against the contract, no confidence.
    (f"Sure! {answer()}", {}),
    ('{"a":"x","b":"x","c":1}', {"$.a": 1.0, "$.b": 1.0}),
    (answer(), {}),
]


def test_routing_by_hand() -> None:
    report = scored(BY_HAND)
    (by_field,) = route(report, ["$.a>=0.9"]).routings
    # From 0.95 on all three are right, from 0.9 on three of four.
    assert (by_field.threshold, by_field.taken, by_field.to_check) == (0.95, Rate(3, 3), 5)
    assert by_field.coverage == 3 / 8
    (laxer,) = route(report, ["$.a>=75%"]).routings
    assert (laxer.threshold, laxer.taken) == (0.85, Rate(4, 5))
    (whole,) = route(report, ["exact_match>=0.99"]).routings
    # Products 0.891, 0.76, 0.891, 0.51, 0.679: the first and the third tie.
    assert whole.threshold is None
    assert whole.to_check == 8
    assert whole.best == Rate(2, 3)
    assert "no threshold keeps it (at best 66.7% [20.8, 93.9] of 3 rows are right)" in str(whole)
    assert "a person has to check all 8 rows" in str(whole)


def test_the_printed_threshold_takes_the_rows_that_were_counted() -> None:
    told = [0.999968, 0.9999718, 0.9999725]
    rows: list[Row] = [(answer(a=one > 0.99997), {"$.a": one, "$.b": 1.0}) for one in told]
    (one,) = route(scored(rows), ["$.a>=1"]).routings
    printed = float(str(one).split("from confidence ")[1].split(" ")[0])
    assert sum(confidence >= printed for confidence in told) == one.taken.n == 2


def test_the_best_of_a_wish_for_a_lower_bound_has_the_highest_lower_bound() -> None:
    rows: list[Row] = [(answer(a=i != 50), {"$.a": 0.5 + i / 200, "$.b": 1.0}) for i in range(100)]
    (one,) = route(scored(rows), ["lower($.a)>=0.99"]).routings
    assert one.threshold is None
    assert one.best == Rate(99, 100)


def test_several_wishes_take_what_each_of_them_takes() -> None:
    plan = route(scored(BY_HAND), ["$.a>=1", "$.b>=1"])
    assert [one.to_check for one in plan.routings] == [5, 5]
    # Both take the first row; the second and fifth lack in b, the third lacks in a.
    assert plan.to_check == 6
    assert str(plan).splitlines()[-1].startswith("route all 2 together: a person has to check 6 of")
    assert json.loads(json.dumps(plan.to_dict()))["to_check"] == 6


def test_the_chosen_threshold_is_optimistic_and_held_out_groups_show_it() -> None:
    chosen: list[Rate] = []
    held_out: list[Rate] = []
    for seed in range(25):
        rng = random.Random(seed)
        rows: list[Row] = [
            (answer(a=rng.random() < 0.9), {"$.a": rng.random(), "$.b": 1.0}) for _ in range(100)
        ]
        (one,) = route(scored(rows, groups=25), ["$.a>=0.95"]).routings
        chosen.append(one.taken)
        assert one.held_out is not None
        held_out.append(one.held_out)

    def pooled(rates: list[Rate]) -> float:
        return sum(one.count for one in rates) / sum(one.n for one in rates)

    # These confidences say nothing: whatever is taken is right nine times in ten.
    assert all(one.rate >= 0.95 for one in chosen if one.n)
    assert pooled(chosen) > 0.95
    assert pooled(held_out) == pytest.approx(0.9, abs=0.02)


def test_one_group_cannot_be_held_out() -> None:
    (one,) = route(scored(BY_HAND, groups=1), ["$.a>=0.9"]).routings
    assert one.held_out is None
    assert "nothing can be held out" in str(one)


def test_free_text_is_no_part_of_a_whole_row() -> None:
    rows = examples(40)
    told = {path: 0.9 for path, one in TICKET.fields.items() if one.comparison != "ignored"}
    assert len(told) < len(TICKET.fields)
    answers = [
        Prediction(one.example_id, one.completion, confidence=told) for one in predictions(rows)
    ]
    (one,) = route(evaluate(TICKET, rows, answers), ["exact_match>=0"]).routings
    assert one.threshold == pytest.approx(0.9 ** len(told))


class Summary(BaseModel):
    summary: Annotated[str, FreeText()]


def test_where_all_is_free_text_only_fields_can_be_routed() -> None:
    contract = Contract.from_model(Summary)
    rows = [Example("text", {"summary": "short"}, id=str(i)) for i in range(10)]
    answers = [
        Prediction(one.id, '{"summary":"short"}', confidence={"$.summary": 0.9}) for one in rows
    ]
    report = evaluate(contract, rows, answers)
    with pytest.raises(UsageError, match=r"looks at no field .* 'exact_match>=0.9'.* name a field"):
        route(report, ["exact_match>=0.9"])
    assert route(report, ["$.summary>=0.9"]).to_check == 0


@given(seed=st.integers(0, 1_000), n=st.integers(2, 60))
@settings(max_examples=25, deadline=None)
def test_permuting_rows_changes_no_calibration_and_no_route(seed: int, n: int) -> None:
    rows = random_rows(n, seed)
    wanted = [Example("t", {"a": "x", "b": "x"}, id=str(i), group=f"g{i % 5}") for i in range(n)]
    answers = [Prediction(str(i), text, confidence=told) for i, (text, told) in enumerate(rows)]
    rng = random.Random(seed)
    one = evaluate(CONTRACT, wanted, answers)
    other = evaluate(CONTRACT, rng.sample(wanted, n), rng.sample(answers, n))
    assert other.to_dict() == one.to_dict()
    wishes = ["$.a>=0.9", "lower($.b)>=0.5", "exact_match>=0.8"]
    assert route(one, wishes) == route(other, wishes)


def test_calibration_is_in_the_report_and_survives_it() -> None:
    report = scored(random_rows(400, 0), groups=50)
    again = ComplianceReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again == report
    assert route(again, ["$.a>=0.9"]) == route(report, ["$.a>=0.9"])
    one = report.calibration["$.a"]
    assert one.n == sum(part.n for part in one.bins) == 400
    assert sum(part.right for part in one.bins) == report.fields["$.a"].count
    assert not one.measurable
    assert "expected calibration error" in report.to_markdown()
    too_sure = scored(random_rows(400, 0, too_sure=0.3), groups=50).calibration["$.a"]
    assert too_sure.measurable
    assert too_sure.error > 5 * too_sure.by_chance


def test_calibration_speaks_of_valid_json_alone() -> None:
    rows = random_rows(40, 0)
    # What `field_confidence` says of them: it does not look at what follows the value.
    chatter: list[Row] = [
        (f"{answer()} Hope this helps!", {"$.a": 0.995, "$.b": 0.995}) for _ in range(40)
    ]
    report = scored(rows + chatter)
    assert report.calibration == scored(rows).calibration
    assert {one.n for one in report.calibration.values()} == {40}
    assert report.rows is not None
    assert report.rows.confidences["$.a"].count(0.995) == 40
    assert scored(chatter).calibration == {}


def test_reports_without_confidences_have_no_calibration_and_say_what_to_do() -> None:
    report = scored([(answer(), {})] * 5)
    assert report.calibration == {}
    assert "calibration error" not in report.to_markdown()
    with pytest.raises(UsageError, match=r"confidence for \$\.a: predict with confidence"):
        route(report, ["$.a>=0.9"])


def test_older_reports_without_confidences_are_read() -> None:
    report = scored([(answer(), {})] * 5)
    row: Any = report.to_dict()
    del row["calibration"], row["rows"]["confidences"]
    assert ComplianceReport.from_dict(row) == report


def test_more_rows_than_are_kept_cannot_be_routed_and_that_is_said() -> None:
    report = scored(random_rows(20, 0), keep_rows=10)
    assert "evaluate with keep_rows=None" in " ".join(report.notes)
    with pytest.raises(UsageError, match="keep_rows=None"):
        route(report, ["$.a>=0.9"])
    assert not scored([(answer(), {})] * 20, keep_rows=10).notes


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ([], "at least one wish"),
        (["$.c>=0.9"], r"no metric or field '\$\.c'"),
        (["a>=0.9"], r"did you mean '\$\.a'"),
        (["valid_json>=0.9"], "which is by confidence"),
        (["$.a"], "cannot read the requirement"),
    ],
)
def test_wishes_that_cannot_be_are_refused(wishes: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        route(scored(BY_HAND), wishes)


@pytest.mark.parametrize("told", ["high", True, -0.1, 1.5, float("nan")])
def test_confidences_that_are_none_are_refused_with_their_row(told: Any) -> None:
    with pytest.raises(UsageError, match=r"prediction of '0000' .* @ \$\.a"):
        scored([(answer(), {"$.a": told})])
