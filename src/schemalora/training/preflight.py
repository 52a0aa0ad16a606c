"""Checks before the first step: would these records teach what they should?

Every check runs over the real tokenizer and template. A finding names the row, the token and what
to do, so that hours are not spent on training that cannot work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schemalora.contract import Contract
from schemalora.errors import PreflightError
from schemalora.records import TrainingRecord
from schemalora.training.tokens import IGNORED, TokenRow

Severity = Literal["error", "warning"]
FindingKind = Literal[
    "invalid_target",
    "not_canonical",
    "end_token_lost",
    "end_token_inside",
    "double_bos",
    "too_long",
    "not_reversible",
    "masked_wrong",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a preflight reports."""

    kind: FindingKind
    severity: Severity
    row: int
    """Index of the training record, counted from 0."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind} in record {self.row}: {self.message}"


def preflight(
    contract: Contract,
    records: Sequence[TrainingRecord],
    rows: Sequence[TokenRow],
    tokenizer: Any,
    *,
    max_length: int,
) -> list[Finding]:
    """Checks training records and their tokens.

    Args:
        contract: what every target must satisfy.
        records: the training records.
        rows: their token rows, in the same order.
        tokenizer: the tokenizer that made them.
        max_length: tokens that a row may have.

    Returns:
        Findings in the order of the rows; empty where all is well.
    """
    found: list[Finding] = []
    for index, (record, row) in enumerate(zip(records, rows, strict=True)):
        completion = record.completion[0]["content"]
        for check in (
            _check_target(contract, completion),
            _check_tokens(row, completion, tokenizer),
            _check_length(row, max_length),
        ):
            found += [Finding(kind, severity, index, message) for kind, severity, message in check]
    return found


def require_no_errors(findings: Iterable[Finding]) -> None:
    """Stops where a finding has severity error.

    Raises:
        PreflightError: naming the first error and how many there are.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise PreflightError(f"preflight: {errors[0]}{more}")


_Check = Iterator[tuple[FindingKind, Severity, str]]


def _check_target(contract: Contract, completion: str) -> _Check:
    outcome = contract.parse(completion)
    if not outcome.compliant:
        first = outcome.violations[0]
        yield (
            "invalid_target",
            "error",
            f"{first.kind} @ {first.path}: {first.message}; run `schemalora audit` on the examples",
        )
    elif contract.encode(outcome.json) != completion:
        yield (
            "not_canonical",
            "warning",
            "the target is not the contract's canonical text (white space, key order or numbers), "
            "so constrained decoding may steer away from it; format it with `schemalora format`",
        )


def _check_tokens(row: TokenRow, completion: str, tokenizer: Any) -> _Check:
    eos = tokenizer.eos_token_id
    if not row.completion or row.completion[-1] != eos:
        yield "end_token_lost", "error", "the completion does not end in the end token"
    if eos in row.completion[:-1]:
        yield "end_token_inside", "error", "the end token stands inside the target"
    decoded = tokenizer.decode(list(row.completion[:-1]), skip_special_tokens=False)
    if decoded != completion:
        yield (
            "not_reversible",
            "error",
            f"the tokens decode to {decoded[:80]!r}, not to the target {completion[:80]!r}; "
            "the tokenizer normalises text: use a base model whose tokenizer does not",
        )
    bos = tokenizer.bos_token_id
    if bos is not None and row.prompt[:2] == (bos, bos):
        yield "double_bos", "error", "the prompt begins with two BOS tokens; mend the template"
    learned = [label for label in row.labels if label != IGNORED]
    if learned != list(row.completion) or len(row.labels) != len(row):
        yield "masked_wrong", "error", "the loss does not cover exactly the target and its end"


def _check_length(row: TokenRow, max_length: int) -> _Check:
    if len(row) > max_length:
        yield (
            "too_long",
            "error",
            f"{len(row)} tokens, max_length is {max_length}: raise max_length or drop the row "
            "(rows are never cut: the end of the target would be lost)",
        )
