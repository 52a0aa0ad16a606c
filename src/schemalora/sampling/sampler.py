"""Draws seeded targets from a contract; the contract has the last word on each."""

from __future__ import annotations

import random
from collections.abc import Iterator

from schemalora.contract import Contract, Outcome
from schemalora.errors import SamplingError, UsageError
from schemalora.jsonvalue import JsonValue, canonical_json, type_name
from schemalora.sampling.generator import Generator
from schemalora.sampling.repair import Repair
from schemalora.sampling.source import RandomSource

ATTEMPTS = 400
"""Draws of one target, most of them of its invalid parts only, before sampling gives up."""

_FIRST_DRAWS = 10


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
    repeats = _Repeats()
    for index in range(n):
        try:
            outcome = draw_valid(contract, generator)
            while repeats.should_redraw(canonical_json(outcome.json)):
                generator.go_deeper()
                outcome = draw_valid(contract, generator)
            yield outcome.json
        except SamplingError as error:
            raise SamplingError(f"{contract.name}, target {index}, seed {seed}: {error}") from error


class _Repeats:
    """Draws again what was drawn before, until a contract proves to have no more to give."""

    _TRIES = 10
    _PATIENCE = 100

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._tries = 0
        self._in_vain = 0

    def should_redraw(self, text: str) -> bool:
        if text not in self._seen:
            self._seen.add(text)
            self._tries = self._in_vain = 0
            return False
        self._tries += 1
        self._in_vain += 1
        if self._tries > self._TRIES or self._in_vain > self._PATIENCE:
            self._tries = 0
            return False
        return True


def draw_valid(contract: Contract, generator: Generator) -> Outcome:
    """The outcome of one valid value, drawn and, where a validator refuses, redrawn in places.

    Raises:
        SamplingError: none was found; the message has the last violation.
    """
    value = _first_draw(generator)
    outcome = contract.parse(contract.encode(value))
    if not outcome.compliant:
        outcome = _repaired(contract, generator, value, outcome)
    return own_notation(contract, outcome)


def _first_draw(generator: Generator) -> JsonValue:
    for effort in range(_FIRST_DRAWS):
        try:
            return generator.draw(effort=effort)
        except SamplingError:
            continue
    return generator.draw()


def _repaired(
    contract: Contract, generator: Generator, value: JsonValue, outcome: Outcome
) -> Outcome:
    repair = Repair(contract.tree, generator)
    for _ in range(ATTEMPTS):
        value = repair.redraw(value, outcome.violations)
        outcome = contract.parse(contract.encode(value))
        if outcome.compliant:
            repair.remember(value)
            return outcome
    first = outcome.violations[0]
    raise SamplingError(
        f"no valid value in {ATTEMPTS} draws; the last one broke {first.kind} @ {first.path}: "
        f"{first.message}"
    )


def own_notation(contract: Contract, outcome: Outcome) -> Outcome:
    """The value as the model itself writes it, where the model reads that back.

    `http://a.b` and `http://a.b/` are the same URL to pydantic; a target should have one notation.
    """
    if outcome.instance is None:
        return outcome
    try:
        wire = contract.wire(outcome.instance)
        if wire == outcome.value or not _keeps_types(outcome.value, wire):
            return outcome
        again = contract.parse(contract.encode(wire))
    except UsageError:
        return outcome
    return again if again.compliant else outcome


def _keeps_types(value: JsonValue, wire: JsonValue) -> bool:
    """Whether no branch of a union was left; a number may become the string of a Decimal."""
    if isinstance(value, dict) and isinstance(wire, dict):
        return value.keys() == wire.keys() and all(
            _keeps_types(item, wire[name]) for name, item in value.items()
        )
    if isinstance(value, list) and isinstance(wire, list):
        # Sets may lose items that are equal once they are read.
        return len(value) != len(wire) or all(map(_keeps_types, value, wire))
    kinds = (type_name(value), type_name(wire))
    return kinds[0] == kinds[1] or kinds == ("number", "string")
