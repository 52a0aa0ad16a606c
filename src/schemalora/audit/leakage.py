"""Compares rows with each other and with another set: conflicts, duplicates, leaks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from schemalora.audit.collecting import Collector, quoted
from schemalora.audit.report import AuditFinding
from schemalora.contract import Contract
from schemalora.grounding import Extraction, skeleton
from schemalora.jsonvalue import JsonValue
from schemalora.records import Example


class LeakageCheck:
    """Finds texts that come again: in the set itself, and in the set it is held against."""

    def __init__(self, contract: Contract) -> None:
        self._extraction = Extraction(contract)
        self._ignored = tuple(
            field.keys
            for field in contract.fields.values()
            if field.comparison == "ignored" and field.keys
        )
        self._first: dict[bytes, tuple[str, bytes]] = {}
        self._conflicting: set[bytes] = set()
        self._other_texts: set[bytes] = set()
        self._other_skeletons: set[bytes] = set()
        self._found = Collector()

    def remember(self, others: Iterable[Example]) -> int:
        """Reads the other set, and returns its size."""
        count = 0
        for example in others:
            count += 1
            self._other_texts.add(_text_digest(example.text))
            self._other_skeletons.update(self._skeleton(example))
        return count

    def add(self, example: Example) -> None:
        """Checks one row."""
        text = _text_digest(example.text)
        self._check_leaks(text, example)
        target = _target_digest(example.target, self._ignored)
        first = self._first.get(text)
        if first is None:
            self._first[text] = (example.id, target)
        elif first[1] == target:
            self._found.add(
                "duplicate_text",
                example.id,
                f"the same as row {first[0]}: {quoted(example.text)}",
                severity="warning",
            )
        else:
            message = f"rows {first[0]} and {example.id} differ on {quoted(example.text)}"
            if text not in self._conflicting:
                self._conflicting.add(text)
                self._found.add("conflicting_targets", first[0], message)
            self._found.add("conflicting_targets", example.id, message)

    def _check_leaks(self, text: bytes, example: Example) -> None:
        if text in self._other_texts:
            self._found.add("verbatim_leak", example.id, f"in both sets: {quoted(example.text)}")
        elif self._other_skeletons and self._skeleton(example) & self._other_skeletons:
            self._found.add(
                "skeleton_leak",
                example.id,
                f"in both sets, but for values and digits: {quoted(example.text)}",
            )

    def findings(self) -> list[AuditFinding]:
        """What was found."""
        return self._found.findings()

    def _skeleton(self, example: Example) -> set[bytes]:
        """The digest of the row's skeleton; none where masking leaves nothing to compare."""
        masked = skeleton(example.text, self._extraction.texts(example.target))
        return {_digest(masked)} if masked else set()


def _text_digest(text: str) -> bytes:
    return _digest(" ".join(text.split()))


def _target_digest(target: JsonValue, ignored: tuple[tuple[str, ...], ...]) -> bytes:
    """A digest of what counts; fields whose wording counts for nothing are left out."""
    for keys in ignored:
        target = _without(target, keys)
    return _digest(json.dumps(target, sort_keys=True, default=repr))


def _without(target: JsonValue, keys: tuple[str, ...]) -> JsonValue:
    if not isinstance(target, dict) or keys[0] not in target:
        return target
    rest = {key: value for key, value in target.items() if key != keys[0]}
    return rest | {keys[0]: _without(target[keys[0]], keys[1:])} if keys[1:] else rest


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
