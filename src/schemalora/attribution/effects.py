"""What the grammar and the adapter each bought, in every metric and field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from schemalora.attribution.arms import ARMS, ArmName, four_arms
from schemalora.attribution.verdict import MARGIN, Verdict, judge_arms
from schemalora.compliance import ComplianceReport, Rate
from schemalora.compliance.comparison import paired_rows, score_interval
from schemalora.compliance.rows import RowOutcomes
from schemalora.jsonvalue import JsonValue
from schemalora.statistics import Interval, bootstrap_difference

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a rate's change, as a difference of shares between -1 and 1."""

    difference: float
    ci95: Interval
    """Bootstrap of whole groups, and at least as wide as the mean of the score intervals of the
    differences that the share is the mean of."""

    def to_dict(self) -> dict[str, JsonValue]:
        """`difference` and `ci95`."""
        return {"difference": self.difference, "ci95": list(self.ci95)}


@dataclass(frozen=True, slots=True)
class Effect:
    """One metric or field: the four rates, and how its total change divides.

    With rates r, the grammar's share is the mean of what it adds to the base model and of what it
    adds to the adapter, ((r_bc - r_bf) + (r_lc - r_lf)) / 2, and the adapter's likewise; the two
    sum to r_lc - r_bf. Source: Shapley (1953), "A value for n-person games", for two players.
    """

    name: str
    rates: Mapping[ArmName, Rate]
    total: Share
    grammar: Share
    adapter: Share

    def to_dict(self) -> dict[str, JsonValue]:
        """The four rates and the three shares."""
        return {
            "arms": {arm: rate.to_dict() for arm, rate in self.rates.items()},
            "total": self.total.to_dict(),
            "grammar": self.grammar.to_dict(),
            "adapter": self.adapter.to_dict(),
        }


@dataclass(frozen=True)
class Attribution:
    """Who earned what, in numbers and in words."""

    contract_name: str
    contract_fingerprint: str
    n: int
    metrics: Mapping[str, Effect]
    fields: Mapping[str, Effect]
    verdict: Verdict

    def to_dict(self) -> dict[str, JsonValue]:
        """The content of an attribution's JSON file."""
        return {
            "format_version": FORMAT_VERSION,
            "contract": {"name": self.contract_name, "fingerprint": self.contract_fingerprint},
            "n": self.n,
            "verdict": self.verdict.to_dict(),
            "metrics": {name: one.to_dict() for name, one in self.metrics.items()},
            "fields": {name: one.to_dict() for name, one in self.fields.items()},
        }

    def to_markdown(self) -> str:
        """The attribution as Markdown, for a terminal or a pull request."""
        from schemalora.attribution.markdown import attribution_markdown

        return attribution_markdown(self)


def attribute(
    reports: Mapping[str, ComplianceReport],
    *,
    margin: float = MARGIN,
    seed: int = 0,
    resamples: int = 2_000,
) -> Attribution:
    """Divides what was gained between the grammar and the adapter, and says what was needed.

    Args:
        reports: by arm: `base_free` (or `base`), `base_constrained`, `lora_free` (or `lora`) and
            `lora_constrained`, all of the same rows.
        margin: differences smaller than this do not matter to you, such as 0.02 for two points.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        UsageError: an arm is missing or unknown.
        PairingError: reports of other rows or other contracts, or without rows.
    """
    arms = four_arms(reports)
    first = arms["base_free"]
    rows: dict[ArmName, RowOutcomes] = {}
    for arm in ARMS[1:]:
        rows["base_free"], rows[arm] = paired_rows(first, arms[arm], names=("base_free", arm))

    def effects(names: Sequence[str]) -> dict[str, Effect]:
        return {name: _effect(name, rows, seed=seed, resamples=resamples) for name in names}

    return Attribution(
        contract_name=first.contract_name,
        contract_fingerprint=first.contract_fingerprint,
        n=first.n,
        metrics=effects(list(first.metrics)),
        fields=effects(list(first.fields)),
        verdict=judge_arms(rows, margin=margin, seed=seed, resamples=resamples),
    )


def _effect(name: str, rows: Mapping[ArmName, RowOutcomes], *, seed: int, resamples: int) -> Effect:
    right: dict[ArmName, list[bool]] = {
        arm: outcomes.column(name) for arm, outcomes in rows.items()
    }
    groups = rows["base_free"].shared_groups

    def share(*steps: tuple[ArmName, ArmName]) -> Share:
        """The mean of what several steps from one arm to another bring."""
        gains = [
            [after - before for before, after in zip(right[a], right[b], strict=True)]
            for a, b in steps
        ]
        values = [sum(row) / len(steps) for row in zip(*gains, strict=True)]
        bootstrap = bootstrap_difference(values, groups, seed=seed, resamples=resamples)
        # A bootstrap of rows that all changed alike is a point, which would claim certainty.
        scores = [score_interval(right[a], right[b]) for a, b in steps]
        return Share(
            fmean(values),
            Interval(
                min(bootstrap.low, fmean(one.low for one in scores)),
                max(bootstrap.high, fmean(one.high for one in scores)),
            ),
        )

    return Effect(
        name=name,
        rates={arm: outcomes.rate(name) for arm, outcomes in rows.items()},
        total=share(("base_free", "lora_constrained")),
        grammar=share(("base_free", "base_constrained"), ("lora_free", "lora_constrained")),
        adapter=share(("base_free", "lora_free"), ("base_constrained", "lora_constrained")),
    )
