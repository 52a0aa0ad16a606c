"""What the grammar and the adapter each bought, in every metric and field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemalora.attribution.arms import ARMS, ArmName, four_arms
from schemalora.attribution.verdict import MARGIN, Verdict, judge_arms
from schemalora.compliance import ComplianceReport, Rate
from schemalora.compliance.comparison import paired_rows
from schemalora.compliance.rows import RowOutcomes
from schemalora.jsonvalue import JsonValue
from schemalora.statistics import Interval, bootstrap_difference

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a rate's change, as a difference of shares between -1 and 1."""

    difference: float
    ci95: Interval
    """Bootstrap, whole groups drawn together."""

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
    rates: dict[ArmName, Rate] = {arm: Rate(sum(one), len(one)) for arm, one in right.items()}
    n = len(right["base_free"])
    outcomes = rows["base_free"]
    groups = outcomes.groups if outcomes.groups != outcomes.ids else None

    def share(weights: Mapping[ArmName, float]) -> Share:
        columns = zip(*(right[arm] for arm in weights), strict=True)
        values = [
            sum(weight * one for weight, one in zip(weights.values(), row, strict=True))
            for row in columns
        ]
        interval = bootstrap_difference(values, groups, seed=seed, resamples=resamples)
        return Share(sum(values) / n, interval)

    return Effect(
        name=name,
        rates=rates,
        total=share({"lora_constrained": 1, "base_free": -1}),
        grammar=share(
            {"base_constrained": 0.5, "base_free": -0.5, "lora_constrained": 0.5, "lora_free": -0.5}
        ),
        adapter=share(
            {"lora_free": 0.5, "base_free": -0.5, "lora_constrained": 0.5, "base_constrained": -0.5}
        ),
    )
