"""How the rows of a pass are put into groups for attention."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemalora.inference.packed import Feed, alike

FEEDS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 200)), min_size=1, max_size=8)


def cost_of(feeds: list[Feed], groups: list[list[int]], prefix: int, cost: int) -> int:
    total = 0
    for group in groups:
        width = max(len(feeds[i].tokens) for i in group)
        end = max(feeds[i].start + len(feeds[i].tokens) for i in group)
        total += cost + len(group) * width * (prefix + end)
    return total


def every_way(feeds: list[Feed]) -> list[list[list[int]]]:
    """All ways to cut the feeds, sorted by length and how far on they are, into groups."""

    def kind(place: int) -> tuple[int, int]:
        length = len(feeds[place].tokens)
        return length, (feeds[place].start + length) // 64

    order = sorted(range(len(feeds)), key=kind, reverse=True)
    places = [n for n in range(1, len(order)) if kind(order[n]) != kind(order[n - 1])]
    ways: list[list[list[int]]] = []
    for count in range(len(places) + 1):
        for cuts in combinations(places, count):
            edges = [0, *cuts, len(order)]
            ways.append([order[a:b] for a, b in pairwise(edges)])
    return ways


@given(FEEDS, st.integers(0, 300), st.integers(0, 20_000))
def test_no_way_to_cut_the_sorted_feeds_is_cheaper(
    sizes: list[tuple[int, int]], prefix: int, cost: int
) -> None:
    feeds = [
        Feed(row=row, tokens=range(length), start=start)
        for row, (length, start) in enumerate(sizes)
    ]
    groups = alike(feeds, prefix, cost)
    assert sorted(i for group in groups for i in group) == list(range(len(feeds)))
    assert all(group == sorted(group) for group in groups)
    cheapest = min(cost_of(feeds, way, prefix, cost) for way in every_way(feeds))
    assert cost_of(feeds, groups, prefix, cost) == cheapest


def test_a_long_prompt_does_not_pad_short_drafts() -> None:
    feeds = [Feed(row=row, tokens=range(400 if row == 3 else 5), start=0) for row in range(20)]
    groups = alike(feeds, 0, 10_000)
    assert sorted(map(len, groups)) == [1, 19]


def test_a_row_that_is_far_on_does_not_make_all_others_look_as_far() -> None:
    feeds = [Feed(row=row, tokens=range(8), start=2000 if row == 5 else 100) for row in range(32)]
    assert sorted(map(len, alike(feeds, 0, 10_000))) == [1, 31]
