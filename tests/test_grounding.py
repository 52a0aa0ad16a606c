from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemalora.contract import Contract, Derived, Extracted, FreeText
from schemalora.grounding import Extraction, ground, merge_spans, scalars, skeleton, value_spans


class Line(BaseModel):
    sku: str
    kind: Literal["new", "used"]
    note: Annotated[str, FreeText()]


class Invoice(BaseModel):
    number: Annotated[str, Extracted()]
    total: float
    paid: bool
    score: Annotated[int, Derived()]
    lines: list[Line]
    tags: list[str] | None


def test_extraction_follows_each_relation_down_to_the_items_of_lists():
    target = {
        "number": "INV-7",
        "total": 12.5,
        "paid": True,
        "score": 3,
        "lines": [
            {"sku": "A1", "kind": "new", "note": "blue"},
            {"sku": "B2", "kind": "used", "note": ""},
        ],
        "tags": ["x", "y"],
    }
    found = Extraction(Contract.from_model(Invoice)).values(target)
    assert [value for _, value in found] == ["INV-7", 12.5, "A1", "B2", "x", "y"]
    assert {path for path, _ in found} == {"$.number", "$.total", "$.lines", "$.tags"}


def test_extraction_says_nothing_of_null_empty_and_missing_values():
    extraction = Extraction(Contract.from_model(Invoice))
    assert extraction.values({"number": "", "total": None, "tags": None, "lines": []}) == []
    assert extraction.values("not an object") == []


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("ORD-12345", "about ORD-12345, please", "verbatim"),
        ("ORD-1234", "about ORD-12345, please", "inside_word"),
        ("Nimbus 3", "my nimbus 3 is broken", "other_case"),
        ("art", "the party", "inside_word"),
        ("Acme", "Acme's offer", "verbatim"),
        ("desk lamp", "the desk\n  lamp", "verbatim"),
        ("café", "the cafe\u0301 there", "verbatim"),
        ("苹果", "我买苹果手机", "verbatim"),
        ("green", "it is blue", "absent"),
        (1234.5, "we paid 1,234.50 for it", "verbatim"),
        (1234.5, "we paid 1.234,50 for it", "verbatim"),
        (3, "three of them", "verbatim"),
        (3, "there are 13", "inside_word"),
        (5, "5kg", "verbatim"),
        (0.25, "a discount of 25%", "verbatim"),
        (10, "there is none", "absent"),
        ("2024-05-03", "on May 3rd, 2024", "verbatim"),
        ("2024-05-03", "on 3 May", "verbatim"),
        ("2024-05-03", "on 03.05.2024", "verbatim"),
        ("2024-05-03", "tomorrow", "absent"),
        ("14:30:00", "at 2:30 pm", "verbatim"),
        ("12.50", "$12.5 a piece", "verbatim"),
        ("https://example.com/", "see example.com", "verbatim"),
        (10**400, "a lot", "absent"),
    ],
)
def test_ground(value: object, text: str, expected: str):
    assert ground(value, text) == expected


@given(st.text(min_size=1), st.text(), st.text())
def test_what_stands_between_spaces_is_grounded(value: str, before: str, after: str):
    assert ground(value, f"{before} {value} {after}") == "verbatim"


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    st.text(),
)
def test_ground_never_raises(value: object, text: str):
    assert ground(value, text) in ("verbatim", "other_case", "inside_word", "absent")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10))))
def test_merged_spans_are_apart_and_cover_the_same(pairs: list[tuple[int, int]]):
    spans = [(start, start + length) for start, length in pairs]
    merged = merge_spans(spans)
    assert all(left[1] < right[0] for left, right in pairwise(merged))
    assert {at for a, b in merged for at in range(a, b)} == {
        at for a, b in spans for at in range(a, b)
    }


def test_objects_of_any_shape_are_searched_through():
    contract = Contract.from_json_schema(
        {
            "type": "object",
            "properties": {
                "any": {},
                "either": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"const": 1}]},
            },
        }
    )
    target = {"any": {"a": ["x", {"b": "y"}]}, "either": ["z"]}
    found = Extraction(contract).values(target)
    assert {value for _, value in found} == {"x", "y", "z"}
    assert Extraction(contract).values({"either": {"no": "branch"}}) == [("$.either", "branch")]
    assert list(scalars({"a": [1, {"b": None}], "c": "d"})) == [1, None, "d"]


def test_value_spans_find_values_in_other_notations():
    text = "My NIMBUS 3, bought May 3rd, 2024 for 1,234.50"
    found = [text[a:b] for a, b in value_spans(text, ["Nimbus 3", "2024-05-03", 1234.5])]
    assert found == ["NIMBUS 3", "May 3rd, 2024", "1,234.50"]


def test_skeletons_agree_but_for_values_digits_case_and_punctuation():
    one = skeleton("Refund order ORD-11111, my Veltro broke after 3 days!", ["ORD-11111", "Veltro"])
    two = skeleton("refund order ORD-9   my Kettle X2 broke after 14 days", ["ORD-9", "Kettle X2"])
    assert one == two
    assert one != skeleton("refund order ORD-9, my Kettle X2 works", ["ORD-9", "Kettle X2"])


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_skeletons_hold_no_digits(text: str, values: list[str]):
    assert not re.search(r"[0-9]", skeleton(text, values))


def test_texts_whose_length_changes_in_lower_case_are_searched_verbatim_only():
    assert value_spans("\u0130 ABC", ["abc"]) == []
    assert value_spans("\u0130 abc", ["abc"]) == [(2, 5)]
