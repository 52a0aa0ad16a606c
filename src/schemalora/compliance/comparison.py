"""Two reports on the same rows, pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import Final

from schemalora.compliance.naming import require_name
from schemalora.compliance.pairing import name_some
from schemalora.compliance.rate import Rate
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.rows import RowOutcomes
from schemalora.errors import PairingError
from schemalora.jsonvalue import JsonValue
from schemalora.statistics import (
    Interval,
    bootstrap_difference,
    detectable_difference,
    holm,
    mcnemar_exact,
    paired_interval,
    smallest_significant_difference,
)

ALPHA: Final = 0.05
FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric or field of two arms on the same rows."""

    name: str
    a: Rate
    b: Rate
    only_a: tuple[str, ...]
    """Ids of the rows that the first arm alone got right."""
    only_b: tuple[str, ...]
    """Ids of the rows that the second arm alone got right."""
    ci95: Interval
    """Of `difference`: bootstrap of whole groups, and at least as wide as the score interval."""
    p: float
    """Exact McNemar; where rows share groups, at least that of the groups, each taken as one."""
    p_holm: float
    """The same, corrected for how many metrics (or fields) were compared."""

    @property
    def difference(self) -> float:
        """Second rate less first, between -1 and 1."""
        return self.b.rate - self.a.rate

    @property
    def significant(self) -> bool:
        """Whether the corrected p-value is below 5% and the interval leaves 0 out."""
        return self.p_holm < ALPHA and not self.ci95.low <= 0 <= self.ci95.high

    @property
    def significantly_worse(self) -> bool:
        """Whether the second arm is worse by more than chance explains."""
        return self.significant and self.difference < 0

    @property
    def detectable(self) -> float:
        """The true difference these rows would show with 80% power, at the flips observed.

        Of one comparison alone and of independent rows: groups, or a correction for many, ask for
        a larger one.
        """
        n = self.a.n
        return detectable_difference(n, discordant=(len(self.only_a) + len(self.only_b)) / n)

    def to_dict(self) -> dict[str, JsonValue]:
        """Everything, the ids of all flips included."""
        return {
            "a": self.a.to_dict(),
            "b": self.b.to_dict(),
            "difference": self.difference,
            "ci95": list(self.ci95),
            "only_a": list(self.only_a),
            "only_b": list(self.only_b),
            "p": self.p,
            "p_holm": self.p_holm,
            "detectable": self.detectable,
        }


@dataclass(frozen=True)
class Comparison:
    """What the second arm changed, row by row."""

    a: str
    """The first arm's name."""
    b: str
    """The second arm's name."""
    n: int
    groups: int
    """How many groups the rows are of; n where each is of its own."""
    contract_name: str
    contract_fingerprint: str
    metrics: Mapping[str, Difference]
    fields: Mapping[str, Difference]

    def difference(self, name: str) -> Difference:
        """The difference in one metric or leaf path.

        Raises:
            UsageError: there is no such metric or field; the message names the nearest one.
        """
        require_name(name, [*self.metrics, *self.fields], place="the comparison")
        return self.metrics[name] if name in self.metrics else self.fields[name]

    def to_dict(self) -> dict[str, JsonValue]:
        """The content of a comparison's JSON file."""
        return {
            "format_version": FORMAT_VERSION,
            "a": self.a,
            "b": self.b,
            "n": self.n,
            "groups": self.groups,
            "contract": {"name": self.contract_name, "fingerprint": self.contract_fingerprint},
            "metrics": {name: one.to_dict() for name, one in self.metrics.items()},
            "fields": {name: one.to_dict() for name, one in self.fields.items()},
            "power": power_note(self.n, self.groups),
        }

    def to_markdown(self) -> str:
        """The comparison as Markdown, for a terminal or a pull request."""
        from schemalora.compliance.markdown import comparison_markdown

        return comparison_markdown(self)


def compare(
    a: ComplianceReport,
    b: ComplianceReport,
    *,
    names: tuple[str, str] = ("a", "b"),
    seed: int = 0,
    resamples: int = 2_000,
) -> Comparison:
    """Compares two reports on the same rows, pair by pair.

    Each metric and each field gets the difference b - a with its 95% interval (bootstrap of whole
    groups, and at least as wide as Newcombe's score interval), the rows that only one of the two
    got right, and an exact McNemar p-value, which is no smaller than the sign test's of whole
    groups. P-values are Holm-corrected over the metrics, and apart from them over the fields.

    Args:
        a: the first arm, such as the base model.
        b: the second arm, such as the adapter.
        names: what to call them.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        PairingError: other contracts, other rows, or a report that kept no rows.
    """
    rows_a, rows_b = paired_rows(a, b, names=names)

    def differences(columns: Sequence[str]) -> dict[str, Difference]:
        found = [
            paired_difference(name, rows_a, rows_b, seed=seed, resamples=resamples)
            for name in columns
        ]
        corrected = holm([one.p for one in found])
        return {one.name: replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True)}

    return Comparison(
        a=names[0],
        b=names[1],
        n=a.n,
        groups=rows_a.group_count,
        contract_name=a.contract_name,
        contract_fingerprint=a.contract_fingerprint,
        metrics=differences(list(a.metrics)),
        fields=differences(list(a.fields)),
    )


def paired_rows(
    a: ComplianceReport, b: ComplianceReport, *, names: tuple[str, str] = ("a", "b")
) -> tuple[RowOutcomes, RowOutcomes]:
    """The row outcomes of two reports, which are of the same rows in the same order.

    Raises:
        PairingError: other contracts, other rows, or a report that kept no rows.
    """
    if a.contract_fingerprint != b.contract_fingerprint:
        raise PairingError(
            f"{names[0]} was scored under the contract {a.contract_name!r} "
            f"({a.contract_fingerprint[:12]}), {names[1]} under {b.contract_name!r} "
            f"({b.contract_fingerprint[:12]}): evaluate both under one contract"
        )
    for name, report in zip(names, (a, b), strict=True):
        if report.rows is None:
            raise PairingError(
                f"{name} kept no rows (n={report.n:,}): evaluate it with keep_rows=None "
                "(--keep-rows)"
            )
    rows_a, rows_b = a.rows, b.rows
    assert rows_a is not None
    assert rows_b is not None
    if rows_a.ids != rows_b.ids:
        raise PairingError(_other_rows(rows_a, rows_b, names))
    if a.rows_fingerprint != b.rows_fingerprint:
        raise PairingError(
            f"{names[0]} and {names[1]} have the same {a.n:,} ids, but not the same texts and "
            "targets behind them: evaluate both on one examples file"
        )
    return rows_a, rows_b


def _other_rows(a: RowOutcomes, b: RowOutcomes, names: tuple[str, str]) -> str:
    in_a, in_b = set(a.ids), set(b.ids)
    parts = [
        f"{len(only)} only in {name} ({name_some(only)})"
        for name, only in ((names[0], sorted(in_a - in_b)), (names[1], sorted(in_b - in_a)))
        if only
    ]
    return (
        f"{names[0]} and {names[1]} are not of the same rows: {len(in_a & in_b)} ids in both, "
        + ", ".join(parts)
    )


def power_note(n: int, groups: int) -> str:
    """What n rows of so many groups cannot show, in a sentence."""
    rows = f"n={n:,}" if groups == n else f"n={n:,} in {groups:,} group{'s' * (groups != 1)}"
    if not can_be_significant(groups):
        return f"With {rows}, no difference can be significant, however the rows fall."
    # Rounded down: 0.75 points, printed as 0.8, would rule out what can be.
    least = floor(10_000 * smallest_significant_difference(n, alpha=ALPHA) + 1e-6) / 100
    return (
        f"With {rows}, a difference below {least:.2f} points cannot be significant, however the "
        "rows fall; where several are compared, it takes more."
    )


def can_be_significant(groups: int) -> bool:
    """Whether so many groups are enough for a sign test to find anything."""
    return mcnemar_exact(0, groups) < ALPHA


def paired_difference(
    name: str, rows_a: RowOutcomes, rows_b: RowOutcomes, *, seed: int = 0, resamples: int = 2_000
) -> Difference:
    """The difference in one column of two arms' outcomes on the same rows in the same order.

    Its interval reaches, at each end, as far as the farther of two: the bootstrap, which knows
    that rows of one group go together, and Newcombe's score interval, which does not shrink to
    nothing where few rows differ. Its p is likewise the larger of two: McNemar's of rows, and that
    of groups, each of which speaks once, for the arm that is right in more of its rows.
    """
    right_a, right_b = rows_a.column(name), rows_b.column(name)
    pairs = list(zip(rows_a.ids, right_a, right_b, strict=True))
    only_a = tuple(row_id for row_id, in_a, in_b in pairs if in_a and not in_b)
    only_b = tuple(row_id for row_id, in_a, in_b in pairs if in_b and not in_a)
    changes = [right - left for left, right in zip(right_a, right_b, strict=True)]
    bootstrap = bootstrap_difference(changes, rows_a.shared_groups, seed=seed, resamples=resamples)
    score = score_interval(right_a, right_b)
    p = max(mcnemar_exact(len(only_a), len(only_b)), _sign_test(changes, rows_a.groups))
    return Difference(
        name=name,
        a=rows_a.rate(name),
        b=rows_b.rate(name),
        only_a=only_a,
        only_b=only_b,
        ci95=Interval(min(bootstrap.low, score.low), max(bootstrap.high, score.high)),
        p=p,
        p_holm=p,
    )


def score_interval(right_a: Sequence[bool], right_b: Sequence[bool]) -> Interval:
    """Newcombe's interval of the difference of two columns of the same rows."""
    table = Counter(zip(right_a, right_b, strict=True))
    return paired_interval(
        table[True, True], table[True, False], table[False, True], table[False, False]
    )


def _sign_test(changes: Sequence[int], groups: Sequence[str]) -> float:
    """Two-sided p-value of as many groups gaining as losing."""
    net: Counter[str] = Counter()
    for change, group in zip(changes, groups, strict=True):
        net[group] += change
    return mcnemar_exact(
        sum(change < 0 for change in net.values()), sum(change > 0 for change in net.values())
    )
