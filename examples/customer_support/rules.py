"""The labelling rules as code; docs/customer-support-data.md says them in words."""

from __future__ import annotations

from schemalora.jsonvalue import JsonValue

INTENTS = ("refund", "cancel", "billing", "tech_support", "shipping", "other")
"""A message that asks for two things gets the intent that stands first here."""

PRIORITIES = ("low", "medium", "high")

QUESTIONS = {
    "refund": "What is the order number of the purchase you want refunded?",
    "cancel": "Which order or subscription would you like to cancel?",
    "billing": "Which order or product is the payment for?",
    "tech_support": "Which product are you having trouble with?",
    "shipping": "What is the order number of the delivery?",
    "other": "What can we help you with?",
}
"""What to ask when the message lacks what its intent needs."""


def is_missing(intent: str, *, order_id: str | None, product: str | None, vague: bool) -> bool:
    """Whether the message lacks what its intent needs.

    A refund and a delivery are looked up by order number; a fault by product; a cancellation and
    a payment by either. Another matter needs nothing, as long as the message says what it is.
    """
    if intent in ("refund", "shipping"):
        return order_id is None
    if intent == "tech_support":
        return product is None
    if intent in ("cancel", "billing"):
        return order_id is None and product is None
    return vague


def ticket(
    intent: str,
    *,
    priority: str = "medium",
    order_id: str | None = None,
    product: str | None = None,
    vague: bool = False,
) -> dict[str, JsonValue]:
    """The whole ticket; what needs clarification and the question follow from the rest."""
    missing = is_missing(intent, order_id=order_id, product=product, vague=vague)
    return {
        "intent": intent,
        "priority": priority,
        "entities": {"order_id": order_id, "product": product},
        "needs_clarification": missing,
        "clarifying_question": QUESTIONS[intent] if missing else None,
    }


def join_tickets(first: JsonValue, second: JsonValue) -> JsonValue:
    """The ticket of a message that holds two: the intent that stands first in `INTENTS` wins.

    The priority is high if either part is urgent, else low if either says there is no hurry; of
    order number and product, each may be named by one of the two only.
    """
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    intents = sorted((str(first["intent"]), str(second["intent"])), key=INTENTS.index)
    priorities = {str(first["priority"]), str(second["priority"])}
    return ticket(
        intents[0],
        priority="high" if "high" in priorities else "low" if "low" in priorities else "medium",
        order_id=_either(first, second, "order_id"),
        product=_either(first, second, "product"),
    )


def drop_entity(target: JsonValue, name: str) -> JsonValue:
    """The ticket of the same message without its order number or product."""
    assert isinstance(target, dict)
    entities = target["entities"]
    assert isinstance(entities, dict)
    kept = {key: None if key == name else _text(value) for key, value in entities.items()}
    return ticket(
        str(target["intent"]),
        priority=str(target["priority"]),
        order_id=kept["order_id"],
        product=kept["product"],
    )


def _either(first: dict[str, JsonValue], second: dict[str, JsonValue], name: str) -> str | None:
    found = [
        str(value)
        for entities in (first["entities"], second["entities"])
        if isinstance(entities, dict) and (value := entities[name]) is not None
    ]
    assert len(set(found)) <= 1, f"both parts name a {name}"
    return found[0] if found else None


def _text(value: JsonValue) -> str | None:
    return None if value is None else str(value)
