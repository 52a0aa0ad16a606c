"""ECMA's patterns mean the same to the checker, the sampler and the strategies."""

from __future__ import annotations

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from schemalora import Contract, instances, sample
from schemalora.errors import SchemaError
from schemalora.jsonvalue import JsonValue
from schemalora.schema.pattern_dialect import plain_pattern
from schemalora.schema.patterns import pattern_error, searcher

# Each with strings in which it occurs and strings in which it does not.
CASES: list[tuple[str, list[str], list[str]]] = [
    (r"^[\w-.]+$", ["a-.b"], ["a b", ""]),
    (r"^[^\w-.]$", [" "], ["-", ".", "a"]),
    (r"^[\s-_]$", ["-", "_", " "], ["a", "."]),
    (r"^[.-\w]+$", [".-a"], [",", "/"]),
    (r"^[a-\d]+$", ["a-1"], ["b"]),
    (r"^[\d-\w]+$", ["1-a"], ["."]),
    (r"^[\D-.]$", ["a", "-"], ["1"]),
    (r"^[\p{L}-.]+$", ["é-."], ["1"]),
    (r"^[+--]$", ["+", ",", "-"], [".", "*"]),
    (r"^[--/]$", ["-", ".", "/"], ["+", ","]),
    (r"^[a-c-e]$", ["b", "-", "e"], ["d"]),
    (r"^[-a]|[a-]$", ["-"], ["b"]),
    (r"^[\u0030-\x39]$", ["5"], ["a"]),
    ("a[^]b", ["a\nb"], ["ab"]),
    ("x|a[]b", ["x"], ["ab", "a]b"]),
    (r"^\/x\-\_\@\<\>\`\é$", ["/x-_@<>`é"], ["x"]),
    ("^{a}{,2}{ 1}$", ["{a}{,2}{ 1}"], ["a", "{aa}"]),
    (r"^\{\{[^}]+}}]$", ["{{a}}]"], ["{a}"]),
    (r"^\${\w+}$", ["${ab}"], ["$ab", "ab"]),
    (r"^\cA\cj[\cA-\cC]\0$", ["\x01\n\x02\0"], ["AAA0"]),
    (r"^[\b\0]$", ["\x08", "\0"], ["b", "0"]),
    (r"^\u{1F600}\uD83D\uDE00[\uD83D\uDE00]$", ["😀😀😀"], ["u"]),
    (r"^[^\uD800-\uDFFF]$", ["a", "😀"], [""]),
    (r"^[a-\uD900\uDA00]$", ["b", "\ud7ff"], ["\ue000"]),
    (r"^[\uDA00-\uE001]$", ["\ue001"], ["\ud7ff"]),
    (r"^x?[^\uDA00]$|\uDA00", ["xa"], [""]),
    (r"^\p{Letter}\p{Uppercase_Letter}\p{gc=Ll}$", ["éAa"], ["1Aa", "éaa"]),
    (r"^\p{Script=Latin}\p{sc=Greek}\p{Script_Extensions=Han}$", ["éα中"], ["ддд"]),
    (r"^\p{White_Space}\p{ASCII}\p{Any}\P{Emoji}$", [" a1b"], ["aaaa"]),
    ("a$", ["ba"], ["a\n"]),
    (r"^(?<year>\d{4})-\k<year>1$", ["2020-20201"], ["2020-2021"]),
    (r"^(?<$a>x)(y)\2$", ["xyy"], ["xyx"]),
    (r"^(?P<n>x)(?P=n)$", ["xx"], ["x"]),
    (r"\Aab\Z", ["ab"], ["xab", "ab\n"]),
    (r"\Aab\z", ["ab"], ["xab"]),
    (r"^(?=.*\d)\cI?\w+$", ["\ta1"], ["ab"]),
    (r"^[[a&&b||~~]+$", ["[&|~ab"], ["c", "]"]),
    ("^[[:alpha:]]$", ["[]", ":]", "a]"], ["b]", "b"]),
    (r"^[^\]]]$", ["a]"], ["]]"]),
]


@pytest.mark.parametrize(("pattern", "found", "missing"), CASES, ids=[case[0] for case in CASES])
def test_a_pattern_means_the_same_to_everybody(
    pattern: str, found: list[str], missing: list[str]
) -> None:
    schema = {"type": "string", "pattern": pattern}
    contract = Contract.from_json_schema(schema, name="Text")
    keys = Contract.from_json_schema(
        {"patternProperties": {pattern: {"const": 1}}, "additionalProperties": False}, name="Keys"
    )
    for text in found:
        assert searcher(pattern)(text)
        assert contract.parse(json.dumps(text)).compliant
        assert keys.parse(json.dumps({text: 1})).compliant
    for text in missing:
        assert not searcher(pattern)(text)
        assert [one.kind for one in contract.parse(json.dumps(text)).violations] == ["constraint"]
        assert [one.kind for one in keys.parse(json.dumps({text: 1})).violations] == ["extra_key"]
    assert contract.json_schema["pattern"] == pattern
    for value in sample(contract, 5, seed=0):
        assert contract.parse(contract.encode(value)).compliant


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_instances_match(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from([case[0] for case in CASES]))
    value = data.draw(instances({"type": "string", "pattern": pattern}))
    assert searcher(pattern)(value)


_PIECES = st.sampled_from(
    r"a - . \w \d [ [^ ] { } ( (?<n> ) \k<n> \1 | * {2} {,2} ^ $ \- && \u{61} \cA \0 \z".split()
)


@given(st.lists(_PIECES, max_size=8).map("".join))
def test_what_is_plain_stays_as_it_is(pattern: str) -> None:
    plain = plain_pattern(pattern)
    assert plain_pattern(plain) == plain
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (pattern_error(plain) is None) == (pattern_error(pattern) is None)


@pytest.mark.parametrize(
    "pattern", ["(", "[a", "[z-a]", "a{2,1}", r"\h", r"\Qa\E", r"\k<n>", r"\8", "a**", r"\x4"]
)
def test_what_is_illegal_is_refused(pattern: str) -> None:
    with pytest.raises(SchemaError, match=r"the pattern .* no regular expression .*@ \$\.code$"):
        Contract.from_json_schema({"properties": {"code": {"pattern": pattern}}}, name="Bad")


def test_a_pattern_may_be_a_value() -> None:
    contract = Contract.from_json_schema({"type": "string", "format": "regex"}, name="Pattern")
    assert contract.parse(json.dumps(r"^[\w-.]+$")).compliant
    assert not contract.parse(json.dumps("(")).compliant


def test_classes_that_only_rust_names_are_spelled_out() -> None:
    class Word(BaseModel):
        text: str = Field(pattern=r"^[[:upper:]][^[:space:][:punct:]\]]+[:a]?$")

    contract = Contract.from_model(Word)
    assert ":upper:" not in json.dumps(contract.json_schema)
    for value in sample(contract, 20, seed=0):
        assert contract.parse(contract.encode(value)).compliant


def test_names_and_data_are_no_patterns() -> None:
    schema: dict[str, JsonValue] = {
        "properties": {
            "pattern": {"const": {"pattern": "{", "$ref": "a<b"}},
            "enum": {"enum": ["{"]},
        },
        "$defs": {"patternProperties": {"type": "string", "pattern": "^{$"}},
        "additionalProperties": {"$ref": "#/$defs/patternProperties"},
    }
    contract = Contract.from_json_schema(schema, name="Names")
    assert contract.parse('{"pattern":{"pattern":"{","$ref":"a<b"},"enum":"{","x":"{"}').compliant
    assert not contract.parse('{"x":"\\\\{"}').compliant
