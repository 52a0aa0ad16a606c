"""How values stand in texts: which must, where they do, and a text with its values masked.

A field whose relation is `Extracted` must stand in the text; renderers, perturbations, splits and
audits all ask the same questions about it, here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol, cast

from schemalora.jsonvalue import JsonValue, canonical_json

Grounding = Literal["verbatim", "other_case", "inside_word", "absent"]
"""How well a value stands in a text."""

_ITEM_KEYS = frozenset(("[*]", "[]", "*"))
_VALUE_MASK = "\x00"
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_NOT_WORDS = re.compile(r"[^\w\x00#]+")
_SPACES = re.compile(r"\s+")


class FieldLike(Protocol):
    """What grounding needs to know of a contract's field."""

    @property
    def path(self) -> str:
        """Leaf path, such as `$.entities.order_id`."""
        ...

    @property
    def keys(self) -> Sequence[str | int]:
        """The keys that lead to the leaf."""
        ...

    @property
    def relation(self) -> str:
        """`extracted`, `derived` or `free_text`."""
        ...


def leaf_values(target: JsonValue, keys: Sequence[str | int]) -> Iterator[JsonValue]:
    """The scalars that a leaf path reaches in a target; through lists it reaches every item."""
    if isinstance(target, list):
        rest = keys[1:] if keys and (isinstance(keys[0], int) or keys[0] in _ITEM_KEYS) else keys
        for item in target:
            yield from leaf_values(item, rest)
    elif isinstance(target, dict):
        if not keys:
            for item in target.values():
                yield from leaf_values(item, keys)
        elif keys[0] in target:
            yield from leaf_values(target[cast("str", keys[0])], keys[1:])
        elif keys[0] in _ITEM_KEYS:
            for item in target.values():
                yield from leaf_values(item, keys[1:])
    elif not keys:
        yield target


def value_text(value: JsonValue) -> str:
    """A scalar as it stands in a text: strings as they are, all else as JSON writes it."""
    return value if isinstance(value, str) else canonical_json(value)


class Extraction:
    """The extracted fields of a contract, ready to be looked up in many targets."""

    def __init__(self, fields: Mapping[str, FieldLike]) -> None:
        self._fields = tuple(
            (field.path, tuple(field.keys))
            for field in fields.values()
            if field.relation == "extracted"
        )

    def values(self, target: JsonValue) -> list[tuple[str, JsonValue]]:
        """`(leaf path, value)` of every extracted value that is not null, empty or a boolean."""
        return [
            (path, value)
            for path, keys in self._fields
            for value in leaf_values(target, keys)
            if value is not None and value != "" and not isinstance(value, bool)
        ]

    def texts(self, target: JsonValue) -> list[str]:
        """The extracted values of a target as they stand in a text."""
        return [value_text(value) for _, value in self.values(target)]


def find_spans(text: str, values: Iterable[str]) -> list[tuple[int, int]]:
    """Every place where one of the values stands, as half-open spans, merged and in order."""
    spans: list[tuple[int, int]] = []
    for value in values:
        at = text.find(value) if value else -1
        while at >= 0:
            spans.append((at, at + len(value)))
            at = text.find(value, at + 1)
    return merge_spans(spans)


def merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def ground(value: JsonValue, text: str) -> Grounding:
    """How well a value stands in a text.

    White space and Unicode composition are no matter; a number may be written with its thousands
    grouped or with trailing zeros. `inside_word` is only a part of a longer word or number, as
    `ORD-1234` in `ORD-12345`.
    """
    if isinstance(value, str):
        return _ground_words(value, text)
    return min((_ground_words(form, text) for form in _number_forms(value)), key=_RANK.__getitem__)


_RANK: dict[Grounding, int] = {"verbatim": 0, "other_case": 1, "inside_word": 2, "absent": 3}


def _ground_words(value: str, text: str) -> Grounding:
    if _stands_alone(value, text):
        return "verbatim"
    value, text = _normalise(value), _normalise(text)
    if _stands_alone(value, text):
        return "verbatim"
    folded_value, folded_text = value.casefold(), text.casefold()
    if _stands_alone(folded_value, folded_text):
        return "other_case"
    return "inside_word" if folded_value in folded_text else "absent"


def _normalise(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _stands_alone(value: str, text: str) -> bool:
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        if not (
            (at > 0 and _same_run(text[at - 1], value[0]))
            or (end < len(text) and _same_run(value[-1], text[end]))
        ):
            return True
        at = text.find(value, at + 1)
    return not value


def _same_run(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word or number."""
    if left.isdigit() or right.isdigit():
        return left.isdigit() and right.isdigit()
    # Scripts without spaces between words have no runs to speak of.
    return left.isalpha() and right.isalpha() and ord(left) < 0x0E00 and ord(right) < 0x0E00


def _number_forms(value: JsonValue) -> tuple[str, ...]:
    plain = canonical_json(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return (plain,)
    if abs(value) >= 1e15 or "e" in plain:
        return (plain,)
    forms = {plain, f"{value:,}", f"{value:,}".replace(",", " "), f"{value:,}".replace(",", ".")}
    if value == int(value):
        forms |= {str(int(value)), f"{int(value):,}"}
    forms |= {f"{value:.2f}", f"{value:,.2f}", plain.replace(".", ","), f"{value:.1f}"[:40]} & {
        form
        for form in (f"{value:.2f}", f"{value:,.2f}", plain.replace(".", ","), f"{value:.1f}")
        if float(
            form.replace(",", ".")
            if form.count(",") == 1 and "." not in form
            else form.replace(",", "")
        )
        == value
    }
    return tuple(sorted(forms))


def skeleton(text: str, values: Iterable[str] = ()) -> str:
    """A text with its values and digits masked, in lower case, without punctuation.

    Two texts of one skeleton were made from one template: they say the same with other values.
    """
    for value in sorted(values, key=lambda one: (-len(one), one)):
        if value:
            text = re.sub(re.escape(value), _VALUE_MASK, text, flags=re.IGNORECASE)
    text = _DIGITS.sub("#", text.casefold())
    return _NOT_WORDS.sub(" ", text).strip()
