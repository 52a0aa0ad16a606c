"""Plain words for names and values, where nobody has written better ones."""

from __future__ import annotations

import re

from schemalora.grounding import value_text
from schemalora.jsonvalue import JsonValue


def name_in_words(name: str) -> str:
    """A key as people say it: `order_id` and `orderId` are both `order id`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ")
    return words.strip().lower() or "value"


def value_in_words(value: JsonValue) -> str | None:
    """A value as it stands in a text; lists and objects with their structure.

    None where there is nothing to say: null, and the empty string, list and object.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        if any(isinstance(item, (dict, list)) for item in value):
            return "; ".join(
                f"no. {at}: {value_in_words(item) or 'none'}" for at, item in enumerate(value, 1)
            )
        return ", ".join(value_in_words(item) or "none" for item in value) or None
    if isinstance(value, dict):
        return (
            ", ".join(
                f"{name_in_words(key)} {value_in_words(item) or 'none'}"
                for key, item in value.items()
            )
            or None
        )
    return None if value is None or value == "" else value_text(value)
