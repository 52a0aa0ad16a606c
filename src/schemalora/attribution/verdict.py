"""What was needed, in words: nothing, the grammar, the adapter, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from schemalora.attribution.arms import ARM_TITLES, ARMS, ArmName
from schemalora.compliance import Difference, RowOutcomes
from schemalora.compliance.comparison import can_be_significant, paired_difference, power_note
from schemalora.compliance.rate import percent, points
from schemalora.jsonvalue import JsonValue

MARGIN: Final = 0.02
VerdictCode: TypeAlias = Literal[
    "prompt_is_enough",
    "grammar_is_enough",
    "training_not_needed",
    "adapter_is_enough",
    "both_needed",
    "nothing_works",
    "undecided",
]
_WORKS: Final = 0.1
"""Below this share of exact matches an arm is taken to work for nobody."""
_UNSEEN: Final = (
    "These rows do not decide what was needed: no arm gets the content right often enough to tell "
    "it from none."
)
_JUDGED: Final = ("schema_compliant", "exact_match")
# From the cheapest to the dearest; the first arm that no other beats is the one to take.
_CODES: Final[Mapping[ArmName, VerdictCode]] = {
    "base_free": "prompt_is_enough",
    "base_constrained": "grammar_is_enough",
    "lora_free": "adapter_is_enough",
    "lora_constrained": "both_needed",
}
_HEADLINES: Final[Mapping[VerdictCode, str]] = {
    "prompt_is_enough": "You did not need to train, nor a grammar: with its prompt alone the base "
    "model is within {margin} points of every other arm.",
    "grammar_is_enough": "You did not need to train: the base model under a grammar is within "
    "{margin} points of every other arm.",
    "training_not_needed": "You did not need to train; whether a grammar is worth it is not "
    "decided.",
    "adapter_is_enough": "The adapter alone is enough: a grammar on top of it buys less than "
    "{margin} points.",
    "both_needed": "You need both: the adapter and the grammar each earn what the other does not.",
    "nothing_works": "No arm gets the content right often enough to speak of: at best {best} exact "
    "match. Nothing here is enough.",
    "undecided": "These rows do not decide what was needed: more rows are.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was needed."""

    code: VerdictCode
    headline: str
    """The answer, in one sentence."""
    reasons: tuple[str, ...]
    """The numbers behind it, a sentence each."""
    margin: float
    """Differences below this were taken not to matter."""

    def to_dict(self) -> dict[str, JsonValue]:
        """All four."""
        return {
            "code": self.code,
            "headline": self.headline,
            "reasons": list(self.reasons),
            "margin": self.margin,
        }


def judge_arms(
    rows: Mapping[ArmName, RowOutcomes], *, margin: float, seed: int, resamples: int
) -> Verdict:
    """Says which arm is enough: the cheapest that no other beats by the margin or more.

    An arm is enough where, for every other arm, in schema compliance and in exact match, the upper
    bound of the other's 95% advantage lies below the margin (non-inferiority). Both are needed
    where the constrained adapter is clearly better than either alone. Where no arm's exact match is
    clearly above the margin, none is called enough for being no worse than the others, and where
    all are clearly below a tenth, nothing works. Rows of fewer groups than could make any
    difference significant decide nothing.
    """
    pairs = _Pairs(rows, seed=seed, resamples=resamples)
    sufficient: list[ArmName] = [arm for arm in ARMS if pairs.is_enough(arm, ARMS, margin)]
    exact = [rows[arm].rate("exact_match") for arm in ARMS]
    groups = rows["base_free"].group_count
    if not can_be_significant(groups):
        code = "undecided"
        headline = (
            f"These rows do not decide what was needed: they are of {groups} "
            f"group{'s' * (groups != 1)}, and it takes more groups to tell."
        )
    elif all(rate.ci95.high < _WORKS for rate in exact):
        code, headline = "nothing_works", _HEADLINES["nothing_works"]
    elif all(rate.ci95.low < margin for rate in exact):
        code, headline = "undecided", _UNSEEN
    elif sufficient and sufficient[0] != "lora_constrained":
        code = _CODES[sufficient[0]]
        headline = _HEADLINES[code]
    else:
        code, headline = _without_a_cheaper_arm(pairs, margin)
    best = percent(max(rate.rate for rate in exact))
    headline = headline.format(margin=f"{100 * margin:g}", best=best)
    return Verdict(code, headline, tuple(_reasons(rows, pairs, margin)), margin)


def _without_a_cheaper_arm(pairs: _Pairs, margin: float) -> tuple[VerdictCode, str]:
    """The verdict where no arm but the constrained adapter, if any, is enough."""
    trained: tuple[ArmName, ...] = ("lora_free", "lora_constrained")
    untrained: tuple[ArmName, ...] = ("base_free", "base_constrained")
    if any(pairs.is_enough(arm, trained, margin) for arm in untrained):
        return "training_not_needed", _HEADLINES["training_not_needed"]
    grammar_falls_short = pairs.is_beaten("base_constrained")
    adapter_falls_short = pairs.is_beaten("lora_free")
    if grammar_falls_short and adapter_falls_short:
        return "both_needed", _HEADLINES["both_needed"]
    if grammar_falls_short:
        return "undecided", "You needed to train; whether the grammar adds to it is not decided."
    if adapter_falls_short:
        return "undecided", "You need a grammar; whether you also needed to train is not decided."
    return "undecided", _HEADLINES["undecided"]


class _Pairs:
    """The differences between any two arms in the metrics that are judged."""

    def __init__(self, rows: Mapping[ArmName, RowOutcomes], *, seed: int, resamples: int) -> None:
        self._found: dict[tuple[ArmName, ArmName, str], Difference] = {
            (a, b, name): paired_difference(name, rows[a], rows[b], seed=seed, resamples=resamples)
            for i, a in enumerate(ARMS)
            for b in ARMS[i + 1 :]
            for name in _JUDGED
        }

    def difference(self, a: ArmName, b: ArmName, name: str) -> Difference:
        """Of two arms, the first named earlier in `ARMS`."""
        return self._found[a, b, name]

    def is_enough(self, arm: ArmName, others: Sequence[ArmName], margin: float) -> bool:
        """Whether none of the other arms can be better by the margin."""
        return all(
            one.ci95.high < margin if a == arm else -one.ci95.low < margin
            for (a, b, _), one in self._found.items()
            if (a == arm and b in others) or (b == arm and a in others)
        )

    def is_beaten(self, arm: ArmName) -> bool:
        """Whether the constrained adapter is clearly better, in either metric."""
        return any(self.difference(arm, "lora_constrained", name).ci95.low > 0 for name in _JUDGED)


def _reasons(rows: Mapping[ArmName, RowOutcomes], pairs: _Pairs, margin: float) -> Iterator[str]:
    for name, title in (("schema_compliant", "Schema compliance"), ("exact_match", "Exact match")):
        columns = [(arm_title, rows[arm].column(name)) for arm, arm_title in ARM_TITLES.items()]
        rates = [f"{arm} {percent(sum(column) / len(column))}" for arm, column in columns]
        yield f"{title}: {', '.join(rates)}."
    grammar = pairs.difference("base_free", "base_constrained", "schema_compliant")
    yield f"Compliance bought by the grammar alone, without training: {_gain(grammar)}."
    trained = pairs.difference("base_free", "lora_free", "schema_compliant")
    yield f"Compliance bought by the adapter alone, without a grammar: {_gain(trained)}."
    content = pairs.difference("base_constrained", "lora_constrained", "exact_match")
    yield f"Content bought by the adapter, once the grammar is there: {_gain(content)}."
    compliance, exact = (
        pairs.difference("lora_free", "lora_constrained", name) for name in _JUDGED
    )
    yield (
        f"Bought by the grammar, once the adapter is there: compliance {_gain(compliance)}, "
        f"exact match {_gain(exact)}."
    )
    if content.ci95.high < 0:
        yield "Training made the content worse: look at the training data before anything else."
    yield (
        f"An arm is called enough where no other can be better by {100 * margin:g} points or more."
    )
    yield power_note(content.a.n, rows["base_free"].group_count)


def _gain(difference: Difference) -> str:
    low, high = difference.ci95
    p = f"p={difference.p:.3f}" if difference.p >= 0.001 else "p<0.001"
    return (
        f"{points(difference.difference)} points "
        f"(95% interval {points(low)} to {points(high)}, {p})"
    )
