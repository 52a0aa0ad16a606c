"""How values stand in texts: which must, where they do, and a text with its values masked.

A field whose relation is `Extracted` must stand in the text; renderers, perturbations, splits and
audits all ask the same questions about it, here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from schemalora.contract import Contract
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.notations import notations
from schemalora.schema import ArrayNode, FiniteNode, Node, ObjectNode, UnionNode, matches

Grounding = Literal["verbatim", "other_case", "inside_word", "absent"]
"""How well a value stands in a text."""

_VALUE_MASK = "\x00"
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_NOT_WORDS = re.compile(r"[^\w\x00#]+")
_SPACES = re.compile(r"\s+")


def value_text(value: JsonValue) -> str:
    """A scalar as it stands in a text: strings as they are, all else as JSON writes it."""
    return value if isinstance(value, str) else canonical_json(value)


def value_at(target: JsonValue, keys: Sequence[str]) -> JsonValue:
    """The value that a field's keys lead to; None where the target does not go that far."""
    for key in keys:
        if not isinstance(target, dict):
            return None
        target = target.get(key)
    return target


def scalars(value: JsonValue) -> Iterator[JsonValue]:
    """The scalars inside a value, in order."""
    if isinstance(value, dict):
        for item in value.values():
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    else:
        yield value


class Extraction:
    """The extracted fields of a contract, ready to be looked up in many targets.

    Inside a list or a free-form object every part keeps its own relation: in a list of
    `{"sku": Extracted, "kind": enum}` only the skus must stand in the text.
    """

    def __init__(self, contract: Contract) -> None:
        self._plain = tuple(
            (field.path, field.keys)
            for field in contract.fields.values()
            if field.relation == "extracted" and not {"array", "object"} & set(field.kinds)
        )
        self._deep = tuple(
            (field.path, field.keys)
            for field in contract.fields.values()
            if {"array", "object"} & set(field.kinds)
        )
        self._tree = contract.tree

    def values(self, target: JsonValue) -> list[tuple[str, JsonValue]]:
        """`(leaf path, value)` of every extracted scalar that is not null, empty or a boolean."""
        found = [(path, value_at(target, keys)) for path, keys in self._plain]
        for path, keys in self._deep:
            node = _node_at(self._tree, keys, target)
            if node is not None:
                found += [(path, one) for one in _extracted(node, value_at(target, keys), "")]
        return [
            (path, value)
            for path, value in found
            if value is not None and value != "" and not isinstance(value, (bool, dict, list))
        ]

    def texts(self, target: JsonValue) -> list[str]:
        """The extracted values of a target as they stand in a text."""
        return [value_text(value) for _, value in self.values(target)]


def _node_at(node: Node, keys: Sequence[str], target: JsonValue) -> Node | None:
    for key in keys:
        node = _branch(node, target)
        if not isinstance(node, ObjectNode) or not isinstance(target, dict):
            return None
        node, target = node.child(key), target.get(key)
    return node


def _branch(node: Node, value: JsonValue) -> Node:
    """The alternative that the value took."""
    while isinstance(node, UnionNode):
        taken = next((one for one in node.branches if matches(one, value)), None)
        if taken is None:
            return node
        node = taken
    return node


def _extracted(node: Node, value: JsonValue, relation: str) -> Iterator[JsonValue]:
    relation = node.annotations.relation or relation
    node = _branch(node, value)
    relation = node.annotations.relation or relation
    if relation in ("derived", "free_text"):
        return
    if isinstance(value, list):
        for at, item in enumerate(value):
            child = node.item_at(at) if isinstance(node, ArrayNode) else node
            yield from _extracted(child, item, relation)
    elif isinstance(value, dict):
        for key, item in value.items():
            child = node.child(key) if isinstance(node, ObjectNode) else node
            yield from _extracted(child, item, relation)
    elif relation == "extracted" or not isinstance(node, FiniteNode):
        yield value


def find_spans(text: str, values: Iterable[str]) -> list[tuple[int, int]]:
    """Every place where one of the values stands, as half-open spans, merged and in order."""
    spans: list[tuple[int, int]] = []
    for value in values:
        at = text.find(value) if value else -1
        while at >= 0:
            spans.append((at, at + len(value)))
            at = text.find(value, at + 1)
    return merge_spans(spans)


def value_spans(text: str, values: Sequence[JsonValue]) -> list[tuple[int, int]]:
    """Every place where one of the values stands, verbatim or else in another case or notation."""
    exact = [value_text(value) for value in values]
    spans = find_spans(text, exact)
    absent = [value for value, form in zip(values, exact, strict=True) if form and form not in text]
    if absent:
        # Lower case keeps the length of nearly all texts; where it does not, places would shift.
        lowered = text.lower()
        if len(lowered) == len(text):
            forms = [form.lower() for value in absent for form in notations(value)]
            spans = merge_spans((*spans, *find_spans(lowered, [f for f in forms if len(f) > 2])))
    return spans


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

    White space and Unicode composition are no matter, and numbers, dates and times may have
    another notation. `inside_word` is only a part of a longer word or number, as `ORD-1234` in
    `ORD-12345`.
    """
    if _stands_alone(value_text(value), text):
        return "verbatim"
    plain, *others = notations(value)
    best = _ground_words(plain, text)
    if best == "verbatim" or not others:
        return best
    folded = _normalise(text).casefold()
    if any(_stands_alone(_normalise(form).casefold(), folded) for form in others):
        return "verbatim"
    return best


def _ground_words(value: str, text: str) -> Grounding:
    value, text = _normalise(value), _normalise(text)
    if _stands_alone(value, text):
        return "verbatim"
    folded_value, folded_text = value.casefold(), text.casefold()
    if _stands_alone(folded_value, folded_text):
        return "other_case"
    if folded_value in folded_text:
        return "inside_word"
    return "absent"


def _normalise(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _stands_alone(value: str, text: str) -> bool:
    at = text.find(value)
    while value and at >= 0:
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


def skeleton(text: str, values: Iterable[str] = ()) -> str:
    """A text with its values and digits masked, in lower case, without punctuation.

    Two texts of one skeleton were made from one template: they say the same with other values.
    """
    folded = text.casefold()
    for value in sorted({value.casefold() for value in values}, key=lambda one: (-len(one), one)):
        if value:
            folded = folded.replace(value, _VALUE_MASK)
    return _NOT_WORDS.sub(" ", _DIGITS.sub("#", folded)).strip()
