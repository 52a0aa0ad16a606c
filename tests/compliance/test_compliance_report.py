"""What a report holds beside its rates, how it is written, read back and printed."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalora.compliance import ComplianceReport, Rate, comparison_table, evaluate
from schemalora.compliance.counts import ScoreCounter
from schemalora.compliance.pairing import RowIndex
from schemalora.compliance.rate import percent, points
from schemalora.compliance.requirement import Requirement, judge
from schemalora.compliance.robustness import RobustnessCounter
from schemalora.compliance.slicing import MOST_SLICES
from schemalora.compliance.tables import aligned_lines, code, markdown_table
from schemalora.compliance.violations import ViolationCounter
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.records import Example, Prediction
from schemalora.reporting import write_html
from schemalora.statistics import mcnemar_exact, wilson_interval
from tickets import CONTRACT, TARGET, examples, predictions, spoil

ROWS = examples(300)
ANSWERS = predictions(ROWS)
REPORT = evaluate(CONTRACT, ROWS, ANSWERS)


def test_report_json_has_the_documented_shape() -> None:
    written = REPORT.to_dict()
    assert written["format_version"] == 1
    assert written["contract"] == {"name": "SupportTicket", "fingerprint": CONTRACT.fingerprint}
    assert written["n"] == 300
    assert list(written["metrics"]) == [
        "valid_json",
        "schema_compliant",
        "exact_match",
        "key_order",
    ]
    intent = written["fields"]["$.intent"]
    assert intent["rate"] == intent["count"] / 300
    assert 0 < intent["effective_n"] <= 300
    assert tuple(intent["ci95"]) == wilson_interval(
        intent["count"], 300, effective_n=intent["effective_n"]
    )
    assert list(written["fields"]) == list(CONTRACT.fields)
    assert written["violations"]["missing_key"].keys() == {"$.priority"}
    assert written["slices"]["perturbation"].keys() == {"(none)", "caps", "typos"}
    assert written["slices"]["perturbation"]["caps"]["valid_json"]["n"] > 0


def test_save_and_load_give_the_same_report(tmp_path: Path) -> None:
    REPORT.save(tmp_path / "report.json")
    assert ComplianceReport.load(tmp_path / "report.json") == REPORT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "not a compliance report of format 1"),
        ('{"format_version": 99}', "it says 99"),
        ('{"format_version": 1}', "not a compliance report"),
        ('{"format_version": 1, "contract": [], "fields": {}}', "not a compliance report"),
        ("[]", "holds no JSON object"),
        ("nonsense", "not a JSON file"),
    ],
)
def test_files_that_are_no_report_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        ComplianceReport.load(path)


def test_slices_of_every_dimension_sum_to_all_rows() -> None:
    assert REPORT.slices.keys() == {"perturbation", "group", "length", "channel"}
    for dimension, values in REPORT.slices.items():
        assert sum(rates["exact_match"].n for rates in values.values()) == 300, dimension
        assert sum(rates["exact_match"].count for rates in values.values()) == (
            REPORT.metrics["exact_match"].count
        )


def test_a_column_of_unique_values_is_not_sliced_and_that_is_said() -> None:
    n = MOST_SLICES + 1
    rows = [Example("t", TARGET, id=str(i), columns={"ticket": i}) for i in range(n)]
    report = evaluate(CONTRACT, rows, [Prediction(str(i), "{}") for i in range(n)])
    assert "ticket" not in report.slices
    assert "Not sliced by ticket: it has more than 1,000 values." in report.notes
    fewer = evaluate(CONTRACT, rows[:-1], [Prediction(str(i), "{}") for i in range(n - 1)])
    assert len(fewer.slices["ticket"]) == MOST_SLICES


def test_of_many_slices_the_surely_weak_ones_are_printed() -> None:
    rows = [Example("t", TARGET, id=f"{i:04d}", group=f"g{i // 4:03d}") for i in range(400)]
    rows.append(Example("t", TARGET, id="lone", group="lone"))
    bad = {row.id for row in rows if row.group in ("g042", "lone")}
    answers = [
        Prediction(row.id, "{}" if row.id in bad else CONTRACT.encode(TARGET)) for row in rows
    ]
    text = evaluate(CONTRACT, rows, answers).to_markdown()
    assert "by group, the weakest of 101" in text
    table = [line for line in text.splitlines() if line.startswith(("| `g", "| `lone"))]
    assert len(table) == 20
    assert table[0].startswith("| `g042`")


def test_columns_named_like_a_dimension_are_kept_apart() -> None:
    rows = [Example("t", TARGET, id=str(i), columns={"length": str(i)}) for i in range(2)]
    report = evaluate(CONTRACT, rows, [Prediction(str(i), "{}") for i in range(2)])
    assert report.slices.keys() == {"length", "columns.length"}


def test_robustness_counts_the_flips_of_each_perturbation() -> None:
    clean = [Example("t", TARGET, id=f"c{i}") for i in range(6)]
    children = [
        Example(
            "T", TARGET, id=f"p{i}", parent=f"c{i}", perturbations=("caps", "typos")[: 1 + i % 2]
        )
        for i in range(6)
    ]
    good, bad = CONTRACT.encode(TARGET), spoil(TARGET, "wrong_value")
    answers = [Prediction(f"c{i}", good if i < 4 else bad) for i in range(6)]
    answers += [Prediction(f"p{i}", bad if i < 3 else good) for i in range(6)]
    # Children first: their parents come later.
    report = evaluate(CONTRACT, children + clean, answers)
    caps = report.robustness["caps"]["exact_match"]
    assert (caps.clean, caps.perturbed, caps.lost, caps.won) == (Rate(4, 6), Rate(3, 6), 3, 2)
    assert caps.p == mcnemar_exact(3, 2)
    assert report.robustness["caps"]["$.priority"] == caps
    assert report.robustness["caps"]["$.intent"].lost == 0
    assert report.robustness["typos"]["exact_match"].clean.n == 3


def test_robustness_counts_a_row_once_whose_perturbation_was_made_twice() -> None:
    clean = [Example("t", TARGET, id=f"c{i}") for i in range(3)]
    # As composing two perturbed messages leaves them.
    twice = [
        Example("T", TARGET, id=f"p{i}", parent=f"c{i}", perturbations=("typos", "typos"))
        for i in range(3)
    ]
    answers = [Prediction(row.id, CONTRACT.encode(TARGET)) for row in clean]
    answers += [Prediction(row.id, "") for row in twice]
    flips = evaluate(CONTRACT, clean + twice, answers).robustness["typos"]["exact_match"]
    assert (flips.clean, flips.lost) == (Rate(3, 3), 3)


def test_robustness_knows_every_field_of_wide_contracts() -> None:
    names = [f"field_{i:03d}" for i in range(150)]
    contract = Contract.from_json_schema(
        {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    )
    target: dict[str, JsonValue] = dict.fromkeys(names, 1)
    rows = [
        Example("t", target, id="clean"),
        Example("T", target, id="caps", parent="clean", perturbations=("caps",)),
    ]
    wrong: dict[str, JsonValue] = {**target, names[-1]: 2}
    answers = [
        Prediction("clean", contract.encode(target)), Prediction("caps", contract.encode(wrong))
    ]  # fmt: skip
    flips = evaluate(contract, rows, answers).robustness["caps"]
    assert {name for name, one in flips.items() if one.lost} == {"exact_match", "$.field_149"}


def test_robustness_leaves_out_children_without_a_parent_among_the_rows() -> None:
    rows = [Example("t", TARGET, id="p", parent="absent", perturbations=("caps",))]
    assert evaluate(CONTRACT, rows, [Prediction("p", "{}")]).robustness == {}


def test_children_that_wait_for_their_parent_take_tens_of_bytes() -> None:
    n = 4_000
    tracemalloc.start()
    index = RowIndex(12)
    counter = RobustnessCounter([f"column {i}" for i in range(12)], index)
    before, _ = tracemalloc.get_traced_memory()
    for i in range(n):
        child = Example("t", None, id=f"p{i}", parent=f"c{i}", perturbations=("caps", f"p{i % 3}"))
        index.add(child.id)
        counter.add(child, i)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / n < 60
    # The parents of every second one come after all.
    for i in range(0, n, 2):
        index.add(f"c{i}")
        counter.add(Example("t", None, id=f"c{i}"), 0)
    flips = counter.finish()
    assert flips["caps"]["column 1"].perturbed == Rate(n // 4, n // 2)
    assert sum(flips[f"p{i}"]["column 0"].clean.n for i in range(3)) == n // 2


def test_confusion_counts_every_row_once() -> None:
    intent = REPORT.confusion["$.intent"]
    assert intent.labels == ("refund", "cancel", "billing", "tech_support", "shipping", "other")
    assert sum(sum(row.values()) for row in intent.counts.values()) == 300
    right = sum(row.get(label, 0) for label, row in intent.counts.items())
    assert right == REPORT.fields["$.intent"].count
    came = {label for row in intent.counts.values() for label in row}
    assert {"(other value)", "(no valid JSON)"} <= came
    assert {"true", "false"} == set(REPORT.confusion["$.needs_clarification"].labels)


def test_nulls_tell_invented_from_missed_values() -> None:
    without = {**TARGET, "entities": {"order_id": None, "product": None}}
    cases = [
        (TARGET, without),
        (TARGET, TARGET),
        (without, TARGET),
        (without, without),
        (TARGET, None),
    ]
    rows = [Example("t", expected, id=str(i)) for i, (expected, _) in enumerate(cases)]
    answers = [
        Prediction(str(i), "" if got is None else CONTRACT.encode(got))
        for i, (_, got) in enumerate(cases)
    ]
    nulls = evaluate(CONTRACT, rows, answers).nulls["$.entities.order_id"]
    assert (nulls.invented, nulls.missed) == (Rate(1, 2), Rate(2, 3))


def test_failures_are_bounded_reproducible_and_say_why() -> None:
    few = evaluate(CONTRACT, ROWS, ANSWERS, keep_failures=7)
    assert len(few.failures) == 7
    assert few.failures_total == 300 - few.metrics["exact_match"].count
    assert all(one in REPORT.failures for one in few.failures)
    by_id = {row.id: row for row in ROWS}
    for failure in REPORT.failures:
        outcome = CONTRACT.parse(failure.completion or "")
        assert [one.kind for one in failure.violations] == [one.kind for one in outcome.violations]
        assert failure.target == by_id[failure.id].target
        alone = evaluate(
            CONTRACT, [by_id[failure.id]], [Prediction(failure.id, failure.completion or "")]
        )
        assert failure.wrong == tuple(path for path, rate in alone.fields.items() if not rate.count)
    assert evaluate(CONTRACT, ROWS, ANSWERS, keep_failures=0).failures == ()


def test_long_texts_of_failures_are_cut_with_a_word() -> None:
    rows = [Example("x" * 10_000, TARGET, id="a")]
    failure = evaluate(CONTRACT, rows, [Prediction("a", "y" * 10_000)]).failures[0]
    assert len(failure.text) < 4_100
    assert failure.text.endswith("… (6,000 more characters)")


def test_more_rows_than_may_be_kept_keep_none() -> None:
    report = evaluate(CONTRACT, ROWS, ANSWERS, keep_rows=299)
    assert report.rows is None
    assert ComplianceReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert report.metrics == {
        name: replace(rate, effective_n=None) for name, rate in REPORT.metrics.items()
    }


def test_generation_sums_what_predictions_say() -> None:
    assert REPORT.generation.completion_tokens == 300 * 40
    assert REPORT.generation.seconds == pytest.approx(30.0)
    assert REPORT.generation.finish_reasons == {"stop": 300}


def test_answers_that_met_the_token_limit_are_told_wherever_a_rate_is_shown(
    tmp_path: Path,
) -> None:
    cut = [replace(one, finish_reason="length") if n < 7 else one for n, one in enumerate(ANSWERS)]
    report = evaluate(CONTRACT, ROWS, cut)
    assert report.generation.cut_off == 7
    assert "7 of 300 answers met the token limit" in report.to_markdown()
    write_html({"all": REPORT, "cut": report}, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("7 of 300 answers met the token limit") == 1
    assert "brought to an end): cut 7 of 300." in comparison_table({"all": REPORT, "cut": report})
    for text in (REPORT.to_markdown(), comparison_table({"all": REPORT})):
        assert "token limit" not in text


def test_the_long_table_suits_pandas() -> None:
    frame = pd.DataFrame(REPORT.table())
    metrics = frame[frame.part == "metrics"].set_index("name")
    assert metrics.loc["exact_match", "rate"] == REPORT.metrics["exact_match"].rate
    caps = frame[(frame.dimension == "perturbation") & (frame.value == "caps")]
    assert set(caps.name) == set(REPORT.metrics)
    assert ((frame.low <= frame.rate) & (frame.rate <= frame.high)).all()


def test_flat_metric_values_are_for_loggers() -> None:
    values = REPORT.metric_values()
    assert values["eval/schema_compliant"] == REPORT.metrics["schema_compliant"].rate
    assert values["eval/$.intent"] == REPORT.fields["$.intent"].rate


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'intent'; did you mean '\$\.intent'\?"):
        REPORT.rate("intent")


# -- counters


@given(st.lists(st.integers(0, 2**14 - 1), max_size=300))
def test_score_counter_counts_bits(scores: list[int]) -> None:
    counter = ScoreCounter(14)
    for score in scores:
        counter.add(score)
    assert counter.totals() == [sum(score >> i & 1 for score in scores) for i in range(14)]


def test_score_counter_stays_small_over_many_kinds_of_scores() -> None:
    counter = ScoreCounter(20)
    for score in range(50_000):
        counter.add(score)
    assert counter.totals()[0] == 25_000
    assert counter.n == 50_000


@given(st.permutations(range(1_200)))
@settings(max_examples=5, deadline=None)
def test_violation_paths_are_bounded_whatever_the_order(order: list[int]) -> None:
    def count(numbers: list[int]) -> dict[str, dict[str, int]]:
        counter = ViolationCounter()
        for i in numbers:
            counter.add([("extra_key", f"$.a.invented{i}"), ("wrong_type", f"$.list[{i}].x")])
        return counter.to_dict()

    assert count(order) == {"extra_key": {"$.a.*": 1_200}, "wrong_type": {"$.list[*].x": 1_200}}


def test_a_row_counts_once_for_violations_at_several_positions() -> None:
    counter = ViolationCounter()
    counter.add([("wrong_type", "$.list[0]"), ("wrong_type", "$.list[7]")])
    assert counter.to_dict() == {"wrong_type": {"$.list[*]": 1}}


def test_a_row_counts_once_for_all_the_paths_that_are_cut_to_one() -> None:
    counter = ViolationCounter()
    for row in range(200):
        counter.add(("extra_key", f'$["{row}.[{key}]"]') for key in range(10))
    assert counter.to_dict() == {"extra_key": {"$.*": 200}}


def test_paths_below_invented_keys_are_cut_further_up() -> None:
    counter = ViolationCounter()
    for row in range(3_000):
        keys = (row, 3_000 + row % 10)
        counter.add(("wrong_type", f"$.items.k{key}.q.{name}") for key in keys for name in "ab")
        counter.add([("wrong_type", "$.items")] if row % 2 else [("wrong_type", "$.rest[0].q")])
    paths = {"$.items.*": 3_000, "$.items": 1_500, "$.rest.*": 1_500}
    assert counter.to_dict() == {"wrong_type": paths}
    assert list(counter.to_dict()["wrong_type"]) == ["$.items.*", "$.items", "$.rest.*"]


def test_violations_deeper_than_completions_are_read_are_counted_too() -> None:
    counter = ViolationCounter()
    counter.add([("wrong_type", "$" + ".a" * 200), ("wrong_type", "$" + ".a" * 201)])
    assert counter.to_dict() == {"wrong_type": {"$" + ".a" * 64 + ".*": 1}}


# -- texts


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0%"), (0.0001, "<0.1%"), (0.5, "50.0%"), (0.99999, ">99.9%"), (1, "100.0%")],
)
def test_percent_never_rounds_to_all_or_nothing(share: float, text: str) -> None:
    assert percent(share) == text


def test_points_are_signed() -> None:
    assert [points(one) for one in (0.031, -0.031, 0.0001)] == ["+3.1", "−3.1", "0.0"]


def test_markdown_tables_line_up_and_hold_anything() -> None:
    table = markdown_table(("a|b", "n"), [("日本\nx", "1"), ("`", "200")])
    lines = table.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("| a\\|b   |")
    assert lines[1] == "| ------ | --: |"


@pytest.mark.parametrize(
    ("text", "marked"), [("a", "`a`"), ("a`b", "`` a`b ``"), ("a\nb", "`a b`")]
)
def test_code_holds_backticks(text: str, marked: str) -> None:
    assert code(text) == marked


def test_the_markdown_report_names_what_matters() -> None:
    text = REPORT.to_markdown()
    for part in (
        "valid JSON",
        "`$.entities.order_id`",
        "`missing_key`",
        "Not counted:",
        "`caps`",
        "by channel",
    ):
        assert part in text


def test_aligned_lines_hold_wide_and_broken_text() -> None:
    rows = [("名前", "1"), ("a\nb\ud800", "22"), ("e\u0301", "333")]
    assert aligned_lines(rows, align="lr") == ["名前    1", "a b    22", "e\u0301     333"]
    assert aligned_lines([("a", "b"), ("long", "c")]) == ["a     b", "long  c"]


def test_requirements_of_a_bound_say_what_n_rows_can_show() -> None:
    report = evaluate(CONTRACT, examples(20), predictions(examples(20), spoilt=0.0))
    rate, bound = judge(report, ["exact_match>=0.5", "lower(exact_match)>=99%"])
    assert str(rate) == "passed: exact_match>=0.5 (100.0%, n=20)"
    assert not bound.passed
    assert "with n=20 even a perfect score has a lower bound of" in str(bound)


def test_percentages_and_shares_are_the_same_gate() -> None:
    for thousandths in range(1_001):
        percentage = Requirement.parse(f"exact_match>={thousandths / 10}%")
        # What `thousandths` right rows of 1,000 have as their rate passes.
        assert percentage.minimum == thousandths / 1_000
        assert percentage == Requirement.parse(f"exact_match>={thousandths / 1_000}")


@pytest.mark.parametrize("minimum", ["100.1%", "1.5", "9" * 400, "9" * 5_000, ".", "0.9.9"])
def test_minima_that_are_no_rate_are_refused(minimum: str) -> None:
    with pytest.raises(UsageError, match="is not a rate between 0 and 1"):
        Requirement.parse(f"exact_match>={minimum}")


def test_a_column_keeps_values_of_different_types_apart() -> None:
    values = [1, "1", None, "null", "2024-01", True]
    rows = [
        Example("text", TARGET, id=str(i), columns={"week": value})
        for i, value in enumerate(values)
    ]
    weeks = evaluate(CONTRACT, rows, predictions(rows)).slices["week"]
    assert set(weeks) == {"1", '"1"', "null", '"null"', "2024-01", "true"}
