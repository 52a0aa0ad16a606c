"""The flagship's data set: 6000 training and 800 eval rows that share no template.

    python examples/customer_support/dataset.py --out data/ticket

writes `train.jsonl` and `eval.jsonl`, the same bytes every time. The rules behind the labels are
in `rules.py` and in docs/customer-support-data.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs as a script, too

from customer_support.names import EVAL_PRODUCTS, INVENTED_PRODUCTS, TRAIN_PRODUCTS
from customer_support.sides import Choose, SideBuilder, least_used
from customer_support.ticket import SupportTicket
from schemalora.audit import audit
from schemalora.contract import Contract
from schemalora.perturbations import (
    Casing,
    ChatSlang,
    CodeSwitching,
    Distractors,
    DroppedPunctuation,
    Emoji,
    InjectionFamily,
    LogBlock,
    Perturbation,
    QuotedMail,
    Signature,
    TriggerWords,
    Typos,
    WhiteSpace,
    injections,
    pick,
)
from schemalora.records import Example, write_examples

TRAIN_FAMILIES: tuple[InjectionFamily, ...] = (
    "override",
    "role_play",
    "format_hijack",
    "json_smuggling",
)
EVAL_FAMILIES: tuple[InjectionFamily, ...] = ("fake_system_turn", "delimiter_break_out")

HEAVY_TYPOS = Typos(rate=0.3)
SURFACE: tuple[Perturbation, ...] = (
    Casing(),
    DroppedPunctuation(),
    ChatSlang(),
    Emoji(),
    WhiteSpace(),
)
NOISE: tuple[Perturbation, ...] = (
    Signature(),
    QuotedMail(),
    LogBlock(),
    Distractors(),
    CodeSwitching(),
    TriggerWords(),
)

# Shares of the rows of each kind; what they leave is clean.
TRAIN_SHARES = {
    "multi_intent": 0.15,
    "multi_intent_noisy": 0.05,
    "injection": 0.1,
    "injection_noisy": 0.03,
    "injection_alone": 0.02,
    "typos": 0.04,
    "heavy_typos": 0.12,
    "surface": 0.08,
    "distractors": 0.04,
    "noise": 0.08,
    "mixed": 0.06,
}
EVAL_SHARES = {
    "multi_intent": 0.175,
    "injection": 0.155,
    "injection_alone": 0.02,
    "missing": 0.175,
    "heavy_typos": 0.175,
    "surface": 0.03,
    "distractors": 0.03,
    "noise": 0.04,
}


def support_contract() -> Contract:
    """The contract that the data is made for."""
    return Contract.from_model(SupportTicket)


def build_dataset(
    train_count: int = 6000, eval_count: int = 800, seed: int = 0, *, choose: Choose = least_used
) -> tuple[list[Example], list[Example]]:
    """Builds both sets.

    Args:
        train_count: rows to train on.
        eval_count: rows to evaluate on; the clean parent of every changed row is among them.
        seed: the same seed gives the same rows, whatever the platform.
        choose: how a training row's template is chosen; eval rows take any that fits.

    Returns:
        Training and eval rows. They share no template, no skeleton, no injection family and no
        phrase that carries a label.
    """
    contract = support_contract()
    # The eval set comes first and knows nothing of the training side: more training templates
    # leave it as it is.
    held_out = SideBuilder(
        contract,
        "eval",
        products=(TRAIN_PRODUCTS, EVAL_PRODUCTS),
        injections=injections(contract, families=EVAL_FAMILIES),
        seed=2 * seed + 1,
    )
    evaluated = _rows(held_out, eval_count, EVAL_SHARES, pool=[], seed=2 * seed + 1)
    training = SideBuilder(
        contract,
        "train",
        # Few brands that come up again and again: they are learned, and then copied for others.
        products=(TRAIN_PRODUCTS, *5 * (INVENTED_PRODUCTS,)),
        injections=injections(contract, families=TRAIN_FAMILIES),
        seed=2 * seed,
        choose=choose,
        avoid={held_out.skeleton_of(row) for row in evaluated},
    )
    return _rows(training, train_count, TRAIN_SHARES, pool=None, seed=2 * seed), evaluated


def _rows(
    side: SideBuilder,
    count: int,
    shares: Mapping[str, float],
    *,
    pool: list[Example] | None,
    seed: int,
) -> list[Example]:
    """Rows of every kind, shuffled; with a pool, all are made of the clean rows of the set."""
    rng = Random(seed)
    quotas = {kind: round(share * count) for kind, share in shares.items()}
    rows = [side.fresh(side.clean) for _ in range(count - sum(quotas.values()))]
    if pool is not None:
        pool.extend(rows)
    makers = _makers(side, rng, lambda: pick(rng, pool) if pool else side.clean())
    for kind, quota in quotas.items():
        rows += [side.fresh(makers[kind]) for _ in range(quota)]
    return [row for _, _, row in sorted((rng.random(), at, row) for at, row in enumerate(rows))]


def _makers(
    side: SideBuilder, rng: Random, base: Callable[[], Example]
) -> dict[str, Callable[[], Example | None]]:
    """How a row of each kind is made of a clean one."""

    def noisy_joined() -> Example | None:
        joined = side.joined(base())
        return joined and side.perturbed(joined, pick(rng, (Typos(), *SURFACE, *NOISE)))

    return {
        "multi_intent": lambda: side.joined(base()),
        "multi_intent_noisy": noisy_joined,
        "injection": lambda: side.attacked(base()),
        "injection_noisy": lambda: side.attacked(base(), pick(rng, (Typos(), *SURFACE))),
        "injection_alone": side.attack_alone,
        "missing": lambda: side.incomplete(base()),
        "typos": lambda: side.perturbed(base(), Typos()),
        "heavy_typos": lambda: side.perturbed(base(), HEAVY_TYPOS),
        "surface": lambda: side.perturbed(base(), pick(rng, SURFACE)),
        "distractors": lambda: side.perturbed(base(), Distractors()),
        "noise": lambda: side.perturbed(base(), pick(rng, NOISE)),
        "mixed": lambda: side.perturbed(base(), pick(rng, SURFACE), Typos(), pick(rng, NOISE)),
    }


def main() -> int:
    """Writes both sets and prints what the audits find; 1 where they find an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/ticket"))
    parser.add_argument("--train", type=int, default=6000)
    parser.add_argument("--eval", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    train, held_out = build_dataset(arguments.train, arguments.eval, arguments.seed)
    write_examples(arguments.out / "train.jsonl", train)
    write_examples(arguments.out / "eval.jsonl", held_out)
    contract = support_contract()
    reports = (audit(train, contract), audit(held_out, contract, train))
    for report in reports:
        print(report.to_text())
    return 0 if all(report.ok for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
