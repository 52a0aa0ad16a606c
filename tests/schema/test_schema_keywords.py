"""The keyword suite: the checker, the node tree and the package jsonschema agree with it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema.validators import validator_for

from keyword_cases import CASES, Case
from schemalora.contract import Contract
from schemalora.sampling import sample
from schemalora.schema import matches
from schemalora.strategies import NearMiss, instances, near_misses

IDS = [f"{case.keyword}: {case.about}" for case in CASES]
FEW = settings(
    max_examples=3,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KEYWORDS = {
    *("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minLength", "maxLength", "pattern", "format", "items", "prefixItems"),
    *("additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains"),
    *("maxContains", "unevaluatedItems", "properties", "required", "additionalProperties"),
    *("patternProperties", "propertyNames", "minProperties", "maxProperties", "dependentRequired"),
    *(
        "dependentSchemas",
        "dependencies",
        "unevaluatedProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
    ),
    *("if", "then", "else", "$ref", "$defs", "definitions", "$id", "id", "$anchor", "$dynamicRef"),
    *("$recursiveRef", "$schema", "$comment", "contentMediaType", "contentEncoding"),
    *("contentSchema", "default", "discriminator"),
}


def test_every_keyword_has_a_case() -> None:
    assert {case.keyword for case in CASES} >= KEYWORDS


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_checker_gives_the_verdicts(case: Case) -> None:
    contract = Contract.from_json_schema(case.schema)
    for value in case.valid:
        assert contract.parse(json.dumps(value)).violations == (), value
    for value in case.invalid:
        assert not contract.parse(json.dumps(value)).compliant, value


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_tree_gives_the_verdicts(case: Case) -> None:
    tree = Contract.from_json_schema(case.schema).tree
    for value in case.valid:
        assert matches(tree, value), value
    for value in case.invalid:
        assert not matches(tree, value), value


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_jsonschema_gives_the_verdicts_too(case: Case) -> None:
    if case.formats:
        pytest.skip("it checks few formats by itself")
    judged = jsonschema_verdicts(case)
    expected = [(value, True) for value in case.valid] + [(value, False) for value in case.invalid]
    # What is beyond the package must be: else the mark is out of date.
    assert (judged == expected) is (not case.beyond)


def jsonschema_verdicts(case: Case) -> list[tuple[Any, bool]] | str:
    validator: Any = validator_for(case.schema)(case.schema)
    try:
        return [(value, validator.is_valid(value)) for value in (*case.valid, *case.invalid)]
    except (re.error, AttributeError) as error:
        return str(error)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_targets_are_valid(case: Case) -> None:
    contract = Contract.from_json_schema(case.schema)
    validator: Any = validator_for(case.schema)(case.schema)
    for target in sample(contract, 12, seed=0):
        assert contract.parse(json.dumps(target)).violations == (), target
        assert case.beyond or validator.is_valid(target), target
        assert matches(contract.tree, target), target


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_near_misses_are_labelled_right(case: Case) -> None:
    contract = Contract.from_json_schema(case.schema)

    @FEW
    @given(near_misses(contract))
    def check(miss: NearMiss) -> None:
        outcome = contract.parse(miss.completion)
        assert [(one.kind, one.path) for one in outcome.violations] == [(miss.kind, miss.path)]

    check()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_instances_are_valid_values(case: Case) -> None:
    contract = Contract.from_json_schema(case.schema)

    @FEW
    @given(instances(contract))
    def check(value: Any) -> None:
        assert contract.parse(json.dumps(value)).violations == ()

    check()
