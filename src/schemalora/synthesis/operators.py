"""Operators that make a harder example and change its target by a stated rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from schemalora.grounding import scalars, value_at, value_text
from schemalora.jsonvalue import JsonValue, json_equal
from schemalora.perturbations import pick
from schemalora.records import Example
from schemalora.synthesis.rendering import Rendering

JOINTS = (
    " ", "\n", "\n\n", " Also, ", " And another thing: ", " By the way: ", " Besides that, ",
    " One more thing. ", "\n\nSecondly: ", " Oh, and ", " In addition: ", "\nPS: ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MultiIntent:
    """Joins two messages into one; the rule says whose intent wins and what else follows."""

    rule: Callable[[JsonValue, JsonValue], JsonValue]
    """Takes the targets in the order of the texts and returns the joined message's target."""
    joints: Sequence[str] = JOINTS
    name: str = "multi_intent"

    def __call__(
        self, first: Example, second: Example, rng: Random, *, parent: Example | None = None
    ) -> Example:
        """Joins the texts in the order given.

        The result's group names both templates, `a+b`; its parent is the first message, unless
        another is named.
        """
        parent = parent or first
        return Example(
            text=first.text.rstrip() + pick(rng, self.joints) + second.text.lstrip(),
            target=self.rule(first.target, second.target),
            group="+".join(filter(None, (first.group, second.group))),
            perturbations=(*first.perturbations, *second.perturbations, self.name),
            parent=parent.parent or parent.id,
            seed=parent.seed,
        )


@dataclass(frozen=True, slots=True)
class MissingInformation:
    """Takes a value out of a message; the rule says what the target is without it."""

    keys: tuple[str, ...]
    """Where the value stands in the target, such as `("entities", "order_id")`."""
    rule: Callable[[JsonValue], JsonValue]
    """Takes the target and returns that of the message without the value."""
    render: Callable[[JsonValue, Example], Rendering | None] | None = None
    """Says the new target as the example was said; without it the value is cut from the text."""
    stand_ins: Sequence[str] = ("it",)
    """What stands in the text in the value's place, where the text is edited."""

    @property
    def name(self) -> str:
        """Such as `missing_information:order_id`."""
        return f"missing_information:{self.keys[-1]}"

    def __call__(self, example: Example, rng: Random) -> Example | None:
        """The message without the value; None where it has none or cannot be said without."""
        values = [one for one in scalars(value_at(example.target, self.keys)) if one is not None]
        if not values:
            return None
        target = self.rule(example.target)
        if any(one is not None for one in scalars(value_at(target, self.keys))):
            return None
        if self.render is not None:
            rendering = self.render(target, example)
            text = rendering.text if rendering else None
        else:
            text = example.text
            for value in values:
                text = text.replace(value_text(value), pick(rng, self.stand_ins))
        if text is None or (text == example.text and not json_equal(target, example.target)):
            return None
        return replace(
            example,
            text=text,
            target=target,
            id="",
            perturbations=(*example.perturbations, self.name),
            parent=example.parent or example.id,
        )
