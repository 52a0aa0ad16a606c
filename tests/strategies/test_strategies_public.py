"""The strategies: valid instances that shrink, and near misses that parsing reports exactly."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel, field_validator

import zoo
from schemalora.contract import Contract
from schemalora.errors import SamplingError, SchemaError
from schemalora.schema import matches
from schemalora.strategies import NearMiss, capabilities, instances, near_misses

ALL = [*zoo.MODELS, *zoo.SCHEMAS.values()]
NAMES = [*(getattr(m, "__name__", str(m)) for m in zoo.MODELS), *zoo.SCHEMAS]
QUIET = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def contract_of(what: Any) -> Contract:
    if isinstance(what, dict):
        return Contract.from_json_schema(what)
    return Contract.from_model(what)


@pytest.mark.parametrize("what", ALL, ids=NAMES)
def test_instances_are_valid(what: Any) -> None:
    contract = contract_of(what)

    @QUIET
    @given(instances(contract))
    def check(value: Any) -> None:
        outcome = contract.parse(contract.encode(value))
        assert outcome.violations == ()
        if isinstance(what, type) and issubclass(what, BaseModel):
            assert isinstance(value, what)
            assert outcome.instance == value

    check()


@pytest.mark.parametrize("what", ALL, ids=NAMES)
def test_near_misses_have_exactly_the_violation_they_name(what: Any) -> None:
    contract = contract_of(what)

    @QUIET
    @given(near_misses(contract))
    def check(miss: NearMiss) -> None:
        outcome = contract.parse(miss.completion)
        assert [(one.kind, one.path) for one in outcome.violations] == [(miss.kind, miss.path)]

    check()


def test_near_misses_of_the_flagship_shape_come_in_every_kind() -> None:
    kinds: collections.Counter[str] = collections.Counter()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(near_misses(zoo.Ticket))
    def collect(miss: NearMiss) -> None:
        kinds[miss.kind] += 1
        try:
            zoo.Ticket.model_validate_json(miss.completion, strict=True, extra="forbid")
        except ValueError:
            return
        # Pydantic itself is content with a missing default and with a doubled key.
        assert miss.kind in ("missing_key", "duplicate_key")

    collect()
    assert set(kinds) >= {
        "not_json",
        "duplicate_key",
        "missing_key",
        "extra_key",
        "wrong_type",
        "not_in_enum",
        "null_not_allowed",
        "too_deep",
    }


def test_constraints_are_broken_one_at_a_time() -> None:
    paths: set[str] = set()

    @settings(max_examples=120, deadline=None, derandomize=True)
    @given(near_misses(zoo.Bounded).filter(lambda miss: miss.kind == "constraint"))
    def collect(miss: NearMiss) -> None:
        paths.add(miss.path)

    collect()
    assert {"$.positive", "$.percent", "$.even", "$.short", "$.some", "$.code"} <= paths


def simplest(strategy: st.SearchStrategy[Any], condition: Callable[[Any], bool]) -> Any:
    """What a failing test would be reduced to.

    `find` gives back the last example that was tried; Hypothesis's phase of explaining goes on
    trying after the simplest was found.
    """
    return find(strategy, condition, settings=settings(phases=(Phase.generate, Phase.shrink)))


def test_instances_shrink_to_the_simplest() -> None:
    ticket: zoo.Ticket = simplest(
        instances(zoo.Ticket), lambda one: one.entities.product is not None
    )
    assert ticket.intent == "refund"
    assert ticket.entities == zoo.Entities(order_id=ticket.entities.order_id, product="")
    assert simplest(instances(list[int]), lambda one: sum(one) > 20) == [21]
    tree = simplest(instances(zoo.Tree), lambda one: any(child.name for child in one.children))
    assert len(tree.children) == 1
    assert tree.children[0].children == []
    assert simplest(instances({"type": "integer", "minimum": 5}), lambda one: one > 6) == 7
    assert simplest(instances({"type": "integer"}), lambda one: one < -3) == -4


def test_recursion_is_bounded() -> None:
    def height(one: zoo.Expression | float) -> int:
        if not isinstance(one, zoo.Expression):
            return 0
        return 1 + max(height(arg) for arg in one.args)

    @settings(max_examples=100, deadline=None)
    @given(instances(zoo.Expression))
    def check(one: zoo.Expression) -> None:
        assert height(one) <= 6

    check()


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_usable_inside_other_strategies(data: st.DataObject) -> None:
    pairs = st.tuples(instances(zoo.Colour), instances({"enum": [1, 2]}))
    colour, number = data.draw(pairs)
    assert colour in zoo.Colour
    assert number in (1, 2)


class Never(BaseModel):
    a: int

    @field_validator("a")
    @classmethod
    def _refuse(cls, value: int) -> int:
        raise ValueError("never")


def test_a_validator_that_refuses_everything_is_named_when_drawn_from() -> None:
    @settings(database=None)
    @given(instances(Never))
    def check(value: Never) -> None:
        raise AssertionError(value)

    with pytest.raises(SamplingError, match="never"):
        check()


class Absolute(BaseModel):
    path: str

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("must be absolute")
        return value


def test_what_validators_accept_is_learned_once_for_all_examples() -> None:
    seen: set[str] = set()

    @settings(max_examples=60, database=None, deadline=None, derandomize=True)
    @given(instances(Absolute))
    def check(value: Absolute) -> None:
        seen.add(value.path)

    check()
    assert len(seen) > 20


def test_what_cannot_be_a_contract_is_refused_at_once() -> None:
    for wrong in ({"$ref": "#"}, {"type": "nonsense"}, False, {"$ref": "https://example.com/x"}):
        with pytest.raises(SchemaError):
            instances(wrong)  # pyright: ignore
        with pytest.raises(SchemaError):
            near_misses(wrong)  # pyright: ignore


def test_a_type_that_takes_everything_can_still_be_missed() -> None:
    miss = simplest(near_misses({}), lambda one: True)
    assert Contract.from_json_schema({}).parse(miss.completion).violations


class Root(RootModel[int]):
    pass


def test_capabilities_name_who_enforces_what() -> None:
    pytest.importorskip("llguidance")
    rows = {
        (one.path, one.constraint): one.enforced_by
        for one in capabilities(Contract.from_model(zoo.Bounded))
    }
    assert rows["$.positive", "greater than 0"] == "parsing and decoder"
    assert rows["$", "no other keys"] == "parsing and decoder"
    assert rows["$.code", r"pattern ^[A-Z]{2}-\d{3,5}$"] == "parsing and decoder"
    rows = {
        (one.path, one.constraint): one.enforced_by
        for one in capabilities(Contract.from_model(zoo.Validated))
    }
    assert rows["$.even", "_even"] == "validator"
    assert rows["$", "_ordered"] == "validator"
    schema = {
        "type": "array",
        "items": {"type": "string", "format": "no-such"},
        "uniqueItems": True,
    }
    rows = {
        (one.path, one.constraint): one.enforced_by
        for one in capabilities(Contract.from_json_schema(schema))
    }
    assert rows["$[*]", "format no-such"] == "nothing"
    assert rows["$", "unique items"] == "parsing"


@pytest.mark.parametrize("name", sorted(zoo.SCHEMAS))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_tree_matches_what_instances_give(name: str, data: st.DataObject) -> None:
    schema = zoo.SCHEMAS[name]
    value = data.draw(instances(schema))
    assert matches(Contract.from_json_schema(schema).tree, json.loads(json.dumps(value)))
