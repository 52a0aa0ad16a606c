"""Patterns: rewritten for Python's parser with the same meaning, and drawn from."""

from __future__ import annotations

import random
import re
from typing import Any

import jsonschema_rs
import pytest

from schemalora.errors import SamplingError
from schemalora.sampling.regex import draw_matching
from schemalora.sampling.source import RandomSource
from schemalora.sampling.strings import draw_string
from schemalora.schema import StringNode
from schemalora.schema.disjoint import are_disjoint
from schemalora.schema.formats import format_holds
from schemalora.schema.pattern_dialect import plain_pattern
from schemalora.schema.pattern_syntax import to_python
from schemalora.schema.patterns import pattern_error, searcher
from schemalora.schema.reader import read_schema

PATTERNS = [
    r"^[A-Z]{2}-\d{3,5}$",
    r"^(?<year>\d{4})-(?<month>0[1-9]|1[0-2])$",
    r"^\w+@\w+\.com$",
    r"^\s?\S+\D\W$",
    r"^[^\W\d_]{3}$",
    r"^[\w.\-]+$",
    r"^\p{Lu}[\p{Ll}\p{Nd}]*$",
    r"^\P{L}+$",
    r"^\p{Script=Greek}{2}$",
    r"^\u0041\x42\u{43}$",
    r"^[a-z&&]+[|]{2}$",
    r"^[[]a[\]]$",
    r"^(a|b)\1$",
    r"^(?=.*\d)(?=.*[a-z]).{6,}$",
    r"^(?!foo)[a-z]{3}$",
    r"^(?:ab){2,}?c*?$",
    r"^.{3}$",
    r"foo|^bar$",
    r"^\/api\/v[0-9]+\/$",
    r"^[^/]+$",
    r"^\d{1,3}(,\d{3})*$",
    r"^#([0-9a-fA-F]{3}){1,2}$",
    r"^$",
    r"^\cA\t$",
    r"^[\-+]?\d+(?:\.\d+)?(?:[eE][\-+]?\d+)?$",
    r"^a{0}b$",
    r"^[\d\-]+$",
    "^\\S(.*\\S)?$",
    r"^[€-₿]$",
    r"^[\w-.]+$",
    r"^\${\w+}{$",
    r"^(?<quote>['\"])a\k<quote>1$",
    r"^\p{Script_Extensions=Cyrillic}\p{Decimal_Number}\p{Emoji_Presentation}$",
    r"^[^\p{L}\p{Cc}-]$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_strings_are_drawn_that_match(pattern: str) -> None:
    reference = jsonschema_rs.Draft202012Validator({"pattern": plain_pattern(pattern)})
    source = RandomSource(random.Random(0))
    node = StringNode(patterns=(pattern,))
    assert all(reference.is_valid(draw_string(node, source)) for _ in range(10))


@pytest.mark.parametrize(
    ("pattern", "python"),
    [
        ("a$", r"a\Z"),
        (r"\d", "[0-9]"),
        (r"[\d]", "[0-9]"),
        (r"(?<n>a)", "(?P<n>a)"),
        (r"(?<n>a)\k<n>", r"(a)\1"),
        (r"^(?i)a", "^a"),
        (r"[(?i)]", "[(?i)]"),
        (r"(?<=a)(?<!b)", "(?<=a)(?<!b)"),
        ("[$]", "[$]"),
        ("[]", r"[^\s\S]"),
        ("a[^]b", r"a[\s\S]b"),
        (r"\ud83d\ude00", r"\U0001f600"),
        ("[:x]", "[:x]"),
        (r"\z\Z", r"\Z\Z"),
        (r"\D\W", "[^0-9][^A-Za-z0-9_]"),
        (r"[\W]", r"[\W]"),
        (r"\/\-", r"\/\-"),
        (r"[a~~b]", r"[a~\~b]"),
    ],
)
def test_rewriting(pattern: str, python: str) -> None:
    assert to_python(pattern) == python
    re.compile(python)


def test_a_pattern_nobody_understands_is_named() -> None:
    assert pattern_error("(")
    assert pattern_error("a") is None
    with pytest.raises(SamplingError, match="pattern"):
        draw_matching("(?P<a", RandomSource(random.Random(0)))
    with pytest.raises(SamplingError, match="excludes every character"):
        draw_matching(r"[^\x00-\u02ff]", RandomSource(random.Random(0)))


def test_searching_is_bounded_and_total() -> None:
    assert searcher("a")("bab")
    assert not searcher("a")("\ud800a")
    assert not format_holds("date", "\ud800")
    assert format_holds("no-such-format", "anything")


def tagged(name: str, value: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"x": {}, name: {"enum": [value, -1 - value]}},
        "required": ["x", name],
    }


DISJOINT: list[tuple[list[Any], bool]] = [
    ([{"type": "string"}, {"type": "integer"}], True),
    ([{"type": "integer"}, {"type": "number"}], False),
    ([{"enum": [1, 2]}, {"enum": [3]}], True),
    ([{"enum": [1, 2]}, {"enum": [2.0]}], False),
    ([{"enum": ["a"]}, {"type": "string"}], False),
    ([{"type": ["string", "null"]}, {"type": "array"}], True),
    ([{"type": ["string", "null"]}, {"const": None}], False),
    ([False, {}], True),
    ([{"const": i} for i in range(50)], True),
    ([*({"const": i} for i in range(50)), {"const": 7.0}], False),
    ([tagged("t", i) for i in range(50)], True),
    ([*(tagged("t", i) for i in range(50)), tagged("t", 7)], False),
    ([tagged("t", 1), tagged("u", 2)], False),
    ([{}, {"type": "array"}], False),
    (
        [
            {"type": "object", "properties": {"k": {"const": 1}}, "required": ["k"]},
            {"type": "object", "properties": {"k": {"const": 2}}, "required": ["k"]},
        ],
        True,
    ),
    (
        [
            {"type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"]},
            {"type": "object", "properties": {"k": {"const": 2}}, "required": ["k"]},
        ],
        False,
    ),
]


@pytest.mark.parametrize(("schema", "apart"), DISJOINT)
def test_what_is_evidently_disjoint(schema: list[Any], apart: bool) -> None:
    assert are_disjoint([read_schema(one) for one in schema]) == apart
