from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemalora.errors import UsageError
from schemalora.synthesis.compiling import Compiler
from schemalora.synthesis.grammar import parse_template, slot_names


def says(template: str, banks: dict[str, tuple[str, ...]] | None = None, **values: str) -> set[str]:
    """Everything that a template says in many draws."""
    parsed = {name: tuple(map(parse_template, phrases)) for name, phrases in (banks or {}).items()}
    compiled = Compiler(frozenset(values), parsed).compile(parse_template(template))
    if compiled is None:
        return set()
    said: set[str] = set()
    for seed in range(60):
        pieces: list[tuple[str, bool]] = []
        compiled.emit(values, Random(seed), pieces)
        said.add("".join(text for text, _ in pieces))
    return said


def test_alternatives_nest_and_may_be_empty():
    assert says("a(b|c(d|))!") == {"ab!", "acd!", "ac!"}


def test_fallback_takes_the_first_alternative_whose_slots_have_values():
    assert says("[my {x}|it] broke", x="Veltro") == {"my Veltro broke"}
    assert says("[my {x}|it] broke") == {"it broke"}
    assert says("so[ with {x}]") == {"so"}


def test_a_slot_without_a_value_makes_a_template_unfit():
    assert says("my {x}") == set()
    assert says("(my {x}|it)") == {"it"}


def test_banks_are_templates_and_values_go_before_them():
    banks = {"thing": ("[the {x}|it]", "that"), "x": ("never",)}
    assert says("{thing}", banks, x="Veltro") == {"the Veltro", "that"}
    assert says("{x}", banks, x="Veltro") == {"Veltro"}


@pytest.mark.parametrize("phrase", ["{}", "({}|{})"])
def test_long_banks_hardly_ever_repeat_themselves_in_one_text(phrase: str):
    banks = {"word": tuple(phrase.replace("{}", letter) for letter in "abcdefgh")}
    texts = says("{word} {word} {word}", banks)
    repeats = sum(len(set(text.split())) < 3 for text in texts)
    # A third of them would repeat a word if nothing were done.
    assert repeats <= 3 < len(texts) / 10


def test_marked_words_and_values_are_protected():
    compiled = Compiler(frozenset({"x"}), {}).compile(parse_template("a {x} <b (c|c) {x}> d"))
    pieces: list[tuple[str, bool]] = []
    assert compiled is not None
    compiled.emit({"x": "V"}, Random(0), pieces)
    assert [text for text, held in pieces if held] == ["V", "b ", "c", " ", "V"]


def test_places_are_the_slots_said_whatever_is_drawn():
    def places(template: str) -> frozenset[str]:
        compiled = Compiler(frozenset({"x", "y"}), {}).compile(parse_template(template))
        assert compiled is not None
        return compiled.places

    assert places("{x} ({y}|{y} {x})") == {"x", "y"}
    assert places("({x}|{y})") == frozenset()
    assert places("[{x} {y}|{x}]") == {"x", "y"}


def test_a_backslash_takes_the_next_character_as_it_is():
    assert says(r"\(a\|b\) \{x\} \\") == {r"(a|b) {x} \ ".strip()}


@pytest.mark.parametrize("text", ["(a|b", "[a", "{x", "{}", "{ }", "a)", "a]", "a>", "<a", "(a]"])
def test_brackets_that_do_not_match_are_refused_with_their_place(text: str):
    with pytest.raises(UsageError, match="character"):
        parse_template(text)


@given(st.text())
def test_any_text_can_be_said_when_it_is_escaped(text: str):
    escaped = "".join(f"\\{char}" for char in text)
    assert says(escaped) == {text}


@given(st.text(alphabet="ab(|)[]{}<>\\ "))
def test_parsing_ends_in_a_node_or_in_a_usage_error(text: str):
    try:
        node = parse_template(text)
    except UsageError:
        return
    assert slot_names(node) is not None
