"""Collects rows that share a fault into one finding."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemalora.audit.report import AuditFinding, FindingKind, Severity

_MOST_CHARACTERS = 80


@dataclass(slots=True)
class Collected:
    """The rows that share one fault; the first of them is the instance that is shown."""

    kind: FindingKind
    severity: Severity
    path: str | None
    message: str
    ids: list[str] = field(default_factory=list[str])


class Collector:
    """Findings by kind, severity and path, in the order in which they were first met."""

    def __init__(self) -> None:
        self._collected: dict[tuple[str, str, str | None], Collected] = {}

    def add(
        self,
        kind: FindingKind,
        example_id: str,
        message: str,
        *,
        severity: Severity = "error",
        path: str | None = None,
    ) -> None:
        """Adds one row to its finding."""
        key = (kind, severity, path)
        if key not in self._collected:
            self._collected[key] = Collected(kind, severity, path, message)
        self._collected[key].ids.append(example_id)

    def findings(self) -> list[AuditFinding]:
        """One finding for each fault, in the order of the first rows."""
        return [
            AuditFinding(
                kind=one.kind,
                severity=one.severity,
                message=one.message,
                count=len(one.ids),
                ids=tuple(one.ids),
                path=one.path,
            )
            for one in self._collected.values()
        ]


def quoted(text: str) -> str:
    """A text on one line, shortened, for a message."""
    line = " ".join(text.split())
    return repr(line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…")
