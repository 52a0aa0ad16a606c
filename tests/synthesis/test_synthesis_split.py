from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemalora.errors import UsageError
from schemalora.grounding import skeleton
from schemalora.records import Example
from schemalora.synthesis import split


def row(at: int, words: str, group: str = "", **options: object) -> Example:
    return Example(
        text=f"{words} V{at}", target={"v": f"V{at}"}, id=str(at), group=group, **options
    )


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["one thing", "two things", "a b c", "d e f", "g", "h i", "j k", "l m n"]),
        st.sampled_from(["", "t1", "t2", "t3", "t4", "t5", "t1+t2"]),
    ),
    min_size=2,
    max_size=40,
)


@given(ROWS, st.floats(0.05, 0.6), st.integers(0, 5))
def test_no_group_and_no_skeleton_stands_on_both_sides(
    specs: list[tuple[str, str]], fraction: float, seed: int
):
    rows = [row(at, words, group) for at, (words, group) in enumerate(specs)]
    try:
        train, held_out = split(rows, eval_fraction=fraction, seed=seed)
    except UsageError as error:
        assume("tied together" not in str(error))
        raise

    def groups(side: list[Example]) -> set[str]:
        return {part for one in side for part in one.group.split("+") if part}

    def skeletons(side: list[Example]) -> set[str]:
        return {skeleton(one.text, [str(one.target["v"])]) for one in side}

    assert train
    assert held_out
    assert not groups(train) & groups(held_out)
    assert not skeletons(train) & skeletons(held_out)
    assert sorted(one.id for one in (*train, *held_out)) == sorted(one.id for one in rows)


def test_the_fraction_is_met_as_closely_as_groups_allow():
    rows = [row(at, f"{'abcdefghij'[at % 10] * 3} word", f"t{at % 10}") for at in range(1000)]
    train, held_out = split(rows, eval_fraction=0.2, seed=3)
    assert (len(train), len(held_out)) == (800, 200)
    assert split(rows, eval_fraction=0.2, seed=3)[1] == held_out
    assert split(rows, eval_fraction=0.2, seed=4)[1] != held_out


def test_children_stay_with_their_parents():
    parents = [row(at, f"{chr(97 + at)} word", id_) for at, id_ in enumerate([""] * 10)]
    children = [
        Example(text=f"other {chr(97 + at)}{chr(97 + at)}", target=1, id=f"c{at}", parent=str(at))
        for at in range(10)
    ]
    train, held_out = split([*parents, *children], eval_fraction=0.3)
    for side in (train, held_out):
        ids = {one.id for one in side}
        assert {f"c{one}" for one in ids if not one.startswith("c")} == {
            one for one in ids if one.startswith("c")
        }


def test_families_of_templates_and_perturbations_are_held_out():
    rows = [
        row(
            at,
            f"{chr(97 + at % 20)} word",
            f"{'new' if at % 20 < 4 else 'old'}/{at % 20}",
            perturbations=("injection:json_smuggling",) if at % 3 == 0 else (),
        )
        for at in range(300)
    ]
    train, held_out = split(
        rows, eval_fraction=0.1, eval_groups=["new/*"], eval_perturbations=["injection:json*"]
    )
    assert {one.group.split("/")[0] for one in held_out} == {"new"}
    assert {one.group.split("/")[0] for one in train} == {"old"}
    assert not any(one.perturbations for one in train)
    assert any(one.perturbations for one in held_out)


def test_what_cannot_be_split_says_why():
    tied = [row(at, "same words", "t") for at in range(10)]
    with pytest.raises(UsageError, match="tied together"):
        split(tied)
    with pytest.raises(UsageError, match="no examples"):
        split([])
    with pytest.raises(UsageError, match="eval_fraction"):
        split(tied, eval_fraction=1)
    with pytest.raises(UsageError, match="nothing is left"):
        split([row(0, "a", "x"), row(1, "b", "y")], eval_groups=["*"])
