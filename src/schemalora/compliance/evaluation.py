"""Scores every prediction of every example under a contract, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemalora.compliance.pairing import RowIndex, pair
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.score import METRICS
from schemalora.compliance.tally import Tally
from schemalora.errors import PairingError
from schemalora.jsonl import read_json
from schemalora.origin import TextHash, run_file
from schemalora.records import Example, Prediction, read_examples, read_predictions

if TYPE_CHECKING:
    from schemalora.contract import Contract

MOST_ROWS_KEPT: Final = 100_000
"""Above so many rows a report leaves their outcomes out, unless it is asked to keep them."""


def evaluate(
    contract: Contract,
    examples: Iterable[Example],
    predictions: Iterable[Prediction],
    *,
    allow_missing: bool = False,
    keep_rows: int | None = MOST_ROWS_KEPT,
    keep_failures: int = 500,
) -> ComplianceReport:
    """Scores predictions strictly, over all examples.

    Both sides are read once, in step; where they come in the same order, memory does not grow with
    their number, but for some 15 to 55 bytes a row by which repeated ids are found, and 14 to 22
    more for a perturbed row whose parent has not come. With more than 59 fields each of the two is
    some 40 bytes more.

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


def evaluate_files(
    contract: Contract,
    examples: str | Path,
    predictions: str | Path,
    *,
    allow_missing: bool = False,
    keep_rows: int | None = MOST_ROWS_KEPT,
    keep_failures: int = 500,
) -> ComplianceReport:
    """Scores a predictions file against an examples file, streaming both; see `evaluate`.

    Raises:
        PairingError: as `evaluate`; also where the file beside the predictions that says how they
            were made (`predictions.run.json`) names another contract, or other ids and texts or
            another order of them than the examples file has. With `allow_missing`, predictions of
            fewer examples than the file has are not compared with its texts.
        UsageError: a file that cannot be read, with its line.
    """
    origin = run_file(predictions)
    run = read_json(origin) if origin.is_file() else {}
    made_under = run.get("contract")
    if isinstance(made_under, str) and made_under != contract.fingerprint:
        raise PairingError(
            f"{predictions}: predicted under another contract ({made_under[:12]}, says "
            f"{origin.name}) than {contract.name!r} ({contract.fingerprint[:12]}); predict again"
        )
    texts = TextHash()
    report = evaluate(
        contract,
        _passing(read_examples(examples), texts),
        read_predictions(predictions),
        allow_missing=allow_missing,
        keep_rows=keep_rows,
        keep_failures=keep_failures,
    )
    made_of = run.get("examples")
    of_a_part = allow_missing and run.get("n") != report.n
    if isinstance(made_of, str) and made_of != texts.hexdigest() and not of_a_part:
        raise PairingError(
            f"{predictions}: made of other examples than those of {examples} (says {origin.name}): "
            "the ids are the same, but texts or their order are not; predict again, or give the "
            "examples that were asked"
        )
    return report


def _passing(examples: Iterable[Example], texts: TextHash) -> Iterator[Example]:
    """The examples as they are, taken into the hash on their way."""
    for example in examples:
        texts.add(example)
        yield example
