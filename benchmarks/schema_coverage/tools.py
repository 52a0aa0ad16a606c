"""The tools that are compared: each draws instances of one model or schema."""

from __future__ import annotations

import importlib
import importlib.util
import json
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from benchmarks.schema_coverage.corpora import Subject
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import BaseModel

from schemalora.contract import Contract
from schemalora.sampling import sample
from schemalora.strategies import instances

ROUNDS = (24, 80, 240)
"""How many instances are drawn: more where the draws before gave too few distinct ones."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One way of making instances."""

    draw: Callable[[Any], Iterator[str]]
    """Yields instances as JSON text, or as `repr` where `objects` is true."""
    package: str
    """The package that must be installed."""
    schemas: bool = True
    """Whether it takes bare JSON Schemas, not only model classes."""
    objects: bool = False
    """Whether it makes objects of the model, which has validated them by then."""

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None

    def versions(self) -> dict[str, str]:
        """The versions the tool runs with."""
        names = dict.fromkeys((self.package, "hypothesis", "pydantic"))
        return {name: metadata.version(name) for name in names if name != "schemalora"}


def contract_of(subject: Subject) -> Contract:
    if isinstance(subject, type):
        return Contract.from_model(subject)
    return Contract.from_json_schema(subject)  # pyright: ignore[reportArgumentType]  (booleans)


def schemalora_sample(subject: Subject) -> Iterator[str]:
    contract = contract_of(subject)
    for target in sample(contract, ROUNDS[-1], seed=0):
        yield contract.encode(target)


def schemalora_instances(subject: Subject) -> Iterator[str]:
    contract = contract_of(subject)
    yield from map(contract.encode, _examples(instances(contract)))


def from_type(model: type[BaseModel]) -> Iterator[str]:
    from hypothesis import strategies as st

    model.model_rebuild()
    yield from map(repr, _examples(st.from_type(model)))


def polyfactory(model: type[BaseModel]) -> Iterator[str]:
    base: Any = _peer("polyfactory.factories.pydantic_factory").ModelFactory
    factory: Any = type("Factory", (base,), {"__model__": model})
    factory.seed_random(0)
    for _ in range(ROUNDS[-1]):
        yield repr(factory.build())


def jsf(subject: Subject) -> Iterator[str]:
    random.seed(0)
    maker = _peer("jsf").JSF(_schema_of(subject))
    for _ in range(ROUNDS[-1]):
        yield json.dumps(maker.generate())


def hypothesis_jsonschema(subject: Subject) -> Iterator[str]:
    strategy = _peer("hypothesis_jsonschema").from_schema(_schema_of(subject))
    yield from map(json.dumps, _examples(strategy))


def _peer(module: str) -> Any:
    """A module of a tool that need not be installed."""
    return importlib.import_module(module)


def _schema_of(subject: Subject) -> Any:
    return subject.model_json_schema() if isinstance(subject, type) else subject


TOOLS: dict[str, Tool] = {
    "schemalora_sample": Tool(schemalora_sample, "schemalora"),
    "schemalora_instances": Tool(schemalora_instances, "schemalora"),
    "hypothesis_from_type": Tool(from_type, "hypothesis", schemas=False, objects=True),
    "polyfactory": Tool(polyfactory, "polyfactory", schemas=False, objects=True),
    "jsf": Tool(jsf, "jsf"),
    "hypothesis_jsonschema": Tool(hypothesis_jsonschema, "hypothesis_jsonschema"),
}


def _examples(strategy: Any) -> Iterator[Any]:
    """What Hypothesis draws; it cannot be stopped, so it draws more only when asked for more."""
    for count in ROUNDS:
        yield from _drawn(strategy, count)


def _drawn(strategy: Any, count: int) -> list[Any]:
    found: list[Any] = []

    @settings(
        max_examples=count,
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
