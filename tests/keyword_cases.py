"""The keyword suite: for each keyword of JSON Schema, schemas and values they take or refuse.

Written for schemalora, in the manner of the suites that JSON Schema validators share. The verdicts
were written by hand from the specifications; the tests ask schemalora's checker, its node tree and
the package jsonschema for theirs, and `benchmarks/schema_coverage` makes instances of the schemas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

D4 = "http://json-schema.org/draft-04/schema#"
D6 = "http://json-schema.org/draft-06/schema#"
D7 = "http://json-schema.org/draft-07/schema#"
D2019 = "https://json-schema.org/draft/2019-09/schema"
D2020 = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Case:
    """One schema, the keyword it is about, and values with their verdicts."""

    keyword: str
    about: str
    schema: Any
    valid: tuple[Any, ...]
    invalid: tuple[Any, ...]
    formats: bool = False
    """Whether a verdict needs formats to be asserted."""
    beyond: str = ""
    """Why the package jsonschema does not give these verdicts; empty where it does."""


def _case(
    keyword: str, about: str, schema: Any, valid: list[Any], invalid: list[Any], *, beyond: str = ""
) -> Case:
    return Case(keyword, about, schema, tuple(valid), tuple(invalid), beyond=beyond)


def _format(name: str, valid: list[str], invalid: list[str], **more: Any) -> Case:
    schema = {"type": "string", "format": name, **more}
    return Case("format", name, schema, tuple(valid), tuple(invalid), formats=True)


_TYPES = (
    _case("type", "null", {"type": "null"}, [None], [0, False, "", [], {}]),
    _case("type", "boolean", {"type": "boolean"}, [True, False], [0, 1, "true", None]),
    _case("type", "integer", {"type": "integer"}, [0, -7, 3.0, 10**20], [0.5, "1", True, None]),
    _case("type", "number", {"type": "number"}, [0, -7, 0.5, 1e300], ["1", True, None, [1]]),
    _case("type", "string", {"type": "string"}, ["", "a", "é", "😀"], [0, None, ["a"], {}]),
    _case("type", "array", {"type": "array"}, [[], [1, "a"]], [{}, "[]", None]),
    _case("type", "object", {"type": "object"}, [{}, {"a": 1}], [[], "{}", None]),
    _case("type", "several", {"type": ["string", "null"]}, ["a", None], [0, [], False]),
    _case("type", "integer and number", {"type": ["integer", "number"]}, [1, 0.5], ["a"]),
    _case("type", "one in a list", {"type": ["boolean"]}, [True], ["true", 1]),
    _case("boolean schema", "true", True, [None, 1, "a", [], {}], []),
    _case("boolean schema", "empty", {}, [None, 1, "a", [], {}], []),
    _case(
        "boolean schema", "in a key", {"properties": {"a": False}}, [{}, {"b": 1}, 3], [{"a": 1}]
    ),
)

_VALUES = (
    _case(
        "enum",
        "mixed",
        {"enum": [1, "a", None, [2], {"b": 3}]},
        [1, "a", None, [2], {"b": 3}],
        [2, "b", False, [], [2, 2], {"b": 4}, {}],
    ),
    _case("enum", "numbers that are equal", {"enum": [1, 2.0]}, [1, 1.0, 2], [True, "1", 3]),
    _case("enum", "false is not 0", {"enum": [False]}, [False], [0, 0.0, None, ""]),
    _case("enum", "true is not 1 within", {"enum": [[True]]}, [[True]], [[1], [1.0], True]),
    _case("enum", "beside a type", {"type": "string", "enum": ["a", 1]}, ["a"], [1, "b"]),
    _case(
        "enum",
        "odd characters",
        {"enum": ["a\nb", "a\rb", "\u0000", '"', "\\"]},
        ["a\nb", "\u0000", '"', "\\"],
        ["a", "abc", "n"],
    ),
    _case("const", "number", {"const": 2}, [2, 2.0], [5, "2", True]),
    _case(
        "const",
        "object",
        {"const": {"a": 1, "b": [2]}},
        [{"b": [2], "a": 1.0}],
        [{"a": 1}, {"a": 1, "b": [2], "c": 3}, []],
    ),
    _case("const", "null", {"const": None}, [None], [0, "", False]),
    _case("const", "array with false", {"const": [False]}, [[False]], [[0], [], [False, False]]),
    _case("const", "empty object", {"const": {}}, [{}], [[], {"a": 1}, None]),
    _case("default", "is no assertion", {"type": "integer", "default": "none"}, [4], ["none"]),
)

_NUMBERS = (
    _case("minimum", "plain", {"minimum": 1.1}, [1.1, 2, "a"], [1, -1]),
    _case("minimum", "negative", {"type": "integer", "minimum": -2}, [-2, 0], [-3, -2.5]),
    _case("maximum", "plain", {"maximum": 3.0}, [3, 2.9, None], [3.1, 4]),
    _case(
        "maximum",
        "a range",
        {"type": "number", "minimum": 0.1, "maximum": 0.3},
        [0.1, 0.3],
        [0.0999, 0.3001],
    ),
    _case("exclusiveMinimum", "plain", {"exclusiveMinimum": 1.1}, [1.2, "a"], [1.1, 0]),
    _case("exclusiveMaximum", "plain", {"exclusiveMaximum": 3}, [2.9, []], [3, 3.0, 9]),
    _case(
        "exclusiveMinimum",
        "narrow",
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
        [5e-10],
        [0, 1e-9, -1],
    ),
    _case(
        "exclusiveMinimum",
        "draft 4",
        {"$schema": D4, "minimum": 3, "exclusiveMinimum": True},
        [3.1, 4, "a"],
        [3, 2],
    ),
    _case(
        "exclusiveMaximum",
        "draft 4",
        {"$schema": D4, "maximum": 3, "exclusiveMaximum": True},
        [2.2, "a"],
        [3, 3.5],
    ),
    _case(
        "exclusiveMaximum",
        "draft 4, false",
        {"$schema": D4, "maximum": 3, "exclusiveMaximum": False},
        [3],
        [3.5],
    ),
    _case("multipleOf", "integer", {"multipleOf": 2}, [10, 0, -4, 4.0, "a"], [7, 1.5]),
    _case(
        "multipleOf",
        "decimal",
        {"multipleOf": 0.01},
        [0.01, 4.35, 19.99, 0],
        [0.001, 0.015],
        beyond="it divides floats",
    ),
    _case(
        "multipleOf",
        "two",
        {"allOf": [{"multipleOf": 4}, {"multipleOf": 6}]},
        [0, 12, 24],
        [4, 6, 18],
    ),
    _case(
        "multipleOf",
        "within bounds",
        {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 60},
        [56],
        [49, 63, 50],
    ),
)

_STRINGS = (
    _case("minLength", "plain", {"minLength": 2}, ["ab", "abc", 1], ["a", ""]),
    _case("minLength", "code points", {"minLength": 2}, ["😀😀"], ["😀"]),
    _case("maxLength", "plain", {"maxLength": 2}, ["", "ab", 100], ["abc"]),
    _case("maxLength", "code points", {"maxLength": 2}, ["😀😀"], ["😀😀😀"]),
    _case("maxLength", "written as 2.0", {"type": "string", "maxLength": 2.0}, ["ab"], ["abc"]),
    _case("maxLength", "zero", {"type": "string", "maxLength": 0}, [""], ["a"]),
    _case("pattern", "anchored", {"pattern": "^a*$"}, ["", "aaa", 3], ["abc"]),
    _case("pattern", "anywhere", {"type": "string", "pattern": "a+"}, ["xxaayy"], ["xyz"]),
    _case(
        "pattern",
        "digits are ASCII",
        {"type": "string", "pattern": r"^\d+$"},
        ["42"],
        ["४२", ""],
        beyond="it has Python's regular expressions",
    ),
    _case(
        "pattern",
        "word is ASCII",
        {"type": "string", "pattern": r"^\w$"},
        ["a", "_"],
        ["é", "-"],
        beyond="it has Python's regular expressions",
    ),
    _case(
        "pattern",
        "dollar is the end",
        {"type": "string", "pattern": "^abc+$"},
        ["abc"],
        ["abc\n"],
        beyond="it has Python's regular expressions",
    ),
    _case(
        "pattern",
        "property class",
        {"type": "string", "pattern": r"^\p{Lu}[\p{Ll}\d]+$"},
        ["Éa", "A1"],
        ["a1", "A", "É"],
        beyond="it has Python's regular expressions",
    ),
    _case(
        "pattern",
        "not a property",
        {"type": "string", "pattern": r"^\P{L}+$"},
        ["12 -"],
        ["a"],
        beyond="it has Python's regular expressions",
    ),
    _case(
        "pattern",
        "control character",
        {"type": "string", "pattern": r"^\cJ+$"},
        ["\n"],
        ["J"],
        beyond="it has Python's regular expressions",
    ),
    _case("pattern", "code point", {"type": "string", "pattern": r"^\u00e9\x41+$"}, ["éA"], ["eA"]),
    _case(
        "pattern",
        "look-ahead",
        {"type": "string", "pattern": r"^(?=.*\d)(?=.*[a-z]).{6,}$"},
        ["abc123"],
        ["abcdef", "a1"],
    ),
    _case(
        "pattern",
        "negative look-ahead",
        {"type": "string", "pattern": "^(?!tmp)[a-z]{3,6}$"},
        ["abc"],
        ["tmpx", "ab"],
    ),
    _case(
        "pattern",
        "look-behind",
        {"type": "string", "pattern": r"^.+(?<!\.)$"},
        ["a", "a.b"],
        ["a."],
    ),
    _case(
        "pattern",
        "back-reference",
        {"type": "string", "pattern": r"^(['\"])[a-z]*\1$"},
        ["'ab'", '""'],
        ["'ab\""],
    ),
    _case(
        "pattern",
        "named group",
        {"type": "string", "pattern": r"^(?<year>\d{4})-\d{2}$"},
        ["2024-05"],
        ["24-05"],
        beyond="it has Python's regular expressions",
    ),
    _case(
        "pattern",
        "class with brackets",
        {"type": "string", "pattern": r"^[\]\[^-]+$"},
        ["[]", "^-"],
        ["a"],
    ),
    _case(
        "pattern",
        "alternatives",
        {"type": "string", "pattern": "^(?:a|bc|[0-9]{2,3})$"},
        ["a", "bc", "12"],
        ["b", "1", "1234"],
    ),
    _case("pattern", "lazy", {"type": "string", "pattern": "^<.+?>$"}, ["<a>"], ["<>", "a"]),
    _case("pattern", "white space", {"type": "string", "pattern": r"^\S+\s\S+$"}, ["a b"], ["ab"]),
    _case(
        "pattern",
        "with a length",
        {"type": "string", "pattern": "^[a-f0-9]+$", "minLength": 8, "maxLength": 8},
        ["0123abcd"],
        ["0123abc", "0123abcg"],
    ),
    _case(
        "pattern",
        "beside a format",
        {"type": "string", "format": "uri", "pattern": "^https://"},
        ["https://a.example/"],
        ["http://a.example/"],
    ),
    _case(
        "contentMediaType",
        "asserts nothing",
        {"type": "string", "contentMediaType": "application/json"},
        ["{}", "{:"],
        [1],
    ),
    _case(
        "contentEncoding",
        "asserts nothing",
        {"type": "string", "contentEncoding": "base64"},
        ["YQ==", "%"],
        [1],
    ),
    _case(
        "contentSchema",
        "asserts nothing",
        {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"type": "array"},
        },
        ["[]", "{}"],
        [1],
    ),
)

_FORMATS = (
    _format("date", ["2024-02-29"], ["2023-02-29", "2024-13-01", "24-01-01", "2024-1-1"]),
    _format("time", ["08:30:06Z", "23:59:59.5+01:00"], ["8:30", "24:00:00Z", "08:30:06 PST"]),
    _format(
        "date-time",
        ["1990-12-31T15:59:59Z", "1990-12-31t15:59:50.123-08:00"],
        ["1990-02-31T15:59:59Z", "1990-12-31", "1990-12-31 15:59"],
    ),
    _format("duration", ["P4DT12H30M5S", "P1Y", "PT0S", "P2W"], ["P", "4D", "PT", "P1S"]),
    _format("email", ["joe@example.com", "a.b+c@example.org"], ["joe", "@example.com", "a@"]),
    _format("idn-email", ["실례@실례.테스트"], ["2962"]),
    _format("hostname", ["example.com", "a-b.c", "x"], ["-a.com", "a_b", "a..b"]),
    _format("idn-hostname", ["실례.테스트", "example.com"], ["-a.com"]),
    _format("ipv4", ["192.168.0.1", "0.0.0.0"], ["256.1.1.1", "1.2.3", "01.2.3.4"]),
    _format("ipv6", ["::1", "2001:db8::8a2e:370:7334", "::ffff:1.2.3.4"], ["12345::", "1::2::3"]),
    _format("uri", ["https://a.example/x?y#z", "urn:isbn:1", "mailto:a@b.c"], ["/a", "a b", "//x"]),
    _format("uri-reference", ["/a/b", "#frag", "https://a.example"], ["\\\\a", "#a\\b"]),
    _format("iri", ["http://ƒøø.ßår/?∂éœ=πîx"], ["/abc", "âππ"]),
    _format("iri-reference", ["/âππ", "âππ", "#ƒrägmênt"], ["\\\\WINDOWS", "#ƒräg\\mênt"]),
    _format("uri-template", ["https://a.example/{id}{?x,y}", "a"], ["https://a.example/{id"]),
    _format(
        "uuid",
        ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
        ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8-aa08", "zeb8aa08-aa98-11ea-b4aa-73b441d16380"],
    ),
    _format("json-pointer", ["", "/a/0", "/a~0b/~1"], ["a", "/~", "/~2"]),
    _format("relative-json-pointer", ["1", "0/a", "2#"], ["/a", "-1", "01"]),
    _format("regex", ["^a+$", "([abc])+"], ["^(abc]", "["]),
    _format("date", ["2024-01-05"], ["2023-12-31"], pattern="^2024-"),
    _case(
        "format", "nobody defines it", {"type": "string", "format": "colour-of-sky"}, ["", "x"], [1]
    ),
    _case("format", "no string", {"format": "date"}, [3, None, []], []),
)

_ARRAYS = (
    _case(
        "items",
        "one schema",
        {"items": {"type": "integer"}},
        [[], [1, 2], {"0": "a"}],
        [[1, "x"], ["x"]],
    ),
    _case("items", "false", {"type": "array", "items": False}, [[]], [[1], [None]]),
    _case(
        "items",
        "nested",
        {"type": "array", "items": {"type": "array", "items": {"type": "null"}}},
        [[], [[]], [[None]]],
        [[1], [[1]]],
    ),
    _case(
        "items",
        "draft 7 tuple",
        {"$schema": D7, "items": [{"type": "integer"}, {"type": "string"}]},
        [[], [1], [1, "a"], [1, "a", None]],
        [["a"], [1, 2]],
    ),
    _case(
        "items",
        "list without $schema",
        {"type": "array", "items": [{"const": 1}, {"const": 2}]},
        [[], [1, 2, 3]],
        [[2], [1, 1]],
        beyond="it takes the newest draft",
    ),
    _case(
        "additionalItems",
        "schema",
        {"$schema": D7, "type": "array", "items": [{}], "additionalItems": {"type": "integer"}},
        [["a"], [None, 2, 3]],
        [[None, "a"]],
    ),
    _case(
        "additionalItems",
        "false",
        {"$schema": D4, "items": [{}, {}], "additionalItems": False},
        [[], [1], [1, 2]],
        [[1, 2, 3]],
    ),
    _case(
        "additionalItems",
        "without a tuple it is silent",
        {"$schema": D7, "type": "array", "items": {"type": "integer"}, "additionalItems": False},
        [[], [1, 2, 3]],
        [["a"]],
    ),
    _case(
        "prefixItems",
        "open",
        {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
        [[], [1], [1, "a", None]],
        [["a"], [1, 2]],
    ),
    _case(
        "prefixItems",
        "closed",
        {"type": "array", "prefixItems": [{}, {"type": "string"}], "items": False},
        [[], [1], [None, "a"]],
        [[1, "a", 2], [1, 2]],
    ),
    _case(
        "prefixItems",
        "then items",
        {
            "type": "array",
            "prefixItems": [{"const": "x"}],
            "items": {"type": "integer"},
            "minItems": 2,
        },
        [["x", 1], ["x", 1, 2]],
        [["x"], ["x", "y"]],
    ),
    _case(
        "prefixItems",
        "boolean places",
        {"type": "array", "prefixItems": [True, False]},
        [[], [1]],
        [[1, "a"]],
    ),
    _case("minItems", "plain", {"minItems": 1}, [[1], "", {}], [[]]),
    _case("maxItems", "plain", {"maxItems": 2}, [[], [1, 2], "aaa"], [[1, 2, 3]]),
    _case("maxItems", "written as 2.0", {"type": "array", "maxItems": 2.0}, [[1, 2]], [[1, 2, 3]]),
    _case(
        "maxItems",
        "exactly",
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 3},
        [[True, False, True]],
        [[True], [True] * 4],
    ),
    _case(
        "uniqueItems",
        "plain",
        {"uniqueItems": True},
        [[1, 2], [1, True], [0, False], "aa"],
        [[1, 1], [1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [[1], [1]]],
    ),
    _case("uniqueItems", "false", {"type": "array", "uniqueItems": False}, [[1, 1]], [1]),
    _case(
        "uniqueItems",
        "of a small enum",
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 2},
        [["a", "b"], ["c", "a", "b"]],
        [["a"], ["a", "a"]],
    ),
    _case(
        "uniqueItems",
        "of a tuple",
        {
            "type": "array",
            "prefixItems": [{"type": "boolean"}, {"type": "boolean"}],
            "items": False,
            "uniqueItems": True,
            "minItems": 2,
        },
        [[True, False], [False, True]],
        [[True, True], [True]],
    ),
    _case("contains", "plain", {"contains": {"minimum": 5}}, [[5], [1, 6], {}, "a"], [[], [1, 2]]),
    _case("contains", "const", {"type": "array", "contains": {"const": 5}}, [[5], ["a", 5]], [[3]]),
    _case(
        "contains",
        "items too",
        {"type": "array", "items": {"multipleOf": 2}, "contains": {"multipleOf": 3}},
        [[6], [2, 6, 12]],
        [[3], [2, 4], [3, 6]],
    ),
    _case("contains", "false", {"contains": False}, [1, "a", {}], [[], [1]]),
    _case(
        "contains",
        "draft 6",
        {"$schema": D6, "type": "array", "contains": {"const": 1}},
        [[1], [2, 1]],
        [[], [2]],
    ),
    _case(
        "minContains",
        "two",
        {"type": "array", "contains": {"const": 1}, "minContains": 2},
        [[1, 1], [1, 2, 1]],
        [[1], [1, 2]],
    ),
    _case(
        "minContains",
        "zero",
        {"type": "array", "contains": {"const": 1}, "minContains": 0},
        [[], [2], [1]],
        [1],
    ),
    _case(
        "maxContains",
        "one",
        {"type": "array", "contains": {"const": 1}, "maxContains": 1},
        [[1], [1, 2]],
        [[], [1, 1], [1, 2, 1]],
    ),
    _case(
        "maxContains",
        "none at all",
        {
            "type": "array",
            "items": {"enum": [1, 2]},
            "contains": {"const": 1},
            "minContains": 0,
            "maxContains": 0,
        },
        [[], [2, 2]],
        [[1]],
    ),
    _case("maxContains", "alone it is silent", {"type": "array", "maxContains": 1}, [[1, 1]], [1]),
    _case(
        "unevaluatedItems",
        "false",
        {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": False},
        [[], ["a"]],
        [["a", 1], [1]],
    ),
    _case(
        "unevaluatedItems",
        "schema",
        {
            "type": "array",
            "allOf": [{"prefixItems": [{"const": 1}]}],
            "unevaluatedItems": {"type": "string"},
        },
        [[1], [1, "a"]],
        [[1, 2], [2]],
    ),
    _case(
        "unevaluatedItems",
        "after anyOf",
        {
            "type": "array",
            "prefixItems": [{"const": "a"}],
            "anyOf": [
                {"prefixItems": [True, {"const": "b"}]},
                {"prefixItems": [True, True, {"const": "c"}]},
            ],
            "unevaluatedItems": False,
        },
        [["a"], ["a", "b"], ["a", "b", "c"], ["a", 4, "c"], ["a", "x"]],
        [["a", "b", "c", "d"], ["b"]],
    ),
    _case(
        "unevaluatedItems",
        "contains evaluates",
        {"type": "array", "contains": {"type": "string"}, "unevaluatedItems": {"type": "integer"}},
        [["a"], ["a", 1]],
        [[1], ["a", None]],
    ),
)

_OBJECTS = (
    _case(
        "properties",
        "plain",
        {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}},
        [{"a": 1, "b": "x"}, {}, {"c": []}, [], 12],
        [{"a": "x"}, {"a": 1, "b": 2}],
    ),
    _case(
        "properties",
        "names like methods",
        {
            "properties": {
                "__proto__": {"type": "number"},
                "toString": {"type": "string"},
                "get": {"type": "null"},
            }
        },
        [{}, {"__proto__": 1}],
        [{"__proto__": "a"}, {"toString": 1}, {"get": 1}],
    ),
    _case(
        "properties",
        "names with signs",
        {
            "type": "object",
            "properties": {
                "a/b": {"type": "null"},
                'c"d': {"type": "null"},
                "": {"type": "integer"},
                "é ": {"type": "boolean"},
            },
            "required": ["a/b", 'c"d', "", "é "],
        },
        [{"a/b": None, 'c"d': None, "": 1, "é ": True}],
        [{"a/b": 1, 'c"d': None, "": 1, "é ": True}],
    ),
    _case(
        "required", "plain", {"properties": {"a": {}}, "required": ["a"]}, [{"a": None}, []], [{}]
    ),
    _case(
        "required",
        "not declared",
        {"type": "object", "required": ["x", "y"]},
        [{"x": 1, "y": 2}],
        [{"x": 1}, {}],
    ),
    _case("required", "empty", {"type": "object", "required": []}, [{}], [[]]),
    _case(
        "required",
        "not declared, typed",
        {"type": "object", "required": ["n"], "additionalProperties": {"type": "integer"}},
        [{"n": 1, "m": 2}],
        [{"n": "a"}, {"m": 1}],
    ),
    _case(
        "additionalProperties",
        "false",
        {"properties": {"a": {}}, "patternProperties": {"^v": {}}, "additionalProperties": False},
        [{"a": 1}, {"v1": 2}, "x"],
        [{"b": 1}],
    ),
    _case(
        "additionalProperties",
        "schema",
        {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "boolean"}},
        [{"a": 1}, {"b": True}],
        [{"b": 1}],
    ),
    _case(
        "additionalProperties",
        "does not see into allOf",
        {"allOf": [{"properties": {"a": {}}}], "additionalProperties": {"type": "boolean"}},
        [{"a": True}],
        [{"a": 1}],
    ),
    _case(
        "additionalProperties",
        "map",
        {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "minProperties": 1,
        },
        [{"x": ["a"]}],
        [{}, {"x": [1]}, {"x": "a"}],
    ),
    _case(
        "patternProperties",
        "plain",
        {"patternProperties": {"f.*o": {"type": "integer"}}},
        [{"foo": 1}, {"bar": "x"}, {}],
        [{"foo": "x"}, {"foooooo": 1, "xfoo": "y"}],
    ),
    _case(
        "patternProperties",
        "two at once",
        {
            "type": "object",
            "patternProperties": {"a*": {"type": "integer"}, "aaa*": {"maximum": 20}},
        },
        [{"a": 21}, {"aaaa": 18}],
        [{"a": "b"}, {"aaa": 31}],
    ),
    _case(
        "patternProperties",
        "closed, at least one",
        {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {"^[A-Z]{2}$": {"type": "number"}, "^_": {"type": "string"}},
            "additionalProperties": False,
        },
        [{"AB": 1}, {"_x": "a"}],
        [{}, {"ab": 1}, {"AB": "x"}],
    ),
    _case(
        "patternProperties",
        "with properties",
        {
            "type": "object",
            "properties": {"n1": {"minimum": 5}},
            "patternProperties": {"^n": {"type": "integer"}},
            "required": ["n1"],
        },
        [{"n1": 6}, {"n1": 5, "n2": 0}],
        [{"n1": 4}, {"n1": "a"}, {"n1": 5, "n": ""}],
    ),
    _case(
        "patternProperties",
        "false",
        {"type": "object", "patternProperties": {"^x-": False}},
        [{}, {"y": 1}],
        [{"x-a": 1}],
    ),
    _case(
        "propertyNames",
        "pattern",
        {"propertyNames": {"pattern": "^[a-z]+$"}},
        [{"ab": 1}, {}, []],
        [{"A": 1}, {"": 1}],
    ),
    _case(
        "propertyNames",
        "length",
        {"type": "object", "propertyNames": {"maxLength": 3}, "minProperties": 2},
        [{"f": {}, "foo": {}}],
        [{"foo": 1}, {"foobar": 1, "a": 2}],
    ),
    _case(
        "propertyNames",
        "enum",
        {
            "type": "object",
            "propertyNames": {"enum": ["en", "de", "fr"]},
            "additionalProperties": {"type": "string"},
            "minProperties": 1,
        },
        [{"en": "x"}],
        [{}, {"it": "x"}, {"en": 1}],
    ),
    _case(
        "propertyNames",
        "format",
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "additionalProperties": {"type": "integer"},
        },
        [{"2024-01-02": 3}],
        [{"today": 3}],
    ),
    _case("propertyNames", "false", {"type": "object", "propertyNames": False}, [{}], [{"a": 1}]),
    _case("minProperties", "plain", {"minProperties": 1}, [{"a": 1}, [], ""], [{}]),
    _case(
        "minProperties",
        "more than are declared",
        {"type": "object", "properties": {"a": {}}, "minProperties": 3},
        [{"a": 1, "b": 2, "c": 3}],
        [{"a": 1}],
    ),
    _case(
        "minProperties",
        "of optional ones",
        {
            "type": "object",
            "properties": {"a": {}, "b": {}, "c": {}},
            "additionalProperties": False,
            "minProperties": 2,
        },
        [{"a": 1, "c": 2}],
        [{"a": 1}],
    ),
    _case(
        "maxProperties",
        "plain",
        {"maxProperties": 2},
        [{}, {"a": 1, "b": 2}, [1, 2, 3]],
        [{"a": 1, "b": 2, "c": 3}],
    ),
    _case("maxProperties", "zero", {"type": "object", "maxProperties": 0}, [{}], [{"a": 1}]),
    _case(
        "maxProperties",
        "one of two",
        {
            "type": "object",
            "properties": {"a": {"const": 1}, "b": {"const": 2}},
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
        [{"a": 1}, {"b": 2}],
        [{}, {"a": 1, "b": 2}],
    ),
    _case(
        "dependentRequired",
        "plain",
        {"dependentRequired": {"a": ["b"]}},
        [{}, {"b": 1}, {"a": 1, "b": 2}, "a"],
        [{"a": 1}],
    ),
    _case(
        "dependentRequired",
        "a chain",
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}},
            "required": ["a"],
            "dependentRequired": {"a": ["b"], "b": ["c"]},
        },
        [{"a": 1, "b": 2, "c": 3}],
        [{"a": 1, "b": 2}, {"b": 1, "c": 1}],
    ),
    _case(
        "dependentSchemas",
        "plain",
        {"dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}}}},
        [{"b": "x"}, {"a": 1, "b": 2}, {"a": 1}],
        [{"a": 1, "b": "x"}],
    ),
    _case(
        "dependentSchemas",
        "false",
        {"type": "object", "dependentSchemas": {"a": False}, "properties": {"a": {}, "b": {}}},
        [{}, {"b": 1}],
        [{"a": 1}, {"a": 1, "b": 2}],
    ),
    _case(
        "dependencies",
        "draft 7",
        {"$schema": D7, "dependencies": {"a": ["b"], "c": {"required": ["d"]}, "e": True}},
        [{}, {"a": 1, "b": 2}, {"c": 1, "d": 2}, {"e": 1}],
        [{"a": 1}, {"c": 1}],
    ),
    _case(
        "unevaluatedProperties",
        "false",
        {
            "type": "object",
            "allOf": [{"properties": {"a": {"type": "integer"}}}],
            "unevaluatedProperties": False,
        },
        [{}, {"a": 1}],
        [{"a": "x"}, {"b": 1}],
    ),
    _case(
        "unevaluatedProperties",
        "schema",
        {"type": "object", "properties": {"a": {}}, "unevaluatedProperties": {"type": "string"}},
        [{"a": 1}, {"b": "x"}],
        [{"b": 1}],
    ),
    _case(
        "unevaluatedProperties",
        "with anyOf",
        {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "anyOf": [
                {"properties": {"b": {"const": 1}}, "required": ["b"]},
                {"properties": {"c": {"const": 2}}, "required": ["c"]},
            ],
            "unevaluatedProperties": False,
        },
        [{"a": "x", "b": 1}, {"c": 2}, {"b": 1, "c": 2}],
        [{"a": "x"}, {"b": 1, "d": 1}, {"b": 1, "c": 3}],
    ),
    _case(
        "unevaluatedProperties",
        "with if",
        {
            "type": "object",
            "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
            "then": {"properties": {"x": {}}, "required": ["x"]},
            "else": {"properties": {"y": {}}, "required": ["y"]},
            "unevaluatedProperties": False,
        },
        [{"kind": "a", "x": 1}, {"y": 1}],
        [{"kind": "a", "y": 1}, {"kind": "b", "y": 1}, {"x": 1}],
    ),
    _case(
        "unevaluatedProperties",
        "through $ref",
        {
            "type": "object",
            "$ref": "#/$defs/base",
            "properties": {"b": {"type": "integer"}},
            "unevaluatedProperties": False,
            "$defs": {"base": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
        },
        [{"a": "x"}, {"a": "x", "b": 1}],
        [{"b": 1}, {"a": "x", "c": 1}],
    ),
)

_LOGIC = (
    _case(
        "allOf",
        "objects",
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "string"}}, "required": ["b"]},
            ]
        },
        [{"a": 1, "b": "x"}],
        [{"a": 1}, {"b": "x"}, {"a": "x", "b": "x"}],
    ),
    _case("allOf", "bounds", {"allOf": [{"maximum": 30}, {"minimum": 20}]}, [25, 20, "a"], [35, 5]),
    _case(
        "allOf",
        "with a base",
        {
            "type": "object",
            "properties": {"k": {"type": "string"}},
            "allOf": [{"properties": {"k": {"enum": ["x", "y", 1]}}}],
            "required": ["k"],
        },
        [{"k": "x"}],
        [{"k": 1}, {"k": "z"}, {}],
    ),
    _case("allOf", "true", {"allOf": [True, {"type": "integer"}]}, [1], ["a"]),
    _case("anyOf", "types", {"anyOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5, "a"], [1.5]),
    _case(
        "anyOf",
        "with a base",
        {"type": "string", "anyOf": [{"maxLength": 2}, {"minLength": 4}]},
        ["ab", "abcd"],
        ["abc", 1],
    ),
    _case(
        "anyOf",
        "required",
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            "additionalProperties": False,
        },
        [{"a": 1}, {"b": 1}, {"a": 1, "b": 2}],
        [{}, {"a": "x"}],
    ),
    _case("anyOf", "a false branch", {"anyOf": [False, {"type": "string"}]}, ["a"], [1]),
    _case(
        "oneOf",
        "numbers",
        {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
        [1, 2.5, "a"],
        [3, 1.5],
    ),
    _case(
        "oneOf",
        "one key of two",
        {
            "type": "object",
            "properties": {"a": {}, "b": {}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        [{"a": 1}, {"b": 1, "c": 2}],
        [{"a": 1, "b": 2}, {}],
    ),
    _case(
        "oneOf",
        "constants",
        {"oneOf": [{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]},
        ["a", "b"],
        ["c", None],
    ),
    _case(
        "oneOf",
        "optional keys",
        {
            "type": "object",
            "oneOf": [
                {"properties": {"x": {"type": "integer"}}, "required": ["x"]},
                {"properties": {"x": {"type": "string"}}, "required": ["x"]},
            ],
        },
        [{"x": 1}, {"x": "a"}],
        [{"x": None}, {}],
    ),
    _case("not", "type", {"not": {"type": "integer"}}, ["a", 1.5, None], [1, 2]),
    _case(
        "not",
        "several types",
        {"not": {"type": ["integer", "boolean", "object", "array"]}},
        ["a", None, 0.5],
        [1, True, {}, []],
    ),
    _case(
        "not",
        "a key",
        {"type": "object", "properties": {"a": {"not": {"type": "string"}}}},
        [{"a": 1}, {}],
        [{"a": "x"}],
    ),
    _case(
        "not",
        "a required key",
        {"type": "object", "not": {"required": ["a"]}},
        [{}, {"b": 1}],
        [{"a": 1}],
    ),
    _case("not", "not", {"not": {"not": {"type": "string"}}}, ["a"], [1]),
    _case(
        "not",
        "an enum",
        {"type": "string", "enum": ["a", "b", "c"], "not": {"enum": ["b"]}},
        ["a", "c"],
        ["b", "d"],
    ),
    _case(
        "not",
        "a pattern",
        {"type": "string", "minLength": 1, "not": {"pattern": "[0-9]"}},
        ["a"],
        ["a1", ""],
    ),
    _case(
        "if",
        "then",
        {"if": {"exclusiveMaximum": 0}, "then": {"minimum": -10}},
        [-1, 3, "a"],
        [-100],
    ),
    _case(
        "if",
        "then, else",
        {
            "type": "integer",
            "if": {"maximum": 0},
            "then": {"multipleOf": 2},
            "else": {"multipleOf": 3},
        },
        [-2, 0, 3],
        [-1, 2, 4],
    ),
    _case("if", "alone", {"type": "integer", "if": {"const": 0}}, [0, 1], ["a"]),
    _case(
        "then", "without if it is silent", {"type": "integer", "then": {"const": 0}}, [0, 11], ["a"]
    ),
    _case(
        "else",
        "a tag decides",
        {
            "type": "object",
            "properties": {"kind": {"enum": ["card", "cash"]}, "number": {"type": "string"}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "card"}}},
            "then": {"required": ["number"]},
            "else": {"properties": {"number": False}},
        },
        [{"kind": "card", "number": "1"}, {"kind": "cash"}],
        [{"kind": "card"}, {"kind": "cash", "number": "1"}],
    ),
    _case(
        "if",
        "three in allOf",
        {
            "type": "object",
            "properties": {"c": {"enum": ["US", "CA", "NL"]}, "code": {"type": "string"}},
            "required": ["c", "code"],
            "allOf": [
                {
                    "if": {"properties": {"c": {"const": "US"}}},
                    "then": {"properties": {"code": {"pattern": "^[0-9]{5}$"}}},
                },
                {
                    "if": {"properties": {"c": {"const": "CA"}}},
                    "then": {"properties": {"code": {"pattern": "^[A-Z][0-9][A-Z]$"}}},
                },
                {
                    "if": {"properties": {"c": {"const": "NL"}}},
                    "then": {"properties": {"code": {"pattern": "^[0-9]{4} [A-Z]{2}$"}}},
                },
            ],
        },
        [{"c": "US", "code": "12345"}, {"c": "CA", "code": "A1B"}, {"c": "NL", "code": "1234 AB"}],
        [{"c": "US", "code": "1234 AB"}, {"c": "NL", "code": "12345"}, {"c": "XX", "code": "1"}],
    ),
)

_TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"value": {"type": "number"}, "kids": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["value"],
    "additionalProperties": False,
}

_REFERENCES = (
    _case(
        "$ref",
        "pointer",
        {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "integer"}}},
        [{"a": 1}, {"b": 2}],
        [{"a": "x"}],
    ),
    _case(
        "$ref",
        "root",
        _TREE,
        [{"value": 1}, {"value": 1, "kids": [{"value": 2, "kids": []}]}],
        [{"value": 1, "kids": [{"kids": []}]}, {"value": 1, "x": 2}],
    ),
    _case(
        "$ref",
        "escaped pointer",
        {
            "type": "object",
            "$defs": {
                "a/b": {"type": "integer"},
                "c~d": {"type": "string"},
                "e%f": {"type": "null"},
            },
            "properties": {
                "x": {"$ref": "#/$defs/a~1b"},
                "y": {"$ref": "#/$defs/c~0d"},
                "z": {"$ref": "#/$defs/e%25f"},
            },
        },
        [{"x": 1, "y": "a", "z": None}],
        [{"x": "a"}, {"y": 1}, {"z": 1}],
    ),
    _case(
        "$ref",
        "a chain",
        {
            "$defs": {
                "a": {"type": "integer"},
                "b": {"$ref": "#/$defs/a"},
                "c": {"$ref": "#/$defs/b"},
            },
            "$ref": "#/$defs/c",
        },
        [5],
        ["a"],
    ),
    _case(
        "$ref",
        "with siblings",
        {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "maximum": 2},
        [1, 2],
        [3, "a"],
    ),
    _case(
        "$ref",
        "draft 7 silences its siblings",
        {
            "$schema": D7,
            "definitions": {"n": {"type": "integer"}},
            "properties": {"a": {"$ref": "#/definitions/n", "maximum": 2}},
        },
        [{"a": 1}, {"a": 3}],
        [{"a": "x"}],
    ),
    _case(
        "$ref",
        "to a boolean",
        {"$defs": {"no": False}, "properties": {"a": {"$ref": "#/$defs/no"}}},
        [{}, {"b": 1}],
        [{"a": 1}],
    ),
    _case(
        "$ref",
        "a key of that name",
        {"type": "object", "properties": {"$ref": {"type": "string"}}},
        [{"$ref": "a"}],
        [{"$ref": 2}],
    ),
    _case(
        "$ref",
        "into an array",
        {"prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}], "type": "array"},
        [[1, 2], []],
        [[1, "a"]],
    ),
    _case(
        "$ref",
        "two that need each other",
        {
            "$defs": {
                "a": {
                    "type": "object",
                    "properties": {"b": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]}},
                    "required": ["b"],
                    "additionalProperties": False,
                },
                "b": {
                    "type": "object",
                    "properties": {"a": {"$ref": "#/$defs/a"}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
            "$ref": "#/$defs/a",
        },
        [{"b": None}, {"b": {"a": {"b": None}}}],
        [{"b": {}}, {}],
    ),
    _case(
        "$ref",
        "the meta-schema",
        {"$ref": D2020},
        [{"type": "string"}, True],
        [{"minLength": -1}, {"type": 3}],
    ),
    _case(
        "definitions",
        "draft 7",
        {
            "$schema": D7,
            "definitions": {"p": {"exclusiveMinimum": 0}},
            "type": "object",
            "properties": {"p": {"$ref": "#/definitions/p"}},
            "required": ["p"],
        },
        [{"p": 1}],
        [{"p": 0}, {}],
    ),
    _case(
        "$defs", "are silent", {"$defs": {"a": {"type": "string"}}, "type": "integer"}, [1], ["a"]
    ),
    _case(
        "$id",
        "relative",
        {
            "$id": "https://example.com/schemas/root.json",
            "type": "object",
            "properties": {"n": {"$ref": "number.json"}},
            "required": ["n"],
            "$defs": {"n": {"$id": "number.json", "type": "integer"}},
        },
        [{"n": 1}],
        [{"n": "a"}, {}],
    ),
    _case(
        "$id",
        "changes the base",
        {
            "$id": "https://example.com/a/",
            "$defs": {
                "x": {
                    "$id": "b/",
                    "$defs": {"y": {"$id": "c.json", "type": "boolean"}},
                    "type": "array",
                    "items": {"$ref": "c.json"},
                }
            },
            "$ref": "b/",
        },
        [[True], []],
        [[1], 1],
    ),
    _case(
        "$id",
        "a urn",
        {
            "$id": "urn:uuid:deadbeef-1234-0000-0000-4321feebdaed",
            "type": "object",
            "properties": {"a": {"$ref": "urn:uuid:deadbeef-1234-0000-0000-4321feebdaed#/$defs/b"}},
            "$defs": {"b": {"type": "string"}},
        },
        [{"a": "x"}],
        [{"a": 1}],
    ),
    _case(
        "id",
        "draft 4",
        {
            "$schema": D4,
            "id": "http://example.com/root.json",
            "definitions": {"w": {"id": "w.json", "type": "string"}},
            "type": "object",
            "properties": {"w": {"$ref": "w.json"}},
        },
        [{"w": "a"}, {}],
        [{"w": 1}],
    ),
    _case(
        "$id",
        "draft 7, a fragment",
        {
            "$schema": D7,
            "definitions": {"a": {"$id": "#word", "type": "string"}},
            "type": "object",
            "properties": {"a": {"$ref": "#word"}},
        },
        [{"a": "x"}],
        [{"a": 1}],
    ),
    _case(
        "$anchor",
        "plain",
        {"$ref": "#word", "$defs": {"a": {"$anchor": "word", "type": "integer"}}},
        [1],
        ["a"],
    ),
    _case(
        "$anchor",
        "with a base",
        {
            "$id": "https://example.com/x",
            "$ref": "x#word",
            "$defs": {"a": {"$anchor": "word", "type": "integer"}},
        },
        [1],
        ["a"],
    ),
    _case(
        "$dynamicRef",
        "as a $ref",
        {
            "type": "array",
            "items": {"$dynamicRef": "#items"},
            "$defs": {"foo": {"$dynamicAnchor": "items", "type": "string"}},
        },
        [["a"], []],
        [["a", 1]],
    ),
    _case(
        "$dynamicRef",
        "the outermost wins",
        {
            "$id": "https://example.com/strict",
            "$dynamicAnchor": "node",
            "$ref": "tree",
            "unevaluatedProperties": False,
            "$defs": {
                "tree": {
                    "$id": "tree",
                    "$dynamicAnchor": "node",
                    "type": "object",
                    "properties": {
                        "data": True,
                        "children": {"type": "array", "items": {"$dynamicRef": "#node"}},
                    },
                }
            },
        },
        [{"data": 1, "children": [{"data": 2}]}, {}],
        [{"children": [{"daat": 1}]}, {"x": 1}],
    ),
    _case(
        "$recursiveRef",
        "draft 2019",
        {
            "$schema": D2019,
            "type": "object",
            "properties": {"n": {"type": "integer"}, "next": {"$recursiveRef": "#"}},
            "required": ["n"],
            "additionalProperties": False,
        },
        [{"n": 1}, {"n": 1, "next": {"n": 2}}],
        [{"n": 1, "next": {}}, {"n": "a"}],
    ),
    _case("$comment", "is silent", {"$comment": "no assertion", "type": "null"}, [None], [1]),
    _case(
        "$schema",
        "draft 6",
        {"$schema": D6, "type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
        [{"a": 1}],
        [{"a": 2}, {}],
    ),
    _case(
        "discriminator",
        "is silent",
        {
            "discriminator": {"propertyName": "k"},
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"k": {"const": "a"}, "x": {"type": "integer"}},
                    "required": ["k", "x"],
                },
                {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]},
            ],
        },
        [{"k": "a", "x": 1}, {"k": "b"}],
        [{"k": "a"}, {"k": "c"}, {}],
    ),
)

CASES: tuple[Case, ...] = (
    *_TYPES,
    *_VALUES,
    *_NUMBERS,
    *_STRINGS,
    *_FORMATS,
    *_ARRAYS,
    *_OBJECTS,
    *_LOGIC,
    *_REFERENCES,
)
