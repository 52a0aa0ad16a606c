from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora.jsonvalue import JsonValue, canonical_json, freeze, json_equal, type_name

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)  # fmt: skip


@given(value=values)
def test_canonical_text_parses_back(value: JsonValue):
    text = canonical_json(value)
    assert json_equal(json.loads(text), value)
    assert text.encode("utf-8")


def test_canonical_text_has_no_spaces_and_keeps_unicode():
    assert canonical_json({"b": [1, 2.50], "a": "é ü"}) == '{"b":[1,2.5],"a":"é ü"}'


def test_a_lone_surrogate_becomes_an_escape():
    text = canonical_json({"a": "\ud800"})
    assert text == '{"a":"\\ud800"}'
    assert json.loads(text) == {"a": "\ud800"}


def test_nan_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


@given(left=values, right=values)
def test_freeze_agrees_with_equality(left: JsonValue, right: JsonValue):
    assert (freeze(left) == freeze(right)) == json_equal(left, right)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        (None, 0, False),
        ("1", 1, False),
        ([True], [1], False),
    ],
)
def test_equality_is_json_s(left: JsonValue, right: JsonValue, equal: bool):
    assert json_equal(left, right) is equal


def test_type_names():
    assert [type_name(one) for one in (None, True, 1, 1.5, "", [], {})] == [
        "null", "boolean", "number", "number", "string", "array", "object",
    ]  # fmt: skip
