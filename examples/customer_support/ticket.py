"""The flagship's model: what a support desk wants to know about a message."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from schemalora.contract import Derived, Extracted, FreeText

Intent = Literal["refund", "cancel", "billing", "tech_support", "shipping", "other"]
Priority = Literal["low", "medium", "high"]


class Entities(BaseModel):
    """What the message names, word for word."""

    order_id: Annotated[str | None, Extracted()]
    product: Annotated[str | None, Extracted()]


class SupportTicket(BaseModel):
    """One message from a customer."""

    intent: Annotated[Intent, Derived()]
    priority: Annotated[Priority, Derived()]
    entities: Entities
    needs_clarification: Annotated[bool, Derived()]
    clarifying_question: Annotated[str | None, FreeText()]
