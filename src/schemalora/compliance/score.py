"""Scores one completion against one target, strictly; a row's score is a few bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from schemalora.compliance.leafreading import Absent, Leaf
from schemalora.jsonvalue import JsonValue, freeze, json_equal

if TYPE_CHECKING:
    from schemalora.contract import Contract, Field, Outcome

METRICS: Final = ("valid_json", "schema_compliant", "exact_match", "key_order")
VALID_JSON, SCHEMA_COMPLIANT, EXACT_MATCH, KEY_ORDER = (1 << i for i in range(len(METRICS)))
METRIC_BITS: Final = (1 << len(METRICS)) - 1


_Special: TypeAlias = "dict[str, str | _Special]"


class Scorer:
    """Scores completions against targets under one contract.

    A score is an integer: bit i says whether column i is right, the columns being `METRICS` and
    then the contract's leaf paths. Metrics nest: exact_match and key_order are only ever set
    together with schema_compliant, and that only together with valid_json.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._fields = tuple(contract.fields.values())
        self._special = _special_comparisons(self._fields)
        self.columns: tuple[str, ...] = (*METRICS, *contract.fields)
        self._all_fields = ((1 << len(self.columns)) - 1) & ~METRIC_BITS
        self._counted = sum(
            1 << number
            for number, field in enumerate(self._fields, start=len(METRICS))
            if field.comparison != "ignored"
        )

    def score(
        self,
        target: JsonValue,
        outcome: Outcome,
        leaves: Sequence[Leaf],
        got_leaves: Sequence[Leaf] | None,
    ) -> int:
        """The bits of one row; a completion that is not valid JSON is wrong in every column.

        Args:
            target: the right value.
            outcome: of parsing the completion.
            leaves: of the target, as `LeafReader` reads them.
            got_leaves: of what was parsed; None where that is known to equal the target.
        """
        if not outcome.valid_json:
            return 0
        equal = got_leaves is None
        right = self._all_fields if got_leaves is None else self._right_fields(leaves, got_leaves)
        # A value that exact match looks at is wrong: there is no need to compare the whole.
        hopeless = bool(self._counted & ~right)
        return right | self._metrics(target, outcome, equal=equal, hopeless=hopeless)

    def metrics(self, target: JsonValue, outcome: Outcome, *, equal: bool) -> int:
        """The bits of the four metrics alone.

        Args:
            target: the right value.
            outcome: of parsing the completion.
            equal: whether what was parsed is known to equal the target.
        """
        return self._metrics(target, outcome, equal=equal) if outcome.valid_json else 0

    def _metrics(
        self, target: JsonValue, outcome: Outcome, *, equal: bool, hopeless: bool = False
    ) -> int:
        if not outcome.compliant:
            return VALID_JSON
        bits = VALID_JSON | SCHEMA_COMPLIANT
        if equal or (not hopeless and self._equal_but_for_special(target, outcome.json)):
            bits |= EXACT_MATCH
        if self._contract.in_order(outcome.json):
            bits |= KEY_ORDER
        return bits

    def _right_fields(self, leaves: Sequence[Leaf], got_leaves: Sequence[Leaf]) -> int:
        bits = 0
        bit = METRIC_BITS + 1
        for field, expected, got in zip(self._fields, leaves, got_leaves, strict=True):
            if leaves_equal(field, expected, got):
                bits |= bit
            bit <<= 1
        return bits

    def _equal_but_for_special(self, target: JsonValue, got: JsonValue) -> bool:
        if not self._special:
            return False
        root = self._fields[0]
        if not root.keys:
            return root.comparison == "ignored" or leaves_equal(root, target, got)
        return _comparable(target, self._special) == _comparable(got, self._special)


def leaves_equal(field: Field, expected: Leaf, got: Leaf) -> bool:
    """Whether a leaf is right under its field's comparison; an ignored field compares exactly."""
    if isinstance(expected, str):
        return isinstance(got, str) and expected == got
    if isinstance(expected, Absent) or isinstance(got, Absent):
        return expected is got
    if field.comparison == "unordered" and isinstance(expected, list) and isinstance(got, list):
        return _bag(expected) == _bag(got)
    return json_equal(expected, got)


def _special_comparisons(fields: tuple[Field, ...]) -> _Special:
    """The fields that exact match does not compare verbatim, as a tree by key."""
    tree: _Special = {}
    for field in fields:
        if field.comparison not in ("ignored", "unordered"):
            continue
        branch = tree
        for key in field.keys[:-1]:
            branch = cast(_Special, branch.setdefault(key, {}))
        branch["".join(field.keys[-1:])] = field.comparison
    return tree


def _comparable(value: JsonValue, special: Mapping[str, str | _Special]) -> object:
    """A hashable stand-in without ignored fields, and without the order of unordered ones."""
    if not isinstance(value, dict):
        return freeze(value)
    parts: list[tuple[str, object]] = []
    for key, item in value.items():
        how = special.get(key)
        if how == "ignored":
            continue
        if how == "unordered":
            parts.append((key, _bag(item) if isinstance(item, list) else freeze(item)))
        elif isinstance(how, dict):
            parts.append((key, _comparable(item, how)))
        else:
            parts.append((key, freeze(item)))
    return frozenset(parts)


def _bag(items: list[JsonValue]) -> object:
    return frozenset(Counter(map(freeze, items)).items())
