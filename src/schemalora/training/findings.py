"""What a preflight reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
FindingKind = Literal[
    "invalid_target",
    "not_canonical",
    "other_prompt",
    "end_token_lost",
    "end_token_inside",
    "double_bos",
    "no_bos",
    "too_long",
    "not_reversible",
    "masked_wrong",
    "unknown_token",
    "banned_token",
    "forced_otherwise",
    "not_enforceable",
    "not_replayed",
]


@dataclass(frozen=True, slots=True)
class PreflightFinding:
    """One thing that a preflight reports."""

    kind: FindingKind
    severity: Severity
    row: int | None
    """Index of the training record, counted from 0; None where the whole set is meant."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        place = "" if self.row is None else f" in record {self.row}"
        return f"{self.severity}: {self.kind}{place}: {self.message}"
