from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.grounding import Extraction, ground
from schemalora.perturbations import (
    INJECTION_FAMILIES,
    Casing,
    Distractors,
    DroppedPunctuation,
    Injection,
    Passage,
    Typos,
    WhiteSpace,
    by_name,
    catalogue,
    injections,
    perturb,
)
from schemalora.records import Example

CONTRACT = Contract.from_json_schema(
    {
        "title": "Order",
        "type": "object",
        "properties": {
            "intent": {"enum": ["buy", "sell"]},
            "number": {"type": ["string", "null"]},
            "price": {"type": ["number", "null"]},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["intent", "number", "price", "tags"],
        "additionalProperties": False,
    }
)
EXTRACTION = Extraction(CONTRACT)
NAMES = sorted(catalogue(CONTRACT))


def example(text: str, **target: object) -> Example:
    return Example(
        text=text,
        target={"intent": "buy", "number": None, "price": None, "tags": [], **target},
        id="clean",
        group="g",
    )


WORDS = st.sampled_from(
    "please send this thing to my office before Monday, okay? Thanks. Don't wait!".split()
)
VALUES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12
)


@pytest.mark.parametrize("name", NAMES)
@given(
    words=st.lists(WORDS, max_size=20),
    value=VALUES,
    price=st.floats(0, 1e6),
    at=st.integers(0, 20),
    seed=st.integers(0, 10**6),
)
def test_no_perturbation_damages_an_extracted_value(
    name: str, words: list[str], value: str, price: float, at: int, seed: int
):
    words = [*words[:at], value, *words[at:], str(price)]
    clean = example(" ".join(words), number=value, price=price)
    child = perturb(clean, by_name(CONTRACT, [name]), contract=EXTRACTION, seed=seed)
    assert value in child.text
    assert ground(price, child.text) == "verbatim"
    assert ground(value, clean.text) != "verbatim" or ground(value, child.text) == "verbatim"


@given(seed=st.integers(0, 10**6), names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_perturbations_compose_and_are_recorded_in_order(seed: int, names: list[str]):
    clean = example("Please send order ORD-12 to my office. It can not wait.", number="ORD-12")
    child = perturb(
        clean, [catalogue(CONTRACT)[name] for name in names], contract=CONTRACT, seed=seed
    )
    assert "ORD-12" in child.text
    assert (child.target, child.group, child.parent) == (clean.target, "g", "clean")
    assert child.seed == seed
    remaining = iter(names)
    assert all(name in remaining for name in child.perturbations)
    assert (
        perturb(clean, [catalogue(CONTRACT)[name] for name in names], contract=CONTRACT, seed=seed)
        == child
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_perturbation_changes_an_ordinary_text_and_varies(name: str):
    clean = example("Hello there, please send order ORD-12 to you. It can't wait.", number="ORD-12")
    texts = {
        perturb(clean, by_name(CONTRACT, [name]), contract=EXTRACTION, seed=seed).text
        for seed in range(40)
    }
    changed = texts - {clean.text}
    assert len(changed) >= (2 if name in ("dropped_punctuation", "casing") else 5)


def test_what_did_not_change_is_returned_as_it_was():
    clean = example("ORD-12", number="ORD-12")
    assert perturb(clean, [Typos()], contract=EXTRACTION, seed=0) is clean


def test_children_of_children_point_to_the_clean_example():
    clean = example("Please send order ORD-12 to my office.", number="ORD-12")
    child = perturb(clean, [WhiteSpace()], contract=EXTRACTION, seed=0)
    grandchild = perturb(child, [Typos()], contract=EXTRACTION, seed=1)
    assert grandchild.parent == "clean"
    assert grandchild.perturbations == ("white_space", "typos")


def test_marked_words_are_left_alone():
    text = "Please do this urgently today"
    span = (text.index("urgently"), text.index("urgently") + len("urgently"))
    for seed in range(30):
        child = perturb(
            example(text),
            [Typos(rate=1.0), Casing(("upper",))],
            contract=EXTRACTION,
            seed=seed,
            marks=[span],
        )
        assert "urgently" in child.text


def test_values_in_another_notation_are_left_alone_too():
    text = "Please send it for 1,234.50 euros then"
    for seed in range(30):
        child = perturb(
            example(text, price=1234.5), by_name(CONTRACT, ["all"]), contract=EXTRACTION, seed=seed
        )
        assert "1,234.50" in child.text


def test_marks_that_hold_values_apart_stay():
    clean = example("red,blue, and green.", tags=["red", "blue", "green"])
    child = perturb(clean, [DroppedPunctuation(rate=1.0)], contract=EXTRACTION, seed=0)
    assert child.text == "red,blue and green"


def test_distractors_never_share_a_prefix_with_an_extracted_value():
    clean = example("The bill is INV-100. Please check.", number="INV-100")
    for seed in range(200):
        child = perturb(clean, [Distractors()], contract=EXTRACTION, seed=seed)
        assert child.text.count("INV-") == 1


@pytest.mark.parametrize("family", INJECTION_FAMILIES)
def test_injections_aim_at_the_contract(family: str):
    (attack,) = injections(CONTRACT, families=[family])
    texts = {attack.text(Random(seed)) for seed in range(200)}
    assert attack.name == f"injection:{family}"
    assert len(texts) >= 7
    if family != "format_hijack":
        assert any("intent" in text for text in texts)
    assert not any("{" + slot in text for text in texts for slot in ("order}", "Order}", "json}"))


def test_forged_answers_have_the_contracts_keys():
    (attack,) = injections(CONTRACT, families=["json_smuggling"])
    answers = [json.loads(forged) for forged in attack.forged]
    assert all(list(answer) == ["intent", "number", "price", "tags"] for answer in answers)
    assert {answer["intent"] for answer in answers} == {"buy", "sell"}


def test_unknown_names_are_refused_with_those_known():
    with pytest.raises(UsageError, match=r"no perturbation 'typo' \(known: typos"):
        by_name(CONTRACT, ["typo"])
    with pytest.raises(UsageError, match="no injection family"):
        Injection("magic", (), ())
    assert len(by_name(CONTRACT, ["injection"])) == len(INJECTION_FAMILIES)
    assert len(by_name(CONTRACT, ["all", "typos"])) == len(NAMES)


@given(st.text(), st.lists(st.text(min_size=1), max_size=3), st.integers(0, 100))
def test_passages_are_their_text_and_hold_their_values(text: str, values: list[str], seed: int):
    passage = Passage.of(text, values=values)
    assert passage.text == text
    assert passage.edit(lambda run: run).text == text
    inserted = passage.insert("XX", Random(seed))
    assert (
        inserted.text.replace("XX ", "", 1) == text or inserted.text.replace(" XX", "", 1) == text
    )
