"""Strategies of valid instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from hypothesis import reject
from hypothesis import strategies as st

from schemalora.contract import Contract, Outcome
from schemalora.errors import SamplingError
from schemalora.sampling.generator import Generator
from schemalora.sampling.sampler import draw_valid
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

    @st.composite
    def outcomes(draw: Draw) -> Outcome:
        return _draw_outcome(draw, contract)

    return outcomes()


def _draw_outcome(draw: Draw, contract: Contract) -> Outcome:
    generator = Generator(contract.tree, HypothesisSource(draw), contract.heights)
    try:
        return draw_valid(contract, generator)
    except SamplingError:
        reject()


def _json_of(outcome: Outcome) -> Any:
    return outcome.value


def _instance_of(outcome: Outcome) -> Any:
    return outcome.instance
