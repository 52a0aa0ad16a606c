"""The fallback renderer: a first, plain data set from nothing but the contract."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from schemalora.contract import Contract, Field
from schemalora.grounding import value_at
from schemalora.jsonvalue import JsonValue
from schemalora.perturbations import pick
from schemalora.synthesis.rendering import Rendering
from schemalora.synthesis.wording import name_in_words, value_in_words

_OPENINGS = (
    "", "Hello,", "Hi, here is what I know.", "Please note the following.", "As discussed:",
    "Good morning,", "Some details for you.", "For your records:", "Just so that you have it:",
    "Here we go.", "Dear team,", "Quick summary:",
)  # fmt: skip
_CLOSINGS = ("", "", "", "Thanks.", "That is all.", "Best regards", "Let me know if it is clear.")
_ABSENT = ("There is no {label}.", "{Label}: none.", "I have no {label}.", "No {label}.")
_SAYINGS = (
    "The {label} is {value}.", "{Label}: {value}.", "As for the {label}, it is {value}.",
    "We have {value} as the {label}.", "{value} is the {label}.", "With {label} {value}.",
    "I would say {label} {value}.", "Regarding {label}: {value}.",
)  # fmt: skip

Fact = tuple[str, str | None]
"""A label and its value in words; None where there is nothing to say."""


class SchemaRenderer:
    """Says every value of a target beside its field's name; a `Renderer` for any contract.

    The texts are plain: enough to try the pipeline and to teach the shape, not enough to teach
    how people write. Derived values are stated outright, since the contract does not say what
    they follow from; free text is left out. The group is the layout and the opening.
    """

    def __init__(self, contract: Contract) -> None:
        self.name = f"SchemaRenderer({contract.name})"
        self._fields = tuple(
            (field, label) for field, label in _labels(contract) if field.relation != "free_text"
        )

    def __call__(self, target: JsonValue, rng: Random, /) -> Rendering:
        """Draws an order of the facts, a layout and an opening."""
        facts = [
            (label, value_in_words(value_at(target, field.keys)))
            for field, label in self._fields
            if _holds_field(target, field)
        ]
        for at in range(len(facts) - 1, 0, -1):
            other = int(rng.random() * (at + 1))
            facts[at], facts[other] = facts[other], facts[at]
        layout = pick(rng, tuple(_LAYOUTS))
        opening = int(rng.random() * len(_OPENINGS))
        body = _LAYOUTS[layout](facts, rng) or "There is nothing to report."
        parts = (_OPENINGS[opening], body, pick(rng, _CLOSINGS))
        joint = "\n" if "\n" in body else " "
        return Rendering(joint.join(filter(None, parts)), f"plain/{layout}/{opening:02}")


def _labels(contract: Contract) -> list[tuple[Field, str]]:
    """Every field with its last key in words; its whole path where that is not unique."""
    last = [field.keys[-1] if field.keys else "value" for field in contract.fields.values()]
    return [
        (field, name_in_words(name if last.count(name) == 1 else " ".join(field.keys)))
        for field, name in zip(contract.fields.values(), last, strict=True)
    ]


def _holds_field(target: JsonValue, field: Field) -> bool:
    """Whether the target has the key at all; optional keys may be left out."""
    for key in field.keys:
        if not isinstance(target, dict) or key not in target:
            return False
        target = target[key]
    return True


def _fill(template: str, label: str, value: str) -> str:
    capital = label[:1].upper() + label[1:]
    # The value goes in last: it may hold braces of its own.
    return template.replace("{label}", label).replace("{Label}", capital).replace("{value}", value)


def _sentences(facts: list[Fact], rng: Random) -> str:
    return " ".join(
        _fill(pick(rng, _ABSENT if value is None else _SAYINGS), label, value or "")
        for label, value in facts
    )


def _lines(facts: list[Fact], rng: Random) -> str:
    sign = pick(rng, (": ", " = ", " - ", ":\t"))
    bullet = pick(rng, ("", "- ", "* "))
    return "\n".join(f"{bullet}{label}{sign}{value or 'none'}" for label, value in facts)


def _enumeration(facts: list[Fact], rng: Random) -> str:
    said = [f"{label} {value}" for label, value in facts if value is not None]
    return (", ".join(said[:-1]) + " and " if said[:-1] else "") + said[-1] + "." if said else ""


def _brackets(facts: list[Fact], rng: Random) -> str:
    joint = pick(rng, (", ", "; ", " / "))
    return joint.join(f"{value} ({label})" for label, value in facts if value is not None)


def _plain_statements(facts: list[Fact], rng: Random) -> str:
    return " ".join(f"The {label} is {value}." for label, value in facts if value is not None)


_LAYOUTS: dict[str, Callable[[list[Fact], Random], str]] = {
    "sentences": _sentences,
    "lines": _lines,
    "enumeration": _enumeration,
    "brackets": _brackets,
    "statements": _plain_statements,
}
