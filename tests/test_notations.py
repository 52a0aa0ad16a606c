from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora.notations import is_moment, notations


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, {"true"}),
        (None, {"null"}),
        (7, {"7", "seven", "7.00"}),
        (100, {"100", "hundred"}),
        (21, {"21"}),
        (1234567.5, {"1,234,567.5", "1.234.567,50", "1 234 567.50"}),
        (0.5, {"0.5", "50%", "0,5"}),
        (10**20, {str(10**20)}),
        ("007", {"007", "7"}),
        ("2024-02-30", {"2024-02-30"}),
        (
            "2024-03-02",
            {"2 March 2024", "March 2nd", "02.03.2024", "3/2/24", "2. March", "2024/03/02"},
        ),
        ("2024-03-11T08:00:00Z", {"11th of March 2024", "Mar. 11"}),
        ("12:00", {"noon", "12 pm", "12h"}),
        ("00:00:00", {"midnight", "12:00 am"}),
        ("21:05", {"9:05 pm", "9.05pm", "21.05"}),
        ("https://www.example.com/a/", {"example.com/a", "www.example.com/a"}),
        ("plain words", {"plain words"}),
    ],
)
def test_notations(value: object, expected: set[str]):
    found = notations(value)
    assert expected <= set(found)
    if len(expected) == 1 and value not in (21,):
        assert set(found) == expected
    assert len(set(found)) == len(found)


def test_moments_are_dates_and_times_only():
    assert all(map(is_moment, ["2024-03-02", "2024-03-02T10:00:00+01:00", "10:30", "10:30:00.5Z"]))
    assert not any(map(is_moment, ["2024", "soon", 5, None, "10-30"]))


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.dates().map(str),
        st.times().map(str),
        st.datetimes().map(lambda moment: moment.isoformat()),
        st.decimals(allow_nan=False, allow_infinity=False).map(str),
    )
)
def test_the_plain_notation_comes_first_and_none_is_empty(value: object):
    plain, *others = notations(value)
    assert isinstance(value, (bool, int, float, type(None))) or plain == value
    assert all(others)
