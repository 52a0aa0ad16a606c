"""Sampling: only valid targets, for every schema that has any, the same for the same seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, field_validator

import zoo
from made_up import SCHEMAS, VALUES
from schemalora.contract import Contract, Extracted
from schemalora.errors import SamplingError, SchemaError
from schemalora.jsonvalue import canonical_json
from schemalora.sampling import cells, sample

ALL = [*zoo.MODELS, *zoo.SCHEMAS.values()]
NAMES = [*(getattr(m, "__name__", str(m)) for m in zoo.MODELS), *zoo.SCHEMAS]


def contract_of(what: Any) -> Contract:
    if isinstance(what, dict):
        return Contract.from_json_schema(what)
    return Contract.from_model(what)


@pytest.mark.parametrize("what", ALL, ids=NAMES)
def test_targets_are_valid_and_in_order(what: Any) -> None:
    contract = contract_of(what)
    for target in sample(contract, 30, seed=3):
        outcome = contract.parse(contract.encode(target))
        assert outcome.violations == ()
        assert contract.in_order(target)


@pytest.mark.parametrize("name", [n for n in zoo.SCHEMAS if n != "patterns of strings"])
def test_targets_are_valid_by_another_validator(name: str) -> None:
    schema = zoo.SCHEMAS[name]
    cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    validator = cls(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for target in sample(Contract.from_json_schema(schema), 20, seed=1):
        validator.validate(target)


@pytest.mark.parametrize("model", [m for m in zoo.MODELS if hasattr(m, "model_validate_json")])
def test_the_model_itself_reads_every_target(model: Any) -> None:
    contract = Contract.from_model(model)
    strict = model is not zoo.BeforeAll
    for target in sample(contract, 10, seed=5):
        model.model_validate_json(contract.encode(target), strict=strict)


@settings(max_examples=250, deadline=None)
@given(schema=SCHEMAS, values=st.lists(VALUES, min_size=1, max_size=8))
def test_what_has_an_instance_is_sampled(schema: Any, values: list[Any]) -> None:
    reference = jsonschema_rs.Draft202012Validator(schema)
    try:
        targets = list(sample(Contract.from_json_schema(schema), 4, seed=0))
    except (SchemaError, SamplingError):
        assert not any(reference.is_valid(value) for value in values), schema
        return
    assert all(reference.is_valid(target) for target in targets)


@pytest.mark.parametrize("what", ALL, ids=NAMES)
def test_twenty_distinct_targets_or_all_there_are(what: Any) -> None:
    few = {"integer": 6, "null": 1, "const": 1, "enum": 5, "not": 4, "enum in all of": 1}
    few |= {"number": 9, "deep all of": 14}
    contract = contract_of(what)
    found = {canonical_json(target) for target in sample(contract, 60, seed=0)}
    expected = next((few[n] for n, one in zoo.SCHEMAS.items() if one is what and n in few), None)
    assert len(found) == expected if expected else len(found) >= 20


@pytest.mark.parametrize("what", ALL, ids=NAMES)
def test_every_cell_is_covered(what: Any) -> None:
    contract = contract_of(what)
    targets = list(sample(contract, 80, seed=2))
    missed = [
        (cell.path, cell.label)
        for cell in cells(contract)
        if not any(cell.matches(target) for target in targets)
    ]
    assert missed == []


def test_choices_are_balanced() -> None:
    targets: list[Any] = list(sample(Contract.from_model(zoo.Ticket), 600, seed=0))
    for intent in ("refund", "cancel", "billing", "tech_support", "shipping", "other"):
        assert 90 <= sum(target["intent"] == intent for target in targets) <= 110
    assert 270 <= sum(target["entities"]["order_id"] is None for target in targets) <= 330


class Small(BaseModel):
    """Half of its targets are three values: there repeats are right."""

    intent: Literal["refund", "cancel", "other"]
    order_id: Annotated[str | None, Extracted()]


class Tiny(BaseModel):
    """Ten values in all."""

    urgent: bool
    part: Literal["p", "q", "r", "s"] | None


class Nested(BaseModel):
    kind: Literal["a", "b"]
    note: str | None
    tags: list[Literal["x", "y", "z"]]
    small: Small | None
    number: int | str


class Chain(BaseModel):
    """Has to grow to give more than a few values."""

    kind: Literal["a", "b"]
    note: str | None
    next: Chain | None


CLOSED = {
    "type": "object",
    "properties": {"state": {"enum": ["on", "off", None]}, "level": {"enum": [1, 2, 3, 4]}},
    "required": ["state", "level"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("what", [Small, Tiny, Nested, zoo.Ticket, CLOSED])
def test_choices_stay_balanced_where_targets_repeat(what: Any, seed: int) -> None:
    contract = contract_of(what)
    targets: list[Any] = list(sample(contract, 2000, seed=seed))
    for field in contract.fields.values():
        values = [found for t in targets for found in [reached(t, field.keys)] if found is not GONE]
        if field.nullable and "string" in field.kinds and field.allowed is None:
            assert 0.4 <= values.count(None) / len(values) <= 0.6, field.path
        drawn = [value for value in values if value is not None]
        for value in field.allowed or ():
            if value is None:
                continue
            count = sum(canonical_json(one) == canonical_json(value) for one in drawn)
            share = len(drawn) / sum(one is not None for one in field.allowed)
            assert 0.9 * share <= count <= 1.1 * share, (field.path, value)


@pytest.mark.parametrize("seed", [0, 1])
def test_recursive_targets_grow_and_stay_balanced_at_the_top(seed: int) -> None:
    targets: list[Any] = list(sample(Contract.from_model(Chain), 2000, seed=seed))
    assert 900 <= sum(target["kind"] == "a" for target in targets) <= 1100
    assert 900 <= sum(target["note"] is None for target in targets) <= 1100
    assert len({canonical_json(target) for target in targets}) > 1000


def test_what_is_free_is_redrawn_before_a_target_repeats() -> None:
    targets: list[Any] = list(sample(Contract.from_model(Small), 2000, seed=0))
    named = [canonical_json(target) for target in targets if target["order_id"] is not None]
    assert len(set(named)) == len(named) == 1000


GONE = object()


def reached(value: Any, keys: tuple[Any, ...]) -> Any:
    """The value at a path of keys; `GONE` where an optional part is null, or keys go into items."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return GONE
        value = value[key]
    return value


def test_a_prefix_of_more_targets_is_the_same() -> None:
    contract = Contract.from_model(zoo.Containers)
    assert list(sample(contract, 5, seed=9)) == list(sample(contract, 12, seed=9))[:5]
    assert list(sample(contract, 5, seed=9)) != list(sample(contract, 5, seed=10))


SCRIPT = """
import zoo
from schemalora.contract import Contract
from schemalora.sampling import sample
for model in zoo.MODELS:
    contract = Contract.from_model(model)
    for target in sample(contract, 6, seed=4):
        print(contract.encode(target))
for schema in zoo.SCHEMAS.values():
    contract = Contract.from_json_schema(schema)
    for target in sample(contract, 6, seed=4):
        print(contract.encode(target))
"""


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    outputs: set[bytes] = set()
    for hash_seed in ("1", "77"):
        tests = Path(__file__).parents[1]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(tests)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) == 6 * (len(zoo.MODELS) + len(zoo.SCHEMAS))


class Impossible(BaseModel):
    code: str

    @field_validator("code")
    @classmethod
    def _never(cls, value: str) -> str:
        raise ValueError("no code is good enough")


def test_a_validator_that_refuses_everything_is_named() -> None:
    with pytest.raises(SamplingError, match=r"no code is good enough") as caught:
        next(iter(sample(Contract.from_model(Impossible), 1, seed=0)))
    assert "$.code" in str(caught.value)
    assert "seed 0" in str(caught.value)


def test_a_pattern_no_string_satisfies_is_named() -> None:
    schema = {"type": "string", "pattern": "^a$", "minLength": 3}
    with pytest.raises(SamplingError, match=r"\^a\$"):
        next(iter(sample(Contract.from_json_schema(schema), 1, seed=0)))
