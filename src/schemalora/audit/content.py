"""Checks each row by itself: target, grounding, size."""

from __future__ import annotations

from collections.abc import Callable

from schemalora.audit.collecting import Collector, quoted
from schemalora.audit.report import AuditFinding
from schemalora.contract import Contract
from schemalora.grounding import Extraction, ground
from schemalora.jsonvalue import canonical_json
from schemalora.notations import is_moment
from schemalora.records import Example


class ContentCheck:
    """Finds invalid targets, values that are not in the text, and rows that do not fit."""

    def __init__(
        self,
        contract: Contract,
        count_tokens: Callable[[str], int] | None,
        max_tokens: int | None,
    ) -> None:
        self._contract = contract
        self._extraction = Extraction(contract)
        self._count_tokens = count_tokens
        self._max_tokens = max_tokens
        self._found = Collector()

    def add(self, example: Example) -> None:
        """Checks one row."""
        try:
            encoded = canonical_json(example.target)
        except (TypeError, ValueError) as error:
            self._found.add("invalid_target", example.id, f"not a JSON value: {error}", path="$")
            return
        outcome = self._contract.parse(encoded)
        for violation in outcome.violations[:1]:
            self._found.add(
                "invalid_target",
                example.id,
                f"{violation.kind}: {violation.message} in {quoted(encoded)}",
                path=violation.path,
            )
        self._check_grounding(example)
        if self._count_tokens is not None and self._max_tokens is not None:
            tokens = self._count_tokens(example.text) + self._count_tokens(encoded)
            if tokens > self._max_tokens:
                self._found.add(
                    "oversized", example.id, f"{tokens} tokens, more than {self._max_tokens}"
                )

    def findings(self) -> list[AuditFinding]:
        """What was found."""
        return self._found.findings()

    def _check_grounding(self, example: Example) -> None:
        done: set[tuple[str, str]] = set()
        for path, value in self._extraction.values(example.target):
            found = ground(value, example.text)
            if found == "verbatim":
                continue
            # Another case is a matter of taste, and a date may be said in relative words.
            mild = found == "other_case" or is_moment(value)
            severity = "warning" if mild else "error"
            if (path, severity) in done:
                continue
            done.add((path, severity))
            how = {
                "other_case": "stands in another case in",
                "inside_word": "is only part of a longer word in",
                "absent": "is not in",
            }[found]
            self._found.add(
                "ungrounded_value",
                example.id,
                f"{canonical_json(value)} {how} {quoted(example.text)}",
                severity=severity,
                path=path,
            )
