"""What counts as right: strict, over all rows, nested, whatever their order."""

from __future__ import annotations

import json
import random
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import zoo
from schemalora.compliance import ComplianceReport, evaluate
from schemalora.compliance.lenient import lenient_candidates
from schemalora.contract import Contract, FreeText
from schemalora.records import Example, Prediction
from schemalora.sampling import sample
from schemalora.strategies import near_misses
from tickets import CONTRACT, FAULTS, TARGET, examples, predictions, spoil

NESTED = ("valid_json", "schema_compliant", "exact_match")


def score(completion: str, target: Any = TARGET, contract: Contract = CONTRACT) -> ComplianceReport:
    return evaluate(contract, [Example("text", target, id="a")], [Prediction("a", completion)])


def counts(report: ComplianceReport) -> dict[str, int]:
    return {name: rate.count for name, rate in {**report.metrics, **report.fields}.items()}


def right(report: ComplianceReport) -> set[str]:
    return {name for name, count in counts(report).items() if count}


EVERYTHING = {*NESTED, "key_order", *CONTRACT.fields}


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        ("fenced", EVERYTHING),
        ("prose", EVERYTHING),
        ("truncated", EVERYTHING),
        ("empty", EVERYTHING),
        ("bad_enum", {"schema_compliant", "exact_match", "key_order", "$.intent"}),
        ("missing_key", {"schema_compliant", "exact_match", "key_order", "$.priority"}),
        ("extra_key", {"schema_compliant", "exact_match", "key_order"}),
        ("null", {"schema_compliant", "exact_match", "key_order", "$.needs_clarification"}),
        ("wrong_value", {"exact_match", "$.priority"}),
        ("reordered", {"key_order"}),
    ],
)
def test_each_fault_costs_exactly_what_it_should(fault: str, wrong: set[str]) -> None:
    assert right(score(spoil(TARGET, fault))) == EVERYTHING - wrong


def test_the_right_completion_is_right_in_everything_and_white_space_is_no_matter() -> None:
    assert right(score(CONTRACT.encode(TARGET))) == EVERYTHING
    assert right(score(f"\n {json.dumps(TARGET, indent=2)}\n")) == EVERYTHING


def test_a_missing_key_is_not_a_null() -> None:
    without = json.loads(json.dumps(TARGET))
    del without["entities"]["product"]
    assert "$.entities.product" not in right(score(json.dumps(without)))


def test_a_missing_parent_is_not_a_null_parent() -> None:
    class Inner(BaseModel):
        x: int

    class Outer(BaseModel):
        inner: Inner | None

    contract = Contract.from_model(Outer)
    assert "$.inner.x" in right(score('{"inner":null}', {"inner": None}, contract))
    assert "$.inner.x" not in right(score("{}", {"inner": None}, contract))


def test_true_is_not_one_but_one_is_one_point_zero() -> None:
    class Flag(BaseModel):
        value: bool | float

    contract = Contract.from_model(Flag)
    assert "exact_match" not in right(score('{"value":true}', {"value": 1.0}, contract))
    assert "exact_match" in right(score('{"value":1}', {"value": 1.0}, contract))


def test_lists_compare_as_declared() -> None:
    schema = {
        "type": "object",
        "properties": {
            "steps": {"type": "array", "items": {"type": "string"}},
            "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        },
        "required": ["steps", "tags"],
    }
    contract = Contract.from_json_schema(schema)
    target = {"steps": ["a", "b"], "tags": ["x", "y"]}
    swapped_tags = score('{"steps":["a","b"],"tags":["y","x"]}', target, contract)
    swapped_steps = score('{"steps":["b","a"],"tags":["x","y"]}', target, contract)
    assert right(swapped_tags) == {*NESTED, "key_order", "$.steps", "$.tags"}
    assert right(swapped_steps) == {"valid_json", "schema_compliant", "key_order", "$.tags"}
    assert swapped_tags.comparisons == {"$.steps": "ordered", "$.tags": "unordered"}


def test_free_text_is_declared_and_not_part_of_exact_match() -> None:
    class Reply(BaseModel):
        topic: str
        answer: Annotated[str | None, FreeText()]

    contract = Contract.from_model(Reply)
    report = score('{"topic":"a","answer":"hi"}', {"topic": "a", "answer": "hello"}, contract)
    assert "exact_match" in right(report)
    assert "$.answer" not in right(report)
    assert report.comparisons["$.answer"] == "ignored"
    assert "$.answer" in " ".join(report.notes)
    assert "(ignored)" in report.to_markdown()


def test_root_values_that_are_no_objects() -> None:
    contract = Contract.from_json_schema({"type": "array", "items": {"type": "integer"}})
    assert right(score("[1,2]", [1, 2], contract)) == {*NESTED, "key_order", "$"}
    assert right(score("[2,1]", [1, 2], contract)) == {
        "valid_json",
        "schema_compliant",
        "key_order",
    }


def test_all_rows_count_also_those_without_a_prediction() -> None:
    rows = examples(10)
    report = evaluate(CONTRACT, rows, predictions(rows, spoilt=0)[:7], allow_missing=True)
    assert report.n == 10
    assert report.missing_predictions == 3
    assert all(rate.n == 10 for rate in {**report.metrics, **report.fields}.values())
    assert counts(report) == dict.fromkeys(counts(report), 7)
    assert report.violations == {}


def test_lenient_extraction_is_reported_beside_the_strict_rates() -> None:
    rows = examples(3, perturbed=0)
    completions = [
        spoil(row.target, fault)
        for row, fault in zip(rows, ("fenced", "prose", "empty"), strict=True)
    ]
    report = evaluate(
        CONTRACT,
        rows,
        [Prediction(row.id, text) for row, text in zip(rows, completions, strict=True)],
    )
    assert report.metrics["valid_json"].count == 0
    assert report.lenient["exact_match"].count == 2
    assert dict(report.causes) == {"empty": 1, "fenced": 1, "prose_around": 1}
    assert "+66.7 points" in report.to_markdown()


@pytest.mark.parametrize(
    "completion",
    [
        "{" * 5_000,
        "[" * 100_000,
        "```" + "a" * 100_000,
        "```{" * 20_000,
        '{"a":' * 9_000,
        "\ud800```{}```",
    ],
)
def test_hostile_completions_are_scored_quickly(completion: str) -> None:
    assert "schema_compliant" not in right(score(completion))


# -- properties


@given(seed=st.integers(0, 10_000), spoilt=st.floats(0, 1), n=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_rates_nest_row_by_row(seed: int, spoilt: float, n: int) -> None:
    rows = examples(n, seed=seed)
    report = evaluate(CONTRACT, rows, predictions(rows, spoilt=spoilt, seed=seed))
    assert report.rows is not None
    columns = [report.rows.column(name) for name in NESTED]
    for valid, compliant, exact in zip(*columns, strict=True):
        assert valid >= compliant >= exact
    for lenient, strict in zip(report.lenient.values(), report.metrics.values(), strict=True):
        assert lenient.count >= strict.count


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_permuting_rows_changes_nothing(seed: int, n: int) -> None:
    rows = examples(n, seed=seed)
    answers = predictions(rows, spoilt=0.5, seed=seed)
    rng = random.Random(seed)
    report = evaluate(CONTRACT, rows, answers, keep_failures=5)
    shuffled = evaluate(CONTRACT, rng.sample(rows, n), rng.sample(answers, n), keep_failures=5)
    assert shuffled.to_dict() == report.to_dict()


@given(seed=st.integers(0, 10_000), fault=st.sampled_from(FAULTS), n=st.integers(1, 25))
@settings(max_examples=40, deadline=None)
def test_adding_a_violation_never_raises_a_rate(seed: int, fault: str, n: int) -> None:
    rows = examples(n, seed=seed)
    answers = predictions(rows, spoilt=0.4, seed=seed)
    before = counts(evaluate(CONTRACT, rows, answers))
    victim = random.Random(seed).randrange(n)
    outcome = CONTRACT.parse(answers[victim].completion)
    if fault in ("wrong_value", "reordered") or not outcome.valid_json:
        return
    answers[victim] = Prediction(
        rows[victim].id, spoil(outcome.json, fault) if outcome.compliant else ""
    )
    after = counts(evaluate(CONTRACT, rows, answers))
    assert all(after[name] <= before[name] for name in before)


@pytest.mark.parametrize(
    "model", zoo.MODELS, ids=lambda model: getattr(model, "__name__", str(model))
)
def test_sampled_targets_score_themselves_as_right_in_everything(model: Any) -> None:
    contract = Contract.from_model(model)
    targets = list(sample(contract, 5, 0))
    rows = [Example("text", one, id=str(i)) for i, one in enumerate(targets)]
    report = evaluate(
        contract, rows, [Prediction(str(i), contract.encode(one)) for i, one in enumerate(targets)]
    )
    assert set(counts(report).values()) == {5}
    assert ComplianceReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_near_misses_are_counted_by_their_kind_and_path(data: st.DataObject) -> None:
    miss = data.draw(near_misses(CONTRACT))
    report = score(miss.completion)
    assert report.violations == {miss.kind: {miss.path: 1}}
    assert report.metrics["schema_compliant"].count == 0


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_no_completion_crashes_scoring(completion: str) -> None:
    report = score(completion)
    assert report.n == 1
    report.to_markdown()


@pytest.mark.parametrize(
    ("completion", "found"),
    [
        ('```json\n{"a":1}\n```', '{"a":1}'),
        ("```\n[1]\n```", "[1]"),
        ('Sure: {"a":{"b":1}} Anything else?', '{"a":{"b":1}}'),
        ('See [this] and {that}: {"a":1}', '{"a":1}'),
        ('{"a":1}{"b":2}', '{"a":1}'),
        ('{"a":{"b":1},"c":', None),
        ('{"a":{"b":1},"c":"tex', None),
        ('[{"a":1},{"b":2}', None),
        ('<think>{"a":0}? No.</think>\n{"a":1}', '{"a":1}'),
        ('<think>```json\n{"a":0}\n```</think>', None),
        ('{"a":{"b":1},"c":2,}', None),
        ('{"a":{"b":1}, // one\n"c":2}', None),
        ('{"a":{"b":1},"c":NaN}', None),
        ('Write {"key": value}, such as {"a":1}', '{"a":1}'),
        ('Of [0-9]+ or (x[: {"a":1}', '{"a":1}'),
        ("no JSON at all", None),
        ("", None),
    ],
)
def test_lenient_extraction_cuts_out_but_repairs_nothing(
    completion: str, found: str | None
) -> None:
    candidates = list(lenient_candidates(completion))
    assert (candidates[0] if candidates else None) == found


NESTED_LEAVES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "meta": {
            "type": ["object", "null"],
            "properties": {
                "note": {"type": "string", "x-comparison": "ignored"},
                "tags": {
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "x-comparison": "unordered",
                },
            },
        },
    },
    "required": ["n", "meta"],
}


@pytest.mark.parametrize(
    ("meta", "got", "equal"),
    [
        ({"note": "a", "tags": ["x", "y"]}, {"note": "b", "tags": ["y", "x"]}, True),
        ({"note": "a", "tags": ["x", "y"]}, {"note": "a", "tags": ["y", "y"]}, False),
        ({"note": "a", "tags": None}, {"note": "b", "tags": None}, True),
        ({"note": "a", "tags": None}, {"note": "a", "tags": []}, False),
        ({"note": "a", "more": 1}, {"note": "b", "more": 1.0}, True),
        ({"note": "a", "more": 1}, {"note": "b", "more": 2}, False),
        ({"note": "a"}, {}, True),
        (None, None, True),
        (None, {}, False),
        ({}, None, False),
    ],
)
def test_exact_match_looks_past_ignored_and_unordered_fields_inside_objects(
    meta: Any, got: Any, equal: bool
) -> None:
    contract = Contract.from_json_schema(NESTED_LEAVES, name="Nested")
    completion = json.dumps({"meta": got, "n": 1})
    report = score(completion, {"n": 1, "meta": meta}, contract)
    assert report.metrics["schema_compliant"].count == 1
    assert report.metrics["exact_match"].count == equal


def test_keys_that_no_field_names_count_for_exact_match() -> None:
    contract = Contract.from_json_schema({"properties": {"a": {"type": "integer"}}}, name="Open")
    report = score('{"a":1,"b":2}', {"a": 1}, contract)
    assert counts(report)["$.a"] == 1
    assert counts(report)["exact_match"] == 0


@pytest.mark.parametrize(
    ("comparison", "got", "equal"),
    [("unordered", "[2,1]", 1), ("unordered", "[2,2]", 0), ("ignored", "[3]", 1)],
)
def test_a_root_has_a_comparison_too(comparison: str, got: str, equal: int) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "x-comparison": comparison}
    contract = Contract.from_json_schema(schema, name="Numbers")
    assert score(got, [1, 2], contract).metrics["exact_match"].count == equal
