"""Strategies of completions that break a contract in exactly one known way."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from schemalora.contract import Contract, ViolationKind
from schemalora.strategies.breakages import Breakage, breakages_of
from schemalora.strategies.instances import ModelOrSchema, contract_of, valid_outcomes
from schemalora.strategies.source import Draw
from schemalora.strategies.textual import text_breakages

_TRIES = 60


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A completion with exactly one violation."""

    completion: str
    kind: ViolationKind
    path: str
    """Where the violation is; the key that is missing or extra included."""


def near_misses(model_or_schema: ModelOrSchema) -> st.SearchStrategy[NearMiss]:
    """Completions that break the contract in exactly one way, with the kind and the path.

    A valid value is drawn and then broken in one place: a key left out, added or doubled, a value
    of another type, outside its enum, null or beyond a bound, or the JSON text itself cut, fenced
    or wrapped in prose. `Contract.parse` reports exactly that one violation.

    Args:
        model_or_schema: a pydantic model, a JSON Schema as a mapping, or a contract.

    Raises:
        SchemaError: what is given cannot become a contract.
    """
    contract = contract_of(model_or_schema)
    valid = valid_outcomes(contract)

    @st.composite
    def misses(draw: Draw) -> NearMiss:
        value = draw(valid).json
        breakages = [*breakages_of(contract.tree, value), *text_breakages(contract.encode(value))]
        return _first_exact(draw, contract, breakages)

    return misses()


def _first_exact(draw: Draw, contract: Contract, breakages: list[Breakage]) -> NearMiss:
    """A breakage that the contract reports as just what it is; the kinds come up evenly."""
    by_kind: dict[str, list[Breakage]] = {}
    for breakage in breakages:
        by_kind.setdefault(breakage.kind, []).append(breakage)
    kinds = list(by_kind.values())
    for _ in range(min(_TRIES, len(breakages))):
        group = kinds[_index(draw, len(kinds))]
        chosen = group.pop(_index(draw, len(group)))
        if not group:
            kinds.remove(group)
        miss = _exact(contract, chosen)
        if miss is not None:
            return miss
    return NearMiss("", "not_json", "$")


def _index(draw: Draw, count: int) -> int:
    return draw(st.integers(0, count - 1))


def _exact(contract: Contract, breakage: Breakage) -> NearMiss | None:
    """The near miss of a breakage, or None where it breaks nothing, or more than one thing."""
    completion = breakage.completion(contract)
    violations = contract.parse(completion).violations
    if len(violations) != 1:
        return None
    only = violations[0]
    if only.kind != breakage.kind or only.path != breakage.path:
        return None
    return NearMiss(completion, only.kind, only.path)
