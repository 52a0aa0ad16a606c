from __future__ import annotations

from random import Random

from schemalora.jsonvalue import JsonValue
from schemalora.records import Example
from schemalora.synthesis import JOINTS, MissingInformation, MultiIntent, Rendering

ORDER = Example(
    text="Refund ORD-7, please.",
    target={"intent": "refund", "id": "ORD-7", "ask": False},
    id="a",
    group="t1",
)
PRAISE = Example(
    text="I love it.", target={"intent": "other", "id": None, "ask": False}, id="b", group="t2"
)


def winner(first: JsonValue, second: JsonValue) -> JsonValue:
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    return first if first["intent"] == "refund" else second


def without_id(target: JsonValue) -> JsonValue:
    assert isinstance(target, dict)
    return {**target, "id": None, "ask": True}


def test_two_messages_join_by_the_rule_in_either_order():
    join = MultiIntent(winner)
    for pair in ((ORDER, PRAISE), (PRAISE, ORDER)):
        joined = join(*pair, Random(1))
        assert joined.target == ORDER.target
        assert joined.text.startswith(pair[0].text)
        assert joined.text.endswith(pair[1].text)
        assert joined.text[len(pair[0].text) : -len(pair[1].text)] in JOINTS
        assert joined.group == f"{pair[0].group}+{pair[1].group}"
        assert joined.perturbations == ("multi_intent",)
        assert joined.parent == pair[0].id
    assert join(PRAISE, ORDER, Random(1), parent=ORDER).parent == "a"


def test_missing_information_edits_the_text_where_nothing_renders_it_anew():
    operator = MissingInformation(("id",), without_id, stand_ins=("my order",))
    child = operator(ORDER, Random(0))
    assert child is not None
    assert child.text == "Refund my order, please."
    assert child.target == {"intent": "refund", "id": None, "ask": True}
    assert (child.parent, child.group) == ("a", "t1")
    assert child.perturbations == ("missing_information:id",)
    assert child.id != "a"


def test_missing_information_renders_anew_where_it_can():
    operator = MissingInformation(
        ("id",), without_id, render=lambda target, example: Rendering("Refund it.", example.group)
    )
    child = operator(ORDER, Random(0))
    assert child is not None
    assert child.text == "Refund it."


def test_missing_information_gives_nothing_where_there_is_nothing_to_drop():
    operator = MissingInformation(("id",), without_id)
    assert operator(PRAISE, Random(0)) is None
    assert MissingInformation(("id",), lambda target: target)(ORDER, Random(0)) is None
    unsayable = MissingInformation(("id",), without_id, render=lambda target, example: None)
    assert unsayable(ORDER, Random(0)) is None
