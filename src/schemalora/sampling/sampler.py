"""Draws seeded targets from a contract."""

from __future__ import annotations

import random
from collections.abc import Iterator

from schemalora.contract import Contract
from schemalora.errors import SamplingError
from schemalora.jsonvalue import JsonValue
from schemalora.sampling.draw import Drawer

_ATTEMPTS = 200


def sample(contract: Contract, n: int, seed: int = 0) -> Iterator[JsonValue]:
    """Yields `n` valid targets, the same for the same seed on every platform.

    Raises:
        SamplingError: no valid target was found in many draws.
    """
    rng = random.Random(seed)
    drawer = Drawer(contract.tree, rng)
    for index in range(n):
        yield _valid(contract, drawer, index, seed)


def _valid(contract: Contract, drawer: Drawer, index: int, seed: int) -> JsonValue:
    why = ""
    for _ in range(_ATTEMPTS):
        value = drawer.draw()
        outcome = contract.parse(contract.encode(value))
        if outcome.compliant:
            return value
        first = outcome.violations[0]
        why = f"{first.kind} @ {first.path}: {first.message}"
    raise SamplingError(
        f"{contract.name}: no valid target in {_ATTEMPTS} draws (target {index}, seed {seed}); {why}"
    )
