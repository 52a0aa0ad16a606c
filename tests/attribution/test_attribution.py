"""Who earned what: the shares add up, and the verdict is what the numbers say."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

import pytest

from schemalora.attribution import ARMS, attribute
from schemalora.compliance import ComplianceReport, compare, evaluate
from schemalora.errors import PairingError, UsageError
from schemalora.records import Prediction
from tickets import CONTRACT, examples, spoil

ROWS = examples(400, perturbed=0)


def arm(shape: float, content: float, seed: int, rows: Any = ROWS) -> ComplianceReport:
    """An arm with given shares of compliant and of right answers among them."""
    rng = random.Random(seed)
    answers: list[Prediction] = []
    for row in rows:
        if rng.random() >= shape:
            text = spoil(row.target, "prose")
        elif rng.random() >= content:
            text = spoil(row.target, "wrong_value")
        else:
            text = CONTRACT.encode(row.target)
        answers.append(Prediction(row.id, text))
    return evaluate(CONTRACT, rows, answers)


def arms(*shares: tuple[float, float]) -> dict[str, ComplianceReport]:
    return {
        name: arm(*share, seed=seed)
        for seed, (name, share) in enumerate(zip(ARMS, shares, strict=True))
    }


@pytest.mark.parametrize(
    ("shares", "code", "headline"),
    [
        (
            ((1, 1), (1, 1), (1, 1), (1, 1)),
            "prompt_is_enough",
            "did not need to train, nor a grammar",
        ),
        (((0.4, 0.9), (1, 1), (0.9, 1), (1, 1)), "grammar_is_enough", "You did not need to train"),
        (
            ((0.4, 0.4), (1, 0.4), (1, 1), (1, 1)),
            "adapter_is_enough",
            "The adapter alone is enough",
        ),
        (((0.2, 0.3), (1, 0.4), (0.8, 0.9), (1, 0.9)), "both_needed", "You need both"),
        (((0.4, 0.5), (1, 0.88), (0.6, 0.9), (1, 0.9)), "undecided", "You need a grammar; whether"),
        (((0.4, 0.2), (1, 0.2), (1, 0.6), (1, 0.6)), "undecided", "You needed to train; whether"),
        (((1, 0.9), (1, 0.9), (1, 0.5), (1, 0.5)), "training_not_needed", "You did not need to"),
        (((1, 0), (1, 0), (1, 0), (1, 0)), "nothing_works", "at best 0.0% exact match"),
        (((0.2, 0), (1, 0), (0.5, 0.02), (1, 0.02)), "nothing_works", "Nothing here is enough"),
    ],
)
def test_the_verdict_is_what_the_numbers_say(shares: Any, code: str, headline: str) -> None:
    verdict = attribute(arms(*shares), resamples=400).verdict
    assert (verdict.code, headline in verdict.headline) == (code, True), verdict


def test_few_rows_decide_nothing() -> None:
    rows = ROWS[:12]
    reports = {name: arm(1, 1, 0, rows) for name in ARMS}
    verdict = attribute(reports, resamples=200).verdict
    assert verdict.code == "undecided"
    assert any("With n=12" in reason for reason in verdict.reasons)


def test_few_rows_with_few_right_are_no_proof_that_nothing_works() -> None:
    rows = [dataclasses.replace(row, group="") for row in ROWS[:20]]
    answers = [
        Prediction(
            row.id, CONTRACT.encode(row.target) if i == 0 else spoil(row.target, "wrong_value")
        )
        for i, row in enumerate(rows)
    ]
    report = evaluate(CONTRACT, rows, answers)
    assert report.rate("exact_match").count == 1
    found = attribute(dict.fromkeys(ARMS, report))
    assert found.verdict.code == "undecided"
    assert "to tell it from none" in found.verdict.headline


def test_rows_of_few_groups_decide_nothing() -> None:
    rows = [dataclasses.replace(row, group=f"g{i % 5}") for i, row in enumerate(ROWS)]
    found = attribute({name: arm(1, 1, seed=0, rows=rows) for name in ARMS})
    assert found.verdict.code == "undecided"
    assert "of 5 groups" in found.verdict.headline


def test_shares_of_rows_that_all_change_claim_no_certainty() -> None:
    rows = [dataclasses.replace(row, group="") for row in ROWS[:10]]
    bad = arm(1, 0, seed=0, rows=rows)
    good = arm(1, 1, seed=0, rows=rows)
    found = attribute(dict(zip(ARMS, (bad, good, good, good), strict=True)))
    exact = found.metrics["exact_match"]
    assert exact.total.difference == 1
    assert exact.total.ci95 == compare(bad, good).metrics["exact_match"].ci95
    assert exact.adapter.ci95.low < exact.adapter.difference == 0.5 < exact.adapter.ci95.high
    same = attribute(dict.fromkeys(ARMS, good)).metrics["exact_match"].grammar
    assert same.ci95.low < 0 < same.ci95.high


def test_training_that_hurts_is_named() -> None:
    verdict = attribute(arms((1, 0.9), (1, 0.9), (1, 0.5), (1, 0.5)), resamples=400).verdict
    assert verdict.code == "training_not_needed"
    assert any("Training made the content worse" in reason for reason in verdict.reasons)


def test_shares_sum_to_the_whole_change() -> None:
    attribution = attribute(arms((0.2, 0.3), (1, 0.4), (0.8, 0.9), (1, 0.95)), resamples=200)
    for effect in {**attribution.metrics, **attribution.fields}.values():
        first, last = effect.rates["base_free"].rate, effect.rates["lora_constrained"].rate
        assert effect.total.difference == pytest.approx(last - first)
        assert effect.grammar.difference + effect.adapter.difference == pytest.approx(last - first)
        for share in (effect.total, effect.grammar, effect.adapter):
            assert share.ci95.low <= share.difference <= share.ci95.high


def test_a_wider_margin_makes_the_cheaper_arm_enough() -> None:
    reports = arms((0.97, 0.97), (1, 0.97), (1, 0.98), (1, 0.99))
    assert attribute(reports, margin=0.2, resamples=200).verdict.code == "prompt_is_enough"
    assert attribute(reports, margin=0.001, resamples=200).verdict.code != "prompt_is_enough"


def test_short_names_stand_for_the_free_arms_and_the_result_serialises() -> None:
    reports = arms((0.2, 0.3), (1, 0.4), (0.8, 0.9), (1, 0.95))
    short = {name.replace("_free", ""): report for name, report in reports.items()}
    attribution = attribute(short, resamples=100)
    written = json.loads(json.dumps(attribution.to_dict()))
    assert written["metrics"]["exact_match"]["arms"].keys() == set(ARMS)
    text = attribution.to_markdown()
    assert attribution.verdict.headline in text
    assert "LoRA + grammar" in text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("base", "lora"), "missing: base_constrained, lora_constrained"),
        (("base", "base_free", "lora"), "'base_free' is given twice"),
        (("base", "qlora"), "unknown arm 'qlora'"),
    ],
)
def test_wrong_arms_are_refused(names: tuple[str, ...], message: str) -> None:
    report = arm(1, 1, 0, ROWS[:5])
    with pytest.raises(UsageError, match=message):
        attribute(dict.fromkeys(names, report))


def test_arms_of_other_rows_are_refused() -> None:
    reports = {name: arm(1, 1, 0, ROWS[:5]) for name in ARMS}
    reports["lora_free"] = arm(1, 1, 0, ROWS[:4])
    with pytest.raises(PairingError, match="1 only in base_free"):
        attribute(reports)
