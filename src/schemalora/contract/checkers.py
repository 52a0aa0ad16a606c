"""Checkers: whether a parsed value is valid, fast, and what violates the contract, exactly."""

from __future__ import annotations

from typing import Any, Protocol

from schemalora.contract.outcome import Outcome
from schemalora.jsonvalue import JsonValue


class Checker(Protocol):
    """Validates one kind of contract."""

    @property
    def validators(self) -> tuple[tuple[str, str], ...]:
        """Path and name of each validator function that no schema shows."""
        ...

    def check(self, text: str, value: JsonValue) -> Outcome:
        """The outcome of a completion whose text is valid JSON and means `value`."""
        ...

    def wire(self, instance: Any) -> JsonValue:
        """The JSON value of an instance, as the contract has it on the wire."""
        ...
