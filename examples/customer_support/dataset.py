"""The flagship's data set: 6000 training and 800 eval rows that share no template.

    python examples/customer_support/dataset.py --out data/ticket

writes `train.jsonl` and `eval.jsonl`, the same bytes every time. The rules behind the labels are
in `rules.py` and in docs/customer-support-data.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs as a script, too

from customer_support.messages import Side, make_renderer
from customer_support.names import EVAL_PRODUCTS, TRAIN_PRODUCTS, draw_order_id
from customer_support.rules import INTENTS, PRIORITIES, drop_entity, join_tickets, ticket
from customer_support.ticket import SupportTicket
from schemalora.contract import Contract
from schemalora.grounding import Extraction, skeleton
from schemalora.jsonvalue import JsonValue
from schemalora.perturbations import (
    Casing,
    ChatSlang,
    CodeSwitching,
    Distractors,
    DroppedPunctuation,
    Emoji,
    LogBlock,
    Perturbation,
    QuotedMail,
    Signature,
    TriggerWords,
    Typos,
    WhiteSpace,
    injections,
    perturb,
    pick,
)
from schemalora.records import Example
from schemalora.synthesis import MissingInformation, MultiIntent

TRAIN_FAMILIES = ("override", "role_play", "format_hijack", "json_smuggling")
EVAL_FAMILIES = ("fake_system_turn", "delimiter_break_out")

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
    Distractors(),
    CodeSwitching(),
    TriggerWords(),
)
HEAVY_TYPOS = Typos(rate=0.3)

# Shares of the rows; "clean" takes what is left.
TRAIN_SHARES = {
    "multi_intent": 0.14,
    "injection": 0.13,
    "pure_injection": 0.02,
    "typos": 0.1,
    "surface": 0.1,
    "noise": 0.12,
    "mixed": 0.06,
}
EVAL_SHARES = {
    "multi_intent": 0.175,
    "injection": 0.155,
    "pure_injection": 0.02,
    "missing": 0.175,
    "typos": 0.175,
    "surface": 0.04,
    "noise": 0.06,
}


def support_contract() -> Contract:
    """The contract that the data is made for."""
    return Contract.from_model(SupportTicket)


def build_dataset(
    train_count: int = 6000, eval_count: int = 800, seed: int = 0
) -> tuple[list[Example], list[Example]]:
    """Builds both sets.

    Args:
        train_count: rows to train on.
        eval_count: rows to evaluate on; the clean parent of every perturbed row is among them.
        seed: the same seed gives the same rows, whatever the platform.

    Returns:
        Training and eval rows. They share no template, no skeleton, no injection family and no
        phrase that carries a label.
    """
    contract = support_contract()
    train = list(_Side(contract, "train", seed).rows(train_count, TRAIN_SHARES))
    extraction = Extraction(contract)
    seen = {skeleton(row.text, extraction.texts(row.target)) for row in train}
    held_out = _Side(contract, "eval", seed + 1, avoid=seen)
    return train, list(held_out.rows(eval_count, EVAL_SHARES))


class _Side:
    """Makes the rows of one side."""

    def __init__(
        self, contract: Contract, side: Side, seed: int, *, avoid: set[str] | None = None
    ) -> None:
        self._rng = Random(seed)
        self._seed = seed
        self._count = 0
        self._side = side
        self._avoid = avoid or set()
        self._extraction = Extraction(contract)
        self._renderer = make_renderer(contract, side)
        self._bare = make_renderer(contract, side, framed=False)
        self._products = (TRAIN_PRODUCTS,) if side == "train" else (TRAIN_PRODUCTS, EVAL_PRODUCTS)
        self._injections = injections(
            contract, families=TRAIN_FAMILIES if side == "train" else EVAL_FAMILIES
        )
        self._multi_intent = MultiIntent(join_tickets)
        self._texts: set[str] = set()

    def rows(self, count: int, shares: dict[str, float]) -> Iterator[Example]:
        """Yields rows of every kind in a random order, parents before their children."""
        quota = {kind: round(share * count) for kind, share in shares.items()}
        clean = count - sum(quota.values())
        parents = [self._fresh(self._clean) for _ in range(clean)]
        pool = parents if self._side == "eval" else None
        made = parents + [
            self._fresh(lambda kind=kind: self._make(kind, pool))
            for kind, number in quota.items()
            for _ in range(number)
        ]
        if self._side == "eval":
            yield from made
            return
        keys = [(self._rng.random(), at) for at in range(len(made))]
        yield from (made[at] for _, at in sorted(keys))

    def _fresh(self, make: Callable[[], Example | None]) -> Example:
        for _ in range(1000):
            row = make()
            if row is None or row.text in self._texts or not row.text:
                continue
            if self._avoid and (
                skeleton(row.text, self._extraction.texts(row.target)) in self._avoid
            ):
                continue
            self._texts.add(row.text)
            return row
        raise RuntimeError(f"customer_support.{self._side}: no fresh row in 1000 tries")

    def _make(self, kind: str, pool: list[Example] | None) -> Example | None:
        if kind == "pure_injection":
            return self._pure_injection()
        first = pick(self._rng, pool) if pool else self._clean()
        if kind == "multi_intent":
            joined = self._joined(first)
            if joined is None or self._side == "eval" or self._rng.random() < 0.7:
                return joined
            return self._perturbed(joined, pick(self._rng, (Typos(), *SURFACE, *NOISE)))
        if kind == "missing":
            return self._missing(first)
        if kind == "injection":
            attack = pick(self._rng, self._injections)
            if self._side == "eval" or self._rng.random() < 0.8:
                return self._perturbed(first, attack)
            return self._perturbed(first, pick(self._rng, (Typos(), *SURFACE)), attack)
        if kind == "typos":
            heavy = self._side == "eval" or self._rng.random() < 0.6
            return self._perturbed(first, HEAVY_TYPOS if heavy else Typos())
        if kind == "mixed":
            return self._perturbed(first, pick(self._rng, SURFACE), Typos(), pick(self._rng, NOISE))
        return self._perturbed(first, pick(self._rng, SURFACE if kind == "surface" else NOISE))

    def _clean(self) -> Example:
        return self._rendered(self._draw())

    def _rendered(self, target: JsonValue, *, framed: bool = True) -> Example:
        self._count += 1
        seed = self._seed * 1_000_000_007 + self._count
        renderer = self._renderer if framed else self._bare
        rendering = renderer(target, Random(seed))
        return Example(text=rendering.text, target=target, group=rendering.group, seed=seed)

    def _perturbed(self, row: Example, *perturbations: Perturbation) -> Example | None:
        self._count += 1
        child = perturb(
            row,
            perturbations,
            contract=self._extraction,
            seed=self._seed * 1_000_000_007 + self._count,
        )
        return None if child is row else child

    def _joined(self, first: Example) -> Example | None:
        rng = self._rng
        intent, entities = first.target["intent"], first.target["entities"]
        if first.target == ticket("other", vague=True):
            return None
        others = [one for one in INTENTS if one != intent]
        names = {"order_id": draw_order_id(rng), "product": self._draw_product()}
        free = {
            name: value
            for name, value in names.items()
            if entities[name] is None and rng.random() < 0.35
        }
        calm = rng.random() < 0.7
        second = self._rendered(
            ticket(
                pick(rng, others),
                priority="medium" if calm else pick(rng, PRIORITIES),
                **free,
            ),
            framed=not calm,
        )
        pair = (first, second) if rng.random() < 0.5 else (second, first)
        joined = self._multi_intent(*pair, rng)
        return Example(
            text=joined.text,
            target=joined.target,
            group=joined.group,
            perturbations=joined.perturbations,
            parent=first.id,
            seed=first.seed,
        )

    def _missing(self, row: Example) -> Example | None:
        name = pick(self._rng, ("order_id", "product"))
        operator = MissingInformation(
            ("entities", name),
            lambda target: drop_entity(target, name),
            render=lambda target, example: self._renderer.render_group(
                target, example.group, Random(example.seed)
            ),
        )
        child = operator(row, self._rng)
        # Half of the rows at most may lack a value that is not needed.
        if child and not child.target["needs_clarification"] and self._rng.random() < 0.7:
            return None
        return child

    def _pure_injection(self) -> Example:
        attack = pick(self._rng, self._injections)
        self._count += 1
        text = attack.text(self._rng)
        return Example(
            text=text,
            target=ticket("other"),
            group=f"{self._side}/{attack.name}",
            perturbations=(attack.name,),
            seed=self._seed,
        )

    def _draw(self) -> JsonValue:
        rng = self._rng
        intent = pick(rng, INTENTS)
        if intent == "other" and rng.random() < 0.12:
            return ticket("other", vague=True)
        other = intent == "other"
        return ticket(
            intent,
            priority=pick(rng, PRIORITIES),
            order_id=draw_order_id(rng) if rng.random() < (0.2 if other else 0.62) else None,
            product=self._draw_product() if rng.random() < (0.5 if other else 0.6) else None,
        )

    def _draw_product(self) -> str:
        return pick(self._rng, self._products).draw(self._rng)
