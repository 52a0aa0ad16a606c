"""Contracts: what every completion must satisfy."""

from schemalora.contract.contract import Contract
from schemalora.contract.fields import Field
from schemalora.contract.loading import load_contract
from schemalora.contract.outcome import (
    NOT_JSON_CAUSES,
    VIOLATION_KINDS,
    NotJsonCause,
    Outcome,
    Violation,
    ViolationKind,
)
from schemalora.contract.relations import Comparison, Derived, Extracted, FreeText, Relation

__all__ = [
    "NOT_JSON_CAUSES",
    "VIOLATION_KINDS",
    "Comparison",
    "Contract",
    "Derived",
    "Extracted",
    "Field",
    "FreeText",
    "NotJsonCause",
    "Outcome",
    "Relation",
    "Violation",
    "ViolationKind",
    "load_contract",
]
