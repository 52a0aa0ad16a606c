"""Scores every prediction of every example under a contract, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from schemalora.compliance.pairing import RowIndex, pair
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.score import METRICS
from schemalora.compliance.tally import Tally
from schemalora.records import Example, Prediction

if TYPE_CHECKING:
    from schemalora.contract import Contract


def evaluate(
    contract: Contract,
    examples: Iterable[Example],
    predictions: Iterable[Prediction],
    *,
    allow_missing: bool = False,
    keep_rows: int | None = 100_000,
    keep_failures: int = 500,
) -> ComplianceReport:
    """Scores predictions strictly, over all examples.

    Both sides are read once, in step; where they come in the same order, memory does not grow with
    their number, but for some 20 to 40 bytes a row by which repeated ids are found.

    Args:
        contract: what every completion must satisfy.
        examples: the rows that count; each id once.
        predictions: one for each example, matched by id, in any order.
        allow_missing: score examples without a prediction as wrong instead of refusing them.
        keep_rows: keep every row's outcome in the report, so that it can be compared with another,
            unless there are more rows than this; None keeps them always.
        keep_failures: how many of the rows that are no exact match the report shows.

    Raises:
        PairingError: ids that do not match one to one, no examples at all, or examples of which not
            one target complies with the contract.
    """
    index = RowIndex(len(METRICS) + len(contract.fields))
    tally = Tally(contract, index, keep_rows=keep_rows, keep_failures=keep_failures)
    for example, prediction in pair(
        examples, predictions, index=index, allow_missing=allow_missing
    ):
        tally.add(example, prediction)
    return tally.report()
