"""Flagship examples and completions of known faults, for the tests of scoring and reporting."""

from __future__ import annotations

import json
import random
from typing import Any

from customer_support.ticket import SupportTicket
from schemalora.contract import Contract
from schemalora.records import Example, Prediction

CONTRACT = Contract.from_model(SupportTicket)
TARGET: dict[str, Any] = {
    "intent": "refund",
    "priority": "low",
    "entities": {"order_id": "ORD-12345", "product": None},
    "needs_clarification": False,
    "clarifying_question": None,
}
FAULTS = (
    "fenced", "prose", "truncated", "bad_enum", "missing_key", "extra_key", "wrong_value",
    "reordered", "null", "empty",
)  # fmt: skip


def target(rng: random.Random) -> dict[str, Any]:
    unclear = rng.random() < 0.2
    return {
        "intent": rng.choice(("refund", "cancel", "billing", "tech_support", "shipping", "other")),
        "priority": rng.choice(("low", "medium", "high")),
        "entities": {
            "order_id": rng.choice((None, f"ORD-{rng.randrange(10_000, 99_999)}")),
            "product": rng.choice((None, "lamp", "kettle")),
        },
        "needs_clarification": unclear,
        "clarifying_question": "Which order is it?" if unclear else None,
    }


def examples(n: int, *, seed: int = 0, groups: int = 20, perturbed: float = 0.3) -> list[Example]:
    """Tickets with groups and a column; some are perturbed children of earlier ones."""
    rng = random.Random(seed)
    rows: list[Example] = []
    for i in range(n):
        parent = rng.choice(rows) if rows and rng.random() < perturbed else None
        if parent is not None and parent.parent is not None:
            parent = None
        rows.append(
            Example(
                text=f"message {i} " * rng.randrange(1, 40),
                target=parent.target if parent else target(rng),
                id=f"ex-{i:05d}",
                group=f"group-{rng.randrange(groups)}",
                parent=parent.id if parent else None,
                perturbations=(rng.choice(("typos", "caps")),) if parent else (),
                columns={"channel": rng.choice(("mail", "chat"))},
            )
        )
    return rows


def spoil(value: Any, fault: str) -> str:
    """A completion for a target that is wrong in one known way."""
    text = CONTRACT.encode(value)
    changed = json.loads(text)
    match fault:
        case "fenced":
            return f"```json\n{text}\n```"
        case "prose":
            return f"Sure, here it is: {text}"
        case "truncated":
            return text[: len(text) // 2]
        case "empty":
            return ""
        case "bad_enum":
            changed["intent"] = "complain"
        case "missing_key":
            del changed["priority"]
        case "extra_key":
            changed["confidence"] = 0.5
        case "wrong_value":
            changed["priority"] = "low" if changed["priority"] != "low" else "high"
        case "reordered":
            changed = dict(reversed(changed.items()))
        case "null":
            changed["needs_clarification"] = None
        case _:
            raise AssertionError(fault)
    return json.dumps(changed)


def predictions(rows: list[Example], *, spoilt: float = 0.2, seed: int = 1) -> list[Prediction]:
    """One prediction an example, a share of them spoilt by a random fault."""
    rng = random.Random(seed)
    return [
        Prediction(
            example.id,
            spoil(example.target, rng.choice(FAULTS))
            if rng.random() < spoilt
            else CONTRACT.encode(example.target),
            completion_tokens=40,
            seconds=0.1,
            finish_reason="stop",
        )
        for example in rows
    ]
