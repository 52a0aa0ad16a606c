"""The names that templates may use: slots of the contract's fields, and phrase banks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.synthesis.compiling import ValueBank
from schemalora.synthesis.grammar import Node, parse_template, slot_names


@dataclass(frozen=True, slots=True)
class PhraseBank:
    """Phrases that a field's value chooses among, such as a tone for each priority."""

    field: str
    phrases: Mapping[JsonValue, Sequence[str]]
    """Value of the field to its phrases; a value without phrases says nothing."""


@dataclass(frozen=True, slots=True)
class SlotField:
    """A field as templates know it."""

    keys: tuple[str, ...]
    must: bool
    """Whether its value must be placed; asked of its dotted path only."""
    alias: str
    """The other name of the same field."""


def slot_fields(contract: Contract) -> dict[str, SlotField]:
    """Dotted path, and last key where it is unique, to the field of that name."""
    fields: dict[str, SlotField] = {}
    shorts: dict[str, list[str]] = {}
    for one in contract.fields.values():
        dotted = ".".join(one.keys) or "value"
        shorts.setdefault(one.keys[-1] if one.keys else "value", []).append(dotted)
        must = one.relation == "extracted" and not {"array", "object"} & set(one.kinds)
        fields[dotted] = SlotField(one.keys, must, dotted)
    for short, dotted_names in shorts.items():
        if len(dotted_names) == 1 and short not in fields:
            full = fields[dotted_names[0]]
            fields[short] = SlotField(full.keys, False, dotted_names[0])
            fields[dotted_names[0]] = SlotField(full.keys, full.must, short)
    return fields


def parse_banks(
    banks: Mapping[str, Sequence[str] | PhraseBank],
) -> dict[str, tuple[Node, ...] | ValueBank]:
    """Reads the phrases of banks.

    Raises:
        UsageError: a phrase that cannot be read, a bank that contains itself.
    """
    parsed: dict[str, tuple[Node, ...] | ValueBank] = {}
    for name, bank in banks.items():
        if isinstance(bank, PhraseBank):
            phrases = {
                value_key(value): tuple(map(parse_template, said))
                for value, said in bank.phrases.items()
            }
            parsed[name] = ValueBank(selector_of(bank.field), phrases)
        else:
            parsed[name] = tuple(map(parse_template, bank))
    _refuse_cycles(
        {
            name: frozenset[str]().union(*map(slot_names, phrases_of(bank)))
            for name, bank in parsed.items()
        }
    )
    return parsed


def phrases_of(bank: tuple[Node, ...] | ValueBank) -> Iterator[Node]:
    """Every phrase of a bank."""
    if isinstance(bank, ValueBank):
        for phrases in bank.phrases.values():
            yield from phrases
    else:
        yield from bank


def selector_of(field_name: str) -> str:
    """The name under which a field's value key stands among the slots' values."""
    return f"\0{field_name}"


def value_key(value: JsonValue) -> str:
    """A string for each JSON value; no JSON text begins with an s."""
    return "s" + value if isinstance(value, str) else canonical_json(value)


def _refuse_cycles(inside: Mapping[str, frozenset[str]]) -> None:
    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise UsageError(f"phrase bank {name!r} contains itself: {' > '.join((*above, name))}")
        for inner in sorted(inside.get(name, frozenset())):
            visit(inner, (*above, name))

    for name in inside:
        visit(name, ())
