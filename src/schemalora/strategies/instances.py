"""Strategies of valid instances."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, TypeAlias

from hypothesis import reject
from hypothesis import strategies as st

from schemalora.contract import Contract, Outcome
from schemalora.errors import SamplingError
from schemalora.sampling.generator import Generator
from schemalora.sampling.sampler import draw_valid, learn
from schemalora.strategies.source import Draw, HypothesisSource

ModelOrSchema: TypeAlias = "Contract | Mapping[str, Any] | type[Any]"


def instances(model_or_schema: ModelOrSchema) -> st.SearchStrategy[Any]:
    """Valid instances: objects of a pydantic model, or JSON values of a JSON Schema.

    Args:
        model_or_schema: a pydantic model (or any type pydantic validates), a JSON Schema as a
            mapping, or a contract.

    Returns:
        A strategy that shrinks to few keys, short lists and the first alternatives, and that
        draws recursive structures to a bounded depth. What a validator refuses is drawn anew in
        its place.

    Raises:
        SchemaError: what is given cannot become a contract.
        SamplingError: when drawn from, a validator refuses everything.
    """
    contract = contract_of(model_or_schema)
    outcomes = valid_outcomes(contract)
    if contract.model is None:
        return outcomes.map(_json_of)
    return outcomes.map(_instance_of)


def contract_of(model_or_schema: ModelOrSchema) -> Contract:
    """The contract of a model, of a schema, or the contract itself."""
    if isinstance(model_or_schema, Contract):
        return model_or_schema
    if isinstance(model_or_schema, Mapping):
        return Contract.from_json_schema(model_or_schema)
    return Contract.from_model(model_or_schema)


def valid_outcomes(contract: Contract) -> st.SearchStrategy[Outcome]:
    """Outcomes of valid completions."""
    # What is learned is the same whenever it is learned, so that every example can be replayed.
    lessons = cache(partial(learn, contract))

    @st.composite
    def outcomes(draw: Draw) -> Outcome:
        source = HypothesisSource(draw)
        generator = Generator(contract.tree, source, contract.heights, lessons)
        try:
            return draw_valid(contract, generator)
        except SamplingError:
            lessons()  # raises where it is not this draw's bad luck
            reject()

    return outcomes()


def _json_of(outcome: Outcome) -> Any:
    return outcome.value


def _instance_of(outcome: Outcome) -> Any:
    return outcome.instance
