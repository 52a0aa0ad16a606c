"""A rate with what it was counted over, and how it prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from schemalora.jsonvalue import JsonValue
from schemalora.statistics import Interval, wilson_interval


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of n rows were right."""

    count: int
    n: int
    effective_n: float | None = None
    """How many independent rows these are worth, where rows of one group go together; None where
    all n are taken as independent."""

    @property
    def rate(self) -> float:
        """Count / n, between 0 and 1; 0 where there are no rows."""
        return self.count / self.n if self.n else 0.0

    @property
    def ci95(self) -> Interval:
        """Wilson's 95% interval of the rate, at the effective n."""
        return wilson_interval(self.count, self.n, effective_n=self.effective_n)

    def to_dict(self) -> dict[str, JsonValue]:
        """`count`, `n`, `rate`, `ci95` as [low, high], and `effective_n` where there is one."""
        effective = {} if self.effective_n is None else {"effective_n": self.effective_n}
        ci95: JsonValue = list(self.ci95)
        return {"count": self.count, "n": self.n, **effective, "rate": self.rate, "ci95": ci95}

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Rate:
        """Reads count, n and the effective n; the rest follows from them."""
        effective = cast("float | None", row.get("effective_n"))
        return cls(cast(int, row["count"]), cast(int, row["n"]), effective)

    def __str__(self) -> str:
        """Such as `97.5% [95.9, 98.5]`."""
        low, high = self.ci95
        return f"{percent(self.rate)} [{percent(low)[:-1]}, {percent(high)[:-1]}]"


def percent(share: float) -> str:
    """A share as a percentage; never rounded up to 100% or down to 0%."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = ">99.9"
    if text == "0.0" and share > 0:
        text = "<0.1"
    return f"{text}%"


def points(difference: float) -> str:
    """A signed difference of two shares, in percentage points, such as `+3.1`."""
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")
