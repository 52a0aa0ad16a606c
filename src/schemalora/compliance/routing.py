"""Which answers can be taken as they are, and how many rows a person would have to check."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from schemalora.compliance.naming import require_name
from schemalora.compliance.rate import Rate, percent
from schemalora.compliance.report import ComplianceReport, FieldComparison
from schemalora.compliance.requirement import Requirement
from schemalora.compliance.rows import RowOutcomes
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue
from schemalora.statistics import choose_threshold

FOLDS: Final = 5
_WHOLE_ROW: Final = "exact_match"
_Confidences: TypeAlias = "Sequence[float | None]"


@dataclass(frozen=True, slots=True)
class Routing:
    """One wish, and the threshold that grants it: rows below it go to a person."""

    wish: Requirement
    """The share of right rows among those that are taken: of a field, or of `exact_match`."""
    threshold: float | None
    """Rows with at least this confidence are taken; None where no threshold grants the wish."""
    n: int
    taken: Rate
    """Right rows among those that are taken. The threshold was chosen on them: optimistic."""
    held_out: Rate | None
    """The same with each fold's threshold chosen on the other folds' groups: what to expect on
    rows that the threshold has not seen. None where there are not two groups."""
    best: Rate
    """Right rows at the threshold that comes nearest to the wish."""

    @property
    def to_check(self) -> int:
        """Rows that a person has to check, those without a confidence included."""
        return self.n - self.taken.n

    @property
    def coverage(self) -> float:
        """The share of rows that are taken as they are."""
        return self.taken.n / self.n

    def to_dict(self) -> dict[str, JsonValue]:
        """Everything, as JSON."""
        return {
            "wish": str(self.wish),
            "threshold": self.threshold,
            "n": self.n,
            "to_check": self.to_check,
            "coverage": self.coverage,
            "taken": self.taken.to_dict(),
            "held_out": None if self.held_out is None else self.held_out.to_dict(),
            "best": self.best.to_dict(),
        }

    def __str__(self) -> str:
        """What a person would have to check, in a sentence or two."""
        if self.threshold is None:
            return (
                f"route {self.wish}: no threshold keeps it (at best {self.best} of "
                f"{self.best.n:,} rows are right), so a person has to check all {self.n:,} rows."
            )
        return (
            f"route {self.wish}: from confidence {self.threshold!r} on, a person has to check "
            f"{self.to_check:,} of {self.n:,} rows ({percent(self.to_check / self.n)}); of the "
            f"{self.taken.n:,} others {self.taken} are right, counted on the rows that chose the "
            f"threshold. {self._expected()}"
        )

    def _expected(self) -> str:
        if self.held_out is None:
            return "With one group, nothing can be held out to check that."
        check = f"{self.n - self.held_out.n:,} rows to check"
        if not self.held_out.n:
            return f"Held out by group, no row is taken: {check}."
        return f"Held out by group: {self.held_out} of {self.held_out.n:,} right, {check}."


@dataclass(frozen=True)
class RoutingPlan:
    """Several wishes together: a row is taken where each of them takes it."""

    n: int
    routings: tuple[Routing, ...]
    to_check: int
    """Rows that at least one of the wishes gives to a person."""

    def to_dict(self) -> dict[str, JsonValue]:
        """Everything, as JSON."""
        return {
            "n": self.n,
            "to_check": self.to_check,
            "routings": [one.to_dict() for one in self.routings],
        }

    def __str__(self) -> str:
        """A line for each wish, and one for all together."""
        lines = [str(one) for one in self.routings]
        if len(lines) > 1:
            lines.append(
                f"route all {len(lines)} together: a person has to check {self.to_check:,} of "
                f"{self.n:,} rows ({percent(self.to_check / self.n)})."
            )
        return "\n".join(lines)


def route(
    report: ComplianceReport, wishes: Iterable[str | Requirement], *, seed: int = 0
) -> RoutingPlan:
    """Finds, for each wish, the confidence from which on answers are right as often as wished.

    A wish such as `$.intent>=0.99` asks that 99% of the rows that are taken be right in that field;
    `lower($.intent)>=0.99` asks it of the lower bound of Wilson's 95% interval. `exact_match>=0.99`
    is about whole rows, whose confidence is the product of the confidences of the fields that exact
    match looks at. What breaks the contract, or carries no confidence, always goes to a person:
    that much can be seen without knowing the right answer.

    A threshold that was chosen on the rows it is judged by looks better than it is. So each wish
    also gets a cross-fitted estimate: groups are dealt into five folds, and each fold's rows are
    taken by the threshold that the other folds choose.

    Args:
        report: of predictions that carry confidences.
        wishes: see `Requirement.parse`; at least one.
        seed: deals the groups into folds.

    Raises:
        UsageError: no wishes, an unknown field, `exact_match` where it looks at no field, no
            confidences, or a report without rows.
    """
    parsed = [Requirement.parse(one) if isinstance(one, str) else one for one in wishes]
    if not parsed:
        raise UsageError("routing needs at least one wish, such as '$.intent>=0.99'")
    check_wishes(parsed, report.comparisons)
    if report.rows is None:
        raise UsageError(
            f"the report kept no rows (n={report.n:,}), by which a threshold could be chosen: "
            "evaluate with keep_rows=None (--keep-rows)"
        )
    columns = [_confidences(report, report.rows, wish.name) for wish in parsed]
    routings = tuple(
        _routing(wish, confidences, report.rows, seed=seed)
        for wish, confidences in zip(parsed, columns, strict=True)
    )
    taken = sum(
        all(_is_taken(one, routing.threshold) for one, routing in zip(row, routings, strict=True))
        for row in zip(*columns, strict=True)
    )
    return RoutingPlan(report.n, routings, report.n - taken)


def check_wishes(wishes: Iterable[Requirement], comparisons: Mapping[str, FieldComparison]) -> None:
    """Refuses a wish that is neither about a field nor about an `exact_match` that looks at any.

    Args:
        wishes: what is asked for.
        comparisons: leaf path → how it is compared.

    Raises:
        UsageError: with the nearest name, or with what to name instead.
    """
    known = [_WHOLE_ROW, *comparisons]
    for wish in wishes:
        require_name(wish.name, known, place="a route, which is by confidence,")
        if wish.name == _WHOLE_ROW and not counted_fields(comparisons):
            raise UsageError(
                f"exact match looks at no field of this contract, and so {str(wish)!r} has no "
                "confidence to go by: name a field, free text too"
                if comparisons
                else f"the contract has no fields, and so {str(wish)!r} has no confidence to go by"
            )


def counted_fields(comparisons: Mapping[str, FieldComparison]) -> list[str]:
    """The leaf paths that exact match looks at."""
    return [path for path, how in comparisons.items() if how != "ignored"]


def _confidences(report: ComplianceReport, rows: RowOutcomes, name: str) -> _Confidences:
    """Each row's confidence in a field or in the whole row; None where a person has to look."""
    paths = counted_fields(report.comparisons) if name == _WHOLE_ROW else [name]
    missing = [path for path in paths if path not in rows.confidences]
    if missing:
        raise UsageError(
            f"no prediction carries a confidence for {', '.join(missing)}: predict with "
            "confidence=True (`schemalora predict --confidence`) to route by it"
        )
    compliant = rows.column("schema_compliant")
    columns = zip(*(rows.confidences[path] for path in paths), strict=True)
    return [
        _product(told) if is_compliant else None
        for told, is_compliant in zip(columns, compliant, strict=True)
    ]


def _product(told: Sequence[float | None]) -> float | None:
    values = [one for one in told if one is not None]
    return math.prod(values) if len(values) == len(told) else None


def _routing(
    wish: Requirement, confidences: _Confidences, rows: RowOutcomes, *, seed: int
) -> Routing:
    right = rows.column(wish.name)
    threshold = _choose(wish, confidences, right)
    return Routing(
        wish=wish,
        threshold=threshold,
        n=len(right),
        taken=_taken(confidences, right, [threshold] * len(right)),
        held_out=_held_out(wish, confidences, right, rows.groups, seed=seed),
        best=_best(wish, confidences, right),
    )


def _choose(wish: Requirement, confidences: _Confidences, right: Sequence[bool]) -> float | None:
    return choose_threshold(
        confidences, right, precision=wish.minimum, lower=wish.judged == "lower"
    )


def _held_out(
    wish: Requirement,
    confidences: _Confidences,
    right: Sequence[bool],
    groups: Sequence[str],
    *,
    seed: int,
) -> Rate | None:
    names = sorted(set(groups))
    if len(names) < 2:
        return None
    random.Random(seed).shuffle(names)
    fold_of = {name: number % FOLDS for number, name in enumerate(names)}
    folds = [fold_of[group] for group in groups]
    thresholds = {
        fold: _choose(
            wish,
            [one for one, other in zip(confidences, folds, strict=True) if other != fold],
            [one for one, other in zip(right, folds, strict=True) if other != fold],
        )
        for fold in set(folds)
    }
    return _taken(confidences, right, [thresholds[fold] for fold in folds])


def _taken(confidences: _Confidences, right: Sequence[bool], thresholds: _Confidences) -> Rate:
    """Right rows among those whose confidence reaches their threshold."""
    outcomes = [
        is_right
        for one, is_right, threshold in zip(confidences, right, thresholds, strict=True)
        if _is_taken(one, threshold)
    ]
    return Rate(sum(outcomes), len(outcomes))


def _is_taken(confidence: float | None, threshold: float | None) -> bool:
    return confidence is not None and threshold is not None and confidence >= threshold


def _best(wish: Requirement, confidences: _Confidences, right: Sequence[bool]) -> Rate:
    """Of all thresholds, the best by what the wish judges; of equal ones, that of the most rows."""
    told = sorted(
        (
            (one, is_right)
            for one, is_right in zip(confidences, right, strict=True)
            if one is not None
        ),
        reverse=True,
    )
    best = Rate(0, 0)
    count = 0
    for number, (confidence, is_right) in enumerate(told, start=1):
        count += is_right
        tied = number < len(told) and told[number][0] == confidence
        if tied:
            continue
        rate = Rate(count, number)
        if not best.n or wish.value(rate) >= wish.value(best):
            best = rate
    return best
