"""The tools that are compared: each draws distinct valid instances of one model."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from pydantic import BaseModel

from schemalora.contract import Contract
from schemalora.sampling import sample
from schemalora.strategies import instances

WANTED = 20
"""Distinct instances a tool must give, unless there are not as many."""
DRAWS = 60

Draw = Callable[[type[BaseModel]], Iterator[str]]
"""Yields instances as JSON text, or as `repr` where a tool makes objects of the model itself."""

OBJECTS = frozenset({"hypothesis_from_type", "polyfactory"})
"""Tools whose instances the model has validated when it made them."""


def schemalora_sample(model: type[BaseModel]) -> Iterator[str]:
    contract = Contract.from_model(model)
    for target in sample(contract, DRAWS, seed=0):
        yield contract.encode(target)


def schemalora_instances(model: type[BaseModel]) -> Iterator[str]:
    contract = Contract.from_model(model)
    yield from map(contract.encode, _examples(instances(contract)))


def from_type(model: type[BaseModel]) -> Iterator[str]:
    from hypothesis import strategies as st

    model.model_rebuild()
    yield from map(repr, _examples(st.from_type(model)))


def polyfactory(model: type[BaseModel]) -> Iterator[str]:
    from polyfactory.factories.pydantic_factory import ModelFactory

    factory: Any = type("Factory", (ModelFactory,), {"__model__": model})
    factory.seed_random(0)
    for _ in range(DRAWS):
        yield repr(factory.build())


def jsf(model: type[BaseModel]) -> Iterator[str]:
    from jsf import JSF

    random.seed(0)
    maker = JSF(model.model_json_schema())
    for _ in range(DRAWS):
        yield json.dumps(maker.generate())


def hypothesis_jsonschema(model: type[BaseModel]) -> Iterator[str]:
    from hypothesis_jsonschema import from_schema

    yield from map(json.dumps, _examples(from_schema(model.model_json_schema())))


TOOLS: dict[str, Draw] = {
    "schemalora_sample": schemalora_sample,
    "schemalora_instances": schemalora_instances,
    "hypothesis_from_type": from_type,
    "polyfactory": polyfactory,
    "jsf": jsf,
    "hypothesis_jsonschema": hypothesis_jsonschema,
}


def _examples(strategy: Any) -> list[Any]:
    found: list[Any] = []

    @settings(
        max_examples=DRAWS,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collect()
    return found
