"""Gates for continuous integration: `schema_compliant>=0.99`, judged by rate or lower bound."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from schemalora.compliance.naming import require_name
from schemalora.compliance.rate import Rate, percent
from schemalora.compliance.report import ComplianceReport
from schemalora.compliance.score import METRICS
from schemalora.errors import UsageError
from schemalora.statistics import wilson_interval

_FORM = re.compile(
    r"\s*(?P<lower>lower\()?\s*(?P<name>.+?)\s*(?(lower)\))\s*>=\s*(?P<minimum>[0-9.]+)(?P<percent>%)?\s*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A metric or field must reach a minimum."""

    name: str
    """A metric such as `schema_compliant`, or a leaf path such as `$.intent`."""
    minimum: float
    """Between 0 and 1."""
    judged: Literal["rate", "lower"] = "rate"
    """By the rate itself, or by the lower bound of its 95% interval."""

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Reads `NAME>=MINIMUM`, or `lower(NAME)>=MINIMUM` for the interval's lower bound.

        The minimum is a share (0.99) or a percentage (99%).

        Raises:
            UsageError: another form, or a minimum outside 0..1.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise UsageError(
                f"cannot read the requirement {text!r}: write it as 'schema_compliant>=0.99', "
                "'$.intent>=97%' or 'lower(schema_compliant)>=0.97'"
            )
        try:
            # Not in floats: 99.9 / 100 is more than 0.999 there, and 999 of 1,000 would fail.
            minimum = Fraction(form["minimum"]) / (100 if form["percent"] else 1)
        except ValueError:
            minimum = Fraction(-1)
        if not 0 <= minimum <= 1:
            raise UsageError(
                f"the minimum of {text!r} is not a rate between 0 and 1 (or 0% to 100%)"
            )
        return cls(form["name"], float(minimum), "lower" if form["lower"] else "rate")

    def check_name(self, fields: Iterable[str]) -> None:
        """Refuses a name that is neither a metric nor one of the fields, before anything is scored.

        Raises:
            UsageError: with the nearest name.
        """
        require_name(self.name, [*METRICS, *fields], place="the contract")

    def judge(self, report: ComplianceReport) -> Judgement:
        """Whether a report meets this requirement.

        Raises:
            UsageError: the report has no such metric or field.
        """
        rate = report.rate(self.name)
        value = self.value(rate)
        return Judgement(
            self, value, report.n, passed=value >= self.minimum, effective_n=rate.effective_n
        )

    def value(self, rate: Rate) -> float:
        """What is judged of a rate: itself, or the lower bound of its 95% interval."""
        return rate.rate if self.judged == "rate" else rate.ci95.low

    def __str__(self) -> str:
        name = self.name if self.judged == "rate" else f"lower({self.name})"
        return f"{name}>={self.minimum:g}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A requirement and what a report had to show for it."""

    requirement: Requirement
    value: float
    """The rate or the lower bound that was judged."""
    n: int
    passed: bool
    effective_n: float | None = None
    """How many independent rows the n are worth, where rows have groups."""

    def __str__(self) -> str:
        """One line, such as `failed: schema_compliant>=0.99 (97.5%, n=800)`."""
        counted = f"n={self.n:,}"
        if self.requirement.judged == "lower" and self.effective_n is not None:
            counted += f", worth {self.effective_n:,.0f} independent rows"
        line = (
            f"{'passed' if self.passed else 'failed'}: {self.requirement} "
            f"({percent(self.value)}, {counted})"
        )
        best = wilson_interval(self.n, self.n).low
        if self.passed or self.requirement.judged == "rate" or best >= self.requirement.minimum:
            return line
        return (
            f"{line}; with n={self.n:,} even a perfect score has a lower bound of {percent(best)}"
        )


def judge(report: ComplianceReport, requirements: Iterable[str | Requirement]) -> list[Judgement]:
    """Judges a report by each requirement, in their order; see `Requirement.parse` for the form."""
    parsed = [Requirement.parse(one) if isinstance(one, str) else one for one in requirements]
    return [requirement.judge(report) for requirement in parsed]
