"""Everything that one pass over examples and predictions counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemalora.compliance.counts import (
    MOST_SLICES,
    ScoreCounter,
    SliceCounter,
    ViolationCounter,
    metric_rates,
    ordered_counts,
)
from schemalora.compliance.failures import Failure, FailureSampler, Fault, shortened
from schemalora.compliance.generation import GenerationCounter
from schemalora.compliance.leaves import LeafCounter
from schemalora.compliance.lenient import lenient_candidates
from schemalora.compliance.pairing import RowIndex
from schemalora.compliance.rate import Rate
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.robustness import RobustnessCounter
from schemalora.compliance.rows import RowKeeper
from schemalora.compliance.score import EXACT_MATCH, METRIC_BITS, METRICS, Absent, Scorer
from schemalora.compliance.slicing import slices_of, tidy_slices
from schemalora.errors import PairingError
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import Example, Prediction

if TYPE_CHECKING:
    from schemalora.contract import Contract, Outcome


class Tally:
    """Counts rows one by one, and then makes the report."""

    def __init__(
        self, contract: Contract, index: RowIndex, *, keep_rows: int | None, keep_failures: int
    ) -> None:
        self._contract = contract
        self._index = index
        self._scorer = Scorer(contract)
        columns = self._scorer.columns
        self._columns = columns
        self._all_fields = ((1 << len(columns)) - 1) & ~METRIC_BITS
        self._scores = ScoreCounter(len(columns))
        self._lenient = [0] * (METRIC_BITS + 1)
        self._slices = SliceCounter()
        self._violations = ViolationCounter()
        self._causes: Counter[str] = Counter()
        self._leaves = LeafCounter(contract)
        self._robustness = RobustnessCounter(columns, index)
        self._rows = RowKeeper(columns, keep_rows)
        self._failures = FailureSampler(keep_failures)
        self._fingerprint = 0
        self._missing = 0
        self._bad_targets = 0
        self._generation = GenerationCounter()

    def add(self, example: Example, prediction: Prediction | None) -> None:
        """Scores and counts one row; one without a prediction is wrong in everything."""
        target = example.target
        target_text = canonical_json(target)
        outcome = None
        score = lenient = 0
        if prediction is None:
            self._missing += 1
        else:
            outcome = self._contract.parse(prediction.completion)
            score = lenient = self._scorer.score(
                target, outcome, verbatim=prediction.completion == target_text
            )
            if outcome.violations:
                self._count_violations(outcome)
            if not outcome.valid_json:
                lenient = self._lenient_score(target, prediction.completion)
            self._generation.add(prediction)
        self._scores.add(score)
        self._lenient[lenient & METRIC_BITS] += 1
        self._robustness.add(example, score)
        self._rows.add(example.id, score, example.group)
        self._leaves.add(
            target,
            outcome.json if outcome is not None and outcome.valid_json else Absent.UNPARSED,
            right=score & self._all_fields == self._all_fields,
        )
        for dimension, value in slices_of(example):
            self._slices.add(dimension, value, score)
        key = _row_key(example, target_text)
        self._fingerprint += key
        if not score & EXACT_MATCH:
            if not self._contract.parse(target_text).compliant:
                # A target that is matched complies as well: only the others are looked at.
                self._bad_targets += 1
            if self._failures.wants(key):
                self._failures.keep(key, self._failure(example, prediction, outcome, score))

    def _count_violations(self, outcome: Outcome) -> None:
        self._violations.add((one.kind, one.path) for one in outcome.violations)
        if not outcome.valid_json:
            self._causes.update(one.cause for one in outcome.violations if one.cause)

    def _lenient_score(self, target: JsonValue, completion: str) -> int:
        for candidate in lenient_candidates(completion):
            outcome = self._contract.parse(candidate)
            if outcome.valid_json:
                return self._scorer.score(target, outcome)
        return 0

    def _failure(
        self,
        example: Example,
        prediction: Prediction | None,
        outcome: Outcome | None,
        score: int,
    ) -> Failure:
        slices: dict[str, tuple[str, ...]] = {}
        for dimension, value in slices_of(example):
            slices[dimension] = (*slices.get(dimension, ()), value)
        fields = self._columns[len(METRICS) :]
        return Failure(
            id=example.id,
            text=shortened(example.text),
            target=example.target,
            completion=None if prediction is None else shortened(prediction.completion),
            violations=tuple(
                Fault(one.kind, one.path, one.message, one.cause)
                for one in (outcome.violations if outcome is not None else ())
            ),
            wrong=tuple(
                path for i, path in enumerate(fields, start=len(METRICS)) if not score >> i & 1
            ),
            slices=slices,
        )

    def report(self) -> ComplianceReport:
        """The report over all rows that were added.

        Raises:
            PairingError: not one target complies with the contract.
        """
        n = self._scores.n
        if self._bad_targets == n:
            raise PairingError(
                f"not one of the {n} targets complies with the contract {self._contract.name!r}: "
                "these examples belong to another contract"
            )
        totals = [Rate(total, n) for total in self._scores.totals()]
        fields = self._contract.fields
        return ComplianceReport(
            contract_name=self._contract.name,
            contract_fingerprint=self._contract.fingerprint,
            n=n,
            metrics=dict(zip(METRICS, totals[: len(METRICS)], strict=True)),
            fields=dict(zip(fields, totals[len(METRICS) :], strict=True)),
            comparisons={path: one.comparison for path, one in fields.items()},
            violations=self._violations.to_dict(),
            causes=ordered_counts(self._causes),
            slices=tidy_slices(self._slices.rates()),
            robustness=self._robustness.finish(),
            lenient=metric_rates(self._lenient),
            confusion=self._leaves.confusion(),
            nulls=self._leaves.nulls(),
            failures_total=self._failures.total,
            failures=self._failures.finish(),
            rows_fingerprint=f"{self._fingerprint % (1 << 64):016x}",
            rows=self._rows.finish(),
            missing_predictions=self._missing,
            generation=self._generation.finish(),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        n = self._scores.n
        if self._missing:
            yield f"{self._missing} of {n} examples have no prediction; they count as wrong."
        if self._bad_targets:
            yield (
                f"{self._bad_targets} of {n} targets do not comply with the contract; "
                "no completion can match them."
            )
        ignored = [
            path for path, one in self._contract.fields.items() if one.comparison == "ignored"
        ]
        if ignored:
            yield (
                f"Exact match does not look at free text ({', '.join(ignored)}); "
                "the rate of such a field is of verbatim equality."
            )
        for dimension in sorted(self._slices.dropped):
            yield f"Not sliced by {dimension}: it has more than {MOST_SLICES} values."


def _row_key(example: Example, target_text: str) -> int:
    content = "\0".join((example.id, example.text, target_text))
    digest = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
