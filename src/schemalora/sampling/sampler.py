"""Draws seeded targets from a contract; the contract has the last word on each."""

from __future__ import annotations

import random
from collections.abc import Iterator

from schemalora.contract import Contract, Outcome
from schemalora.errors import SamplingError, UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.sampling.generator import Generator
from schemalora.sampling.repair import redrawn
from schemalora.sampling.source import RandomSource

ATTEMPTS = 400
"""Draws of one target, most of them of its invalid parts only, before sampling gives up."""


def sample(contract: Contract, n: int, seed: int = 0) -> Iterator[JsonValue]:
    """Yields `n` valid targets, the same for the same seed on every platform.

    The targets are balanced over the contract's cells: at every choice (an enum's value, null or
    not, a union's branch, an empty list or not) each alternative comes up equally often.

    Args:
        contract: what the targets must satisfy.
        n: how many targets.
        seed: where the choices come from.

    Raises:
        SamplingError: no valid target was found in `ATTEMPTS` draws; the last violation says why.
    """
    source = RandomSource(random.Random(seed))
    generator = Generator(contract.tree, source, contract.heights)
    for index in range(n):
        try:
            yield draw_valid(contract, generator)
        except SamplingError as error:
            raise SamplingError(f"{contract.name}, target {index}, seed {seed}: {error}") from error


def draw_valid(contract: Contract, generator: Generator) -> JsonValue:
    """One valid value in the contract's key order and, for a model, in the model's own notation.

    Raises:
        SamplingError: none was found; the message has the last violation.
    """
    value = generator.draw()
    outcome = contract.parse(contract.encode(value))
    for attempt in range(1, ATTEMPTS):
        if outcome.compliant:
            return own_notation(contract, outcome)
        value = redrawn(contract.tree, value, outcome.violations, generator, attempt)
        outcome = contract.parse(contract.encode(value))
    first = outcome.violations[0]
    raise SamplingError(
        f"no valid value in {ATTEMPTS} draws; the last one broke {first.kind} @ {first.path}: "
        f"{first.message}"
    )


def own_notation(contract: Contract, outcome: Outcome) -> JsonValue:
    """The value as the model itself writes it, where the model reads that back.

    `http://a.b` and `http://a.b/` are the same URL to pydantic; a target should have one notation.
    """
    if outcome.instance is None:
        return outcome.value
    try:
        wire = contract.wire(outcome.instance)
        if wire == outcome.value:
            return outcome.value
        again = contract.parse(contract.encode(wire))
    except UsageError:
        return outcome.value
    return again.value if again.compliant else outcome.value
