"""A clean set, and one planted fault after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemalora.audit import FINDING_KINDS, AuditReport, audit
from schemalora.contract import Contract, Derived, Extracted, FreeText
from schemalora.errors import UsageError
from schemalora.records import Example


class Ticket(BaseModel):
    intent: Annotated[Literal["buy", "sell", "ask"], Derived()]
    number: Annotated[str | None, Extracted()]
    reply: Annotated[str | None, FreeText()]


CONTRACT = Contract.from_model(Ticket)
INTENTS = ("buy", "sell", "ask")


def clean(count: int = 90, *, start: int = 0, word: str = "train") -> list[Example]:
    """Rows without fault: every cell, every text its own, every number in its text."""
    return [
        Example(
            text=f"{word} {'abcdefghij'[at % 10]}{'klmnopqrst'[at // 10 % 10]} {INTENTS[at % 3]}"
            + (f" number X-{at}" if at % 2 else ""),
            target={
                "intent": INTENTS[at % 3],
                "number": f"X-{at}" if at % 2 else None,
                "reply": "sure" if at % 4 else None,
            },
            id=f"{word}-{at}",
        )
        for at in range(start, start + count)
    ]


Plant = Callable[[list[Example], list[Example]], list[str]]


def invalid_target(rows: list[Example], others: list[Example]) -> list[str]:
    rows[3] = replace(rows[3], target={"intent": "steal", "number": "X-3", "reply": None})
    rows[5] = replace(rows[5], target={"intent": "ask", "number": "X-5"})
    return ["train-3", "train-5"]


def ungrounded_value(rows: list[Example], others: list[Example]) -> list[str]:
    rows[7] = replace(rows[7], text="train zz sell number X-70")
    rows[9] = replace(rows[9], text="train yy buy")
    return ["train-7", "train-9"]


def conflicting_targets(rows: list[Example], others: list[Example]) -> list[str]:
    rows[12] = replace(rows[12], text=rows[10].text)
    return ["train-10", "train-12"]


def duplicate_text(rows: list[Example], others: list[Example]) -> list[str]:
    rows.append(replace(rows[20], id="copy"))
    # Only the wording of free text differs, which counts for nothing.
    rows.append(replace(rows[22], id="copy-2", target={**rows[22].target, "reply": "well"}))
    return ["copy", "copy-2"]


def verbatim_leak(rows: list[Example], others: list[Example]) -> list[str]:
    others.append(replace(rows[30], id="leaked"))
    return ["train-30"]


def skeleton_leak(rows: list[Example], others: list[Example]) -> list[str]:
    text = rows[31].text.upper().replace("X-31", "X-999") + "!"
    others.append(
        replace(rows[31], id="leaked", text=text, target={**rows[31].target, "number": "X-999"})
    )
    return ["train-31"]


def uncovered_cell(rows: list[Example], others: list[Example]) -> list[str]:
    rows[:] = [row for row in rows if row.target["intent"] != "ask"]
    return []


def imbalance(rows: list[Example], others: list[Example]) -> list[str]:
    kept = [row for row in rows if row.target["intent"] != "ask"]
    rows[:] = [*kept, rows[2]]
    return []


def oversized(rows: list[Example], others: list[Example]) -> list[str]:
    rows[40] = replace(rows[40], text=rows[40].text + " blah" * 300)
    return ["train-40"]


PLANTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        invalid_target, ungrounded_value, conflicting_targets, duplicate_text, verbatim_leak,
        skeleton_leak, uncovered_cell, imbalance, oversized,
    )
}  # fmt: skip
WARNINGS = {"duplicate_text", "imbalance"}


def judge(rows: list[Example], others: list[Example]) -> AuditReport:
    return audit(
        rows, CONTRACT, others, count_tokens=lambda text: len(text.split()), max_tokens=100
    )


def test_every_kind_is_planted():
    assert set(PLANTS) == set(FINDING_KINDS)


def test_a_clean_set_has_no_findings():
    report = judge(clean(), clean(word="eval"))
    assert report.findings == ()
    assert report.ok
    assert (report.n, report.against_n) == (90, 90)


@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_fault_is_found_and_nothing_else(kind: str):
    rows, others = clean(), clean(word="eval")
    ids = PLANTS[kind](rows, others)
    report = judge(rows, others)
    assert {one.kind for one in report.findings} == {kind}
    assert report.ok == (kind in WARNINGS)
    if ids:
        assert sorted(id_ for one in report.findings for id_ in one.ids) == sorted(ids)
        assert sum(one.count for one in report.findings) == len(ids)


@given(
    st.sets(
        st.sampled_from([kind for kind in PLANTS if kind not in ("uncovered_cell", "imbalance")])
    )
)
def test_faults_do_not_hide_each_other(kinds: set[str]):
    rows, others = clean(), clean(word="eval")
    planted = {kind: PLANTS[kind](rows, others) for kind in PLANTS if kind in kinds}
    report = judge(rows, others)
    found: dict[str, list[str]] = {}
    for one in report.findings:
        found.setdefault(one.kind, []).extend(one.ids)
    assert {kind: sorted(ids) for kind, ids in found.items()} == {
        kind: sorted(ids) for kind, ids in planted.items()
    }


def test_a_value_in_another_case_is_only_a_warning():
    rows = clean()
    rows[7] = replace(rows[7], text=rows[7].text.lower().replace("x-7", "x-7"))
    report = audit(rows, CONTRACT)
    assert [(one.kind, one.severity, one.ids) for one in report.findings] == [
        ("ungrounded_value", "warning", ("train-7",))
    ]


def test_kinds_can_be_left_out():
    rows, others = clean(), clean(word="eval")
    verbatim_leak(rows, others)
    assert audit(rows, CONTRACT, others, ignore=["verbatim_leak"]).findings == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 5}, "count_tokens"),
        ({"count_tokens": len}, "max_tokens"),
        ({"ignore": ["typo"]}, "no finding kind 'typo'"),
    ],
)
def test_wrong_use_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(UsageError, match=message):
        audit(clean(), CONTRACT, **options)


def test_no_rows_are_refused():
    with pytest.raises(UsageError, match="no rows"):
        audit([], CONTRACT)


@given(
    st.lists(
        st.builds(
            Example,
            text=st.text(),
            target=st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["intent", "number", "reply", "x"]), inner)
                ),
            ),
            id=st.uuids().map(str),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_rows_can_be_audited(rows: list[Example]):
    report = audit(rows, CONTRACT, rows)
    assert report.n == len(rows)
    assert AuditReport.to_markdown(report)


def test_what_is_no_json_value_is_an_invalid_target():
    for value in (float("nan"), {1, 2}, b"bytes"):
        rows = [*clean(), Example(text="odd", target=value, id="odd")]
        (finding,) = audit(rows, CONTRACT).findings
        assert (finding.kind, finding.ids) == ("invalid_target", ("odd",))
