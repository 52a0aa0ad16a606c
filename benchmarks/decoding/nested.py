"""A larger contract: nesting, lists, a union of objects, 36 fields."""

# A docstring would become a part of the schema:
# ruff: noqa: D101

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Short = Annotated[str, Field(max_length=24)]
Country = Literal["AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FR", "GB", "IT", "NL", "PL", "SE"]
Currency = Literal["CHF", "CZK", "DKK", "EUR", "GBP", "PLN", "SEK"]


class Address(BaseModel):
    street: Short
    city: Short
    postal_code: Annotated[str, Field(pattern=r"^[0-9]{4,6}$")]
    country: Country


class Party(BaseModel):
    name: Short
    kind: Literal["person", "company", "authority"]
    phone: Annotated[str, Field(pattern=r"^\+[0-9]{6,12}$")] | None
    address: Address


class Amount(BaseModel):
    cents: Annotated[int, Field(ge=0, le=10_000_000)]
    currency: Currency


class Injury(BaseModel):
    kind: Literal["injury"]
    person: Short
    severity: Literal["light", "severe", "critical"]
    days_in_hospital: Annotated[int, Field(ge=0, le=365)] | None


class Damage(BaseModel):
    kind: Literal["damage"]
    item: Short
    repairable: bool
    estimate: Amount


class Theft(BaseModel):
    kind: Literal["theft"]
    item: Short
    police_report: Annotated[str, Field(pattern=r"^PR-[0-9]{6}$")] | None
    value: Amount


Loss = Annotated[Injury | Damage | Theft, Field(discriminator="kind")]


class Policy(BaseModel):
    number: Annotated[str, Field(pattern=r"^POL-[0-9]{8}$")]
    product: Literal["home", "car", "travel", "liability", "health"]
    valid_from: date
    valid_to: date | None
    deductible: Amount
    premium: bool


class Event(BaseModel):
    day: date
    place: Address
    cause: Literal["fire", "water", "storm", "collision", "burglary", "fall", "other"]
    witnesses: Annotated[list[Short], Field(max_length=2)]


class Handling(BaseModel):
    urgency: Literal["low", "normal", "high"]
    fraud_signals: Annotated[
        list[Literal["late_report", "no_proof", "repeated", "inconsistent"]], Field(max_length=2)
    ]
    next_step: Literal["pay", "inspect", "ask", "refuse", "forward"]
    question: Short | None
    automatic: bool


class InsuranceClaim(BaseModel):
    """A claim as an insurer would file it."""

    policy: Policy
    claimant: Party
    counterparty: Party | None
    event: Event
    losses: Annotated[list[Loss], Field(min_length=1, max_length=2)]
    total: Amount
    handling: Handling


TEXTS = tuple(
    f"My policy is POL-{47110000 + 37 * number}. On {day} {what} at {street} {number % 90 + 1} in "
    f"{city}. {loss} I am {name}; please call me and tell me what you need."
    for number, (day, what, street, city, loss, name) in enumerate(
        (day, what, street, city, loss, name)
        for (day, street, city) in (
            ("3 May 2024", "Hauptstrasse", "Bern"),
            ("29 February 2024", "Rue Haute", "Lyon"),
            ("11 November 2025", "Via Larga", "Milano"),
            ("7 January 2026", "Harbour Road", "Leeds"),
        )
        for (what, loss) in (
            ("a pipe burst", "The wooden floor is ruined, about 2,400 euros."),
            ("somebody broke in", "A laptop for 1,350 pounds is gone, report PR-204417."),
            ("a car hit my bicycle", "My knee is broken and I spent four days in hospital."),
            ("a storm took the roof", "Two windows and the shed are broken; no estimate yet."),
        )
        for name in ("Anna Keller", "Tom Okafor")
    )
)
"""32 messages."""
