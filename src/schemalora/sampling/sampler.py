"""Draws seeded targets from a contract; the contract has the last word on each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping

from schemalora.contract import Contract, Outcome
from schemalora.errors import SamplingError, UsageError
from schemalora.jsonvalue import JsonValue, canonical_json, type_name
from schemalora.sampling.generator import Generator
from schemalora.sampling.repair import Repair
from schemalora.sampling.source import RandomSource
from schemalora.schema import Node

ATTEMPTS = 400
"""Draws of one target, most of them of its invalid parts only, before sampling gives up."""

_FIRST_DRAWS = 10
_LESSONS = 4


def sample(contract: Contract, n: int, seed: int = 0) -> Iterator[JsonValue]:
    """Yields `n` valid targets, the same for the same seed on every platform.

    The targets are balanced over the contract's cells: at every choice (an enum's value, null or
    not, a union's branch, an empty list or not) each alternative comes up equally often. A target
    comes up twice only where its choices leave nothing free that could still be drawn otherwise.

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
            source.start()
            outcome = draw_valid(contract, generator)
            if repeats.is_new(outcome):
                yield outcome.json
                continue
            choices = source.choices
            while repeats.may_vary(choices):
                generator.go_deeper()
                source.restart()
                outcome = draw_valid(contract, generator)
                if repeats.is_new(outcome):
                    break
                repeats.note(choices)
            yield outcome.json
        except SamplingError as error:
            raise SamplingError(f"{contract.name}, target {index}, seed {seed}: {error}") from error


def learn(contract: Contract) -> Mapping[Node, str]:
    """Strings that validators nobody can see accept, by the node; always the same ones.

    Raises:
        SamplingError: no valid value was found at all.
    """
    generator = Generator(contract.tree, RandomSource(random.Random(0)), contract.heights)
    for _ in range(_LESSONS):
        draw_valid(contract, generator)
    return generator.accepted


class _Repeats:
    """Knows what was drawn before, and which choices have proved to have no more to give.

    Balance goes before distinctness: choices that are exhausted give the same target again.
    """

    _PATIENCE = 30
    _PATIENCE_IN_ALL = 100
    """Draws in a row, whatever their choices, after which the whole contract seems exhausted."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._since_new = 0
        self._in_vain: Counter[tuple[int, ...]] = Counter()

    def is_new(self, outcome: Outcome) -> bool:
        """Whether this target has not come up yet; from now on it has."""
        before = len(self._seen)
        self._seen.add(canonical_json(outcome.json))
        if len(self._seen) == before:
            return False
        self._since_new = 0
        return True

    def may_vary(self, choices: tuple[int, ...]) -> bool:
        """Whether another draw with the same choices may give a new target."""
        tired = self._since_new >= self._PATIENCE_IN_ALL
        return not tired and self._in_vain[choices] < self._PATIENCE

    def note(self, choices: tuple[int, ...]) -> None:
        """Counts a draw with these choices that gave nothing new."""
        self._in_vain[choices] += 1
        self._since_new += 1


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
    generator.recall()
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
