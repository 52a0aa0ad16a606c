"""Everything that one pass over examples and predictions counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from schemalora.compliance.calibration import calibrations
from schemalora.compliance.counts import ScoreCounter, metric_rates, ordered_counts
from schemalora.compliance.failures import Failure, faults_of, shortened
from schemalora.compliance.generation import GenerationCounter
from schemalora.compliance.leafreading import Leaf, LeafReader
from schemalora.compliance.leaves import LeafCounter
from schemalora.compliance.lenient import lenient_candidates
from schemalora.compliance.pairing import RowIndex
from schemalora.compliance.rate import Rate
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.robustness import RobustnessCounter
from schemalora.compliance.rows import RowKeeper
from schemalora.compliance.sampler import KeySampler
from schemalora.compliance.score import EXACT_MATCH, METRIC_BITS, METRICS, Scorer
from schemalora.compliance.slicing import MOST_SLICES, SliceCounter, slices_of, tidy_slices
from schemalora.compliance.violations import ViolationCounter
from schemalora.errors import PairingError
from schemalora.jsonvalue import JsonValue, canonical_json, json_equal
from schemalora.records import Example, Prediction

if TYPE_CHECKING:
    from schemalora.contract import Contract, Outcome


_TARGETS_CHECKED: Final = 1_000


class Tally:
    """Counts rows one by one, and then makes the report."""

    def __init__(
        self, contract: Contract, index: RowIndex, *, keep_rows: int | None, keep_failures: int
    ) -> None:
        self._contract = contract
        self._index = index
        self._scorer = Scorer(contract)
        self._reader = LeafReader(contract.fields.values())
        columns = self._scorer.columns
        self._columns = columns
        self._scores = ScoreCounter(len(columns))
        self._lenient = [0] * (METRIC_BITS + 1)
        self._slices = SliceCounter()
        self._violations = ViolationCounter()
        self._causes: Counter[str] = Counter()
        self._leaves = LeafCounter(contract)
        self._robustness = RobustnessCounter(columns, index)
        self._rows = RowKeeper(columns, columns[len(METRICS) :], keep_rows)
        self._failures = KeySampler[Failure](keep_failures)
        self._targets = KeySampler[bool](_TARGETS_CHECKED)
        self._fingerprint = 0
        self._missing = 0
        self._kinship = _Kinship(contract)
        self._generation = GenerationCounter()

    def add(self, example: Example, prediction: Prediction | None) -> None:
        """Scores and counts one row; one without a prediction is wrong in everything."""
        target_text = canonical_json(example.target)
        leaves = self._reader.read(example.target)
        outcome = got_leaves = None
        score = lenient = 0
        if prediction is None:
            self._missing += 1
        else:
            outcome = self._contract.parse(prediction.completion)
            verbatim = prediction.completion == target_text
            score, got_leaves = self._score(example.target, outcome, leaves, verbatim=verbatim)
            lenient = score
            self._kinship.add(outcome)
            if outcome.violations:
                self._count_violations(outcome)
            if not outcome.valid_json:
                lenient = self._lenient_score(example.target, target_text, prediction.completion)
            self._generation.add(prediction)
        self._scores.add(score)
        self._lenient[lenient & METRIC_BITS] += 1
        self._robustness.add(example, score)
        confidence = None if prediction is None else prediction.confidence
        self._rows.add(example.id, score, example.group, confidence)
        self._leaves.add(leaves, got_leaves, score >> len(METRICS))
        self._slices.add(example, score)
        key = _row_key(example, target_text)
        self._fingerprint += key
        if not score & EXACT_MATCH:
            # A target that is matched complies as well: only others need to be looked at.
            if self._targets.wants(key):
                complies = self._contract.parse(target_text).compliant
                self._targets.keep(key, example.id, complies)
            if self._failures.wants(key):
                failure = self._failure(example, prediction, outcome, score)
                self._failures.keep(key, example.id, failure)

    def _count_violations(self, outcome: Outcome) -> None:
        self._violations.add((one.kind, one.path) for one in outcome.violations)
        if not outcome.valid_json:
            self._causes.update(one.cause for one in outcome.violations if one.cause)

    def _score(
        self, target: JsonValue, outcome: Outcome, leaves: Sequence[Leaf], *, verbatim: bool = False
    ) -> tuple[int, Sequence[Leaf] | None]:
        """The score, and the leaves of what was parsed where they may differ from the target's.

        Args:
            target: the right value.
            outcome: of parsing the completion.
            leaves: of the target.
            verbatim: the completion is known to be a text of the target.
        """
        got = outcome.json
        equal = verbatim or (got == target and json_equal(got, target))
        got_leaves = None if equal or not outcome.valid_json else self._reader.read(got)
        return self._scorer.score(target, outcome, leaves, got_leaves), got_leaves

    def _lenient_score(self, target: JsonValue, target_text: str, completion: str) -> int:
        for candidate in lenient_candidates(completion):
            outcome = self._contract.parse(candidate)
            if outcome.valid_json:
                equal = candidate == target_text or json_equal(outcome.json, target)
                return self._scorer.metrics(target, outcome, equal=equal)
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
            violations=() if outcome is None else faults_of(outcome.violations),
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
        if self._targets.total == n and not any(self._targets.items()):
            raise PairingError(
                f"not one of the {len(self._targets.items())} targets that were looked at complies "
                f"with the contract {self._contract.name!r}: these examples belong to another "
                "contract"
            )
        fields = self._contract.fields
        rows = self._rows.finish()
        totals = (
            [Rate(total, n) for total in self._scores.totals()]
            if rows is None
            else [rows.rate(name) for name in self._columns]
        )
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
            failures=tuple(self._failures.items()),
            rows_fingerprint=f"{self._fingerprint % (1 << 64):016x}",
            rows=rows,
            calibration={} if rows is None else calibrations(rows),
            missing_predictions=self._missing,
            generation=self._generation.finish(),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        n = self._scores.n
        if self._missing:
            yield f"{self._missing} of {n} examples have no prediction; they count as wrong."
        if self._rows.dropped_groups:
            yield (
                "Intervals take rows as independent, whatever their groups: there are more rows "
                "than keep_rows."
            )
        looked_at = self._targets.items()
        bad = looked_at.count(False)
        if bad:
            yield (
                f"{bad} targets do not comply with the contract (of the {len(looked_at)} unmatched "
                "ones that were looked at); no completion can match them."
            )
        if self._kinship.strangers:
            yield (
                f"Not one of the {self._kinship.strangers} JSON objects that came has a key of the "
                "contract: are these another contract's predictions?"
            )
        if self._rows.dropped_confidences:
            yield (
                "Calibration and routing need every row's confidence, and there are more rows than "
                "keep_rows: evaluate with keep_rows=None (--keep-rows)."
            )
        ignored = [
            path for path, one in self._contract.fields.items() if one.comparison == "ignored"
        ]
        if ignored:
            yield (
                f"Exact match does not look at free text ({', '.join(ignored)}); "
                "the rate of such a field is of verbatim equality."
            )
        for dimension in self._slices.dropped():
            yield f"Not sliced by {dimension}: it has more than {MOST_SLICES:,} values."


class _Kinship:
    """Whether the objects that came have anything to do with the contract."""

    def __init__(self, contract: Contract) -> None:
        self._names = {field.keys[0] for field in contract.fields.values() if field.keys}
        self._objects = 0
        self._kin = not self._names

    @property
    def strangers(self) -> int:
        """How many objects came, if none of them has a key of the contract; else 0."""
        return 0 if self._kin else self._objects

    def add(self, outcome: Outcome) -> None:
        if not self._kin and isinstance(outcome.json, dict):
            self._objects += 1
            self._kin = not self._names.isdisjoint(outcome.json)


def _row_key(example: Example, target_text: str) -> int:
    content = "\0".join((example.id, example.text, target_text))
    digest = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
