"""Builds the rows of one side, training or eval: clean messages and what is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random

from customer_support.messages import SHORT, Side, make_renderer
from customer_support.names import ProductSource, draw_order_id
from customer_support.rules import INTENTS, PRIORITIES, drop_entity, join_tickets, ticket
from schemalora.contract import Contract
from schemalora.grounding import Extraction, skeleton
from schemalora.jsonvalue import JsonValue
from schemalora.perturbations import Injection, Perturbation, perturb, pick
from schemalora.records import Example
from schemalora.synthesis import MissingInformation, MultiIntent, TemplateRenderer, example_seed

_MOST_TRIES = 1000
_SHORT_SHARE = 0.12

Choose = Callable[[Sequence[str], Mapping[str, int], Random], str]
"""Takes the groups of the templates that fit and how many rows have each; gives one of them."""


def any_template(groups: Sequence[str], uses: Mapping[str, int], rng: Random) -> str:
    """Any of them, however often it was used."""
    return pick(rng, groups)


def least_used(groups: Sequence[str], uses: Mapping[str, int], rng: Random) -> str:
    """One of those that fewest rows have: none comes again while another has not come."""
    fewest = min(uses[group] for group in groups)
    return pick(rng, [group for group in groups if uses[group] == fewest])


def draw_ticket(rng: Random, products: Sequence[ProductSource]) -> dict[str, JsonValue]:
    """Draws a ticket that keeps the labelling rules, all intents and priorities equally often."""
    intent = pick(rng, INTENTS)
    if intent == "other" and rng.random() < 0.12:
        return ticket("other", vague=True)
    named = (0.2, 0.5) if intent == "other" else (0.62, 0.6)
    return ticket(
        intent,
        priority=pick(rng, PRIORITIES),
        order_id=draw_order_id(rng) if rng.random() < named[0] else None,
        product=pick(rng, products).draw(rng) if rng.random() < named[1] else None,
    )


class SideBuilder:
    """Builds rows that are new to this side, and whose skeletons the other side does not have.

    Args:
        contract: the contract.
        side: whose templates and phrases.
        products: where product names come from.
        injections: the families that attack this side.
        seed: reproduces everything.
        choose: how a template is chosen among those that fit.
        avoid: skeletons that must not come up.
    """

    def __init__(
        self,
        contract: Contract,
        side: Side,
        *,
        products: Sequence[ProductSource],
        injections: Sequence[Injection],
        seed: int,
        choose: Choose = any_template,
        avoid: Collection[str] = (),
    ) -> None:
        self._side = side
        self._products = products
        self._injections = injections
        self._seed = seed
        self._choose = choose
        self._avoid = avoid
        self._count = 0
        self._uses: Counter[str] = Counter()
        self._texts: set[str] = set()
        self._rng = Random(seed)
        self._extraction = Extraction(contract)
        self._renderer = make_renderer(contract, side)
        self._bare = make_renderer(contract, side, framed=False)
        self._short = self._renderer.only(SHORT)
        self._join = MultiIntent(join_tickets)
        self._missing = tuple(self._missing_operator(name) for name in ("order_id", "product"))

    def fresh(self, make: Callable[[], Example | None]) -> Example:
        """The first row that `make` gives and that is new."""
        for _ in range(_MOST_TRIES):
            row = make()
            if row is None:
                continue
            text = " ".join(row.text.split())
            if text in self._texts or self.skeleton_of(row) in self._avoid:
                continue
            self._texts.add(text)
            self._uses.update(row.group.split("+"))
            return row
        raise RuntimeError(f"{self._side}: no new row in {_MOST_TRIES} tries")

    def skeleton_of(self, row: Example) -> str:
        """The row's text with its values and digits masked."""
        return skeleton(row.text, self._extraction.texts(row.target))

    def clean(self) -> Example:
        """A message as it was rendered; some are only a few words long."""
        target = draw_ticket(self._rng, self._products)
        if self._rng.random() < _SHORT_SHARE and self._short.fits(target):
            return self._rendered(target, self._short)
        return self._rendered(target, self._renderer)

    def perturbed(self, row: Example, *perturbations: Perturbation) -> Example | None:
        """The row with its text perturbed; None where nothing changed."""
        child = perturb(row, perturbations, contract=self._extraction, seed=self._next_seed())
        return None if child is row else child

    def attacked(self, row: Example, *before: Perturbation) -> Example | None:
        """The row with a prompt injection of one of this side's families."""
        return self.perturbed(row, *before, pick(self._rng, self._injections))

    def attack_alone(self) -> Example:
        """A message that is nothing but an attack."""
        attack = pick(self._rng, self._injections)
        seed = self._next_seed()
        return Example(
            text=attack.text(Random(seed)),
            target=ticket("other"),
            group=f"{self._side}/{attack.name}",
            perturbations=(attack.name,),
            seed=seed,
        )

    def joined(self, row: Example) -> Example | None:
        """The row and a second message of another intent in one, in either order."""
        rng = self._rng
        target = _ticket(row)
        if target == ticket("other", vague=True):
            return None
        calm = rng.random() < 0.7
        beside = self._entities_beside(target)
        second = self._rendered(
            ticket(
                pick(rng, [intent for intent in INTENTS if intent != target["intent"]]),
                priority="medium" if calm else pick(rng, PRIORITIES),
                order_id=beside.get("order_id"),
                product=beside.get("product"),
            ),
            self._bare if calm else self._renderer,
        )
        pair = (row, second) if rng.random() < 0.5 else (second, row)
        return self._join(*pair, rng, parent=row)

    def incomplete(self, row: Example) -> Example | None:
        """The row without its order number or product; mostly one that was needed."""
        child = pick(self._rng, self._missing)(row, self._rng)
        if child and not _ticket(child)["needs_clarification"] and self._rng.random() < 0.7:
            return None
        return child

    def _rendered(self, target: JsonValue, renderer: TemplateRenderer) -> Example:
        seed = self._next_seed()
        rng = Random(seed)
        group = self._choose(renderer.groups(target), self._uses, rng)
        rendering = renderer.render_group(target, group, rng)
        assert rendering is not None, f"{group} fits the target"
        return Example(text=rendering.text, target=target, group=group, seed=seed)

    def _next_seed(self) -> int:
        self._count += 1
        return example_seed(self._seed, self._count)

    def _entities_beside(self, target: Mapping[str, JsonValue]) -> dict[str, str]:
        """Now and then, what the first message does not name."""
        named = target["entities"]
        assert isinstance(named, dict)
        drawn = {
            "order_id": draw_order_id(self._rng),
            "product": pick(self._rng, self._products).draw(self._rng),
        }
        return {
            name: value
            for name, value in drawn.items()
            if named[name] is None and self._rng.random() < 0.35
        }

    def _missing_operator(self, name: str) -> MissingInformation:
        return MissingInformation(
            ("entities", name),
            lambda target: drop_entity(target, name),
            render=lambda target, row: self._renderer.render_group(
                target, row.group, Random(row.seed)
            ),
        )


def _ticket(row: Example) -> dict[str, JsonValue]:
    assert isinstance(row.target, dict)
    return row.target
