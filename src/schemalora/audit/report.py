"""What an audit finds, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from schemalora.compliance.tables import aligned_lines, markdown_table, paragraphs
from schemalora.errors import UsageError
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue

FORMAT_VERSION = 1

FindingKind = Literal[
    "invalid_target",
    "ungrounded_value",
    "conflicting_targets",
    "duplicate_text",
    "verbatim_leak",
    "skeleton_leak",
    "uncovered_cell",
    "imbalance",
    "oversized",
]
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)

Severity = Literal["error", "warning"]

_SHOWN_IDS = 3


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One fault of a data set."""

    kind: FindingKind
    severity: Severity
    message: str
    """What is wrong, with an instance of it."""
    count: int
    """How many rows it concerns; for a cell, how many have it."""
    ids: tuple[str, ...] = ()
    """The rows concerned, in order."""
    path: str | None = None
    """The field concerned, such as `$.entities.product`."""

    def to_dict(self) -> dict[str, JsonValue]:
        """The finding as JSON."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "path": self.path,
            "count": self.count,
            "message": self.message,
            "ids": list(self.ids),
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything an audit found, errors first."""

    contract: str
    fingerprint: str
    n: int
    """Rows audited."""
    against_n: int | None
    """Rows of the other set; None where there was none."""
    findings: tuple[AuditFinding, ...]

    @property
    def errors(self) -> tuple[AuditFinding, ...]:
        """The findings that a set should not be used with."""
        return tuple(one for one in self.findings if one.severity == "error")

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings may be there."""
        return not self.errors

    def counts(self) -> dict[FindingKind, int]:
        """Rows (or cells) concerned by each kind of finding, zeros included."""
        counts: dict[FindingKind, int] = dict.fromkeys(FINDING_KINDS, 0)
        for one in self.findings:
            counts[one.kind] += 1 if one.kind == "uncovered_cell" else one.count
        return counts

    def to_dict(self) -> dict[str, JsonValue]:
        """The report as JSON."""
        return {
            "format_version": FORMAT_VERSION,
            "contract": {"name": self.contract, "fingerprint": self.fingerprint},
            "n": self.n,
            "against_n": self.against_n,
            "ok": self.ok,
            "counts": cast("dict[str, JsonValue]", self.counts()),
            "findings": [one.to_dict() for one in self.findings],
        }

    def save(self, path: str | Path) -> None:
        """Writes the report as JSON."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> AuditReport:
        """Reads a saved report.

        Raises:
            UsageError: not an audit report, or one of another format version.
        """
        data = read_json(path)
        if data.get("format_version") != FORMAT_VERSION or "findings" not in data:
            raise UsageError(f"{path}: not an audit report of format version {FORMAT_VERSION}")
        contract = cast("dict[str, str]", data["contract"])
        findings = cast("list[dict[str, JsonValue]]", data["findings"])
        return cls(
            contract=contract["name"],
            fingerprint=contract["fingerprint"],
            n=cast("int", data["n"]),
            against_n=cast("int | None", data["against_n"]),
            findings=tuple(
                AuditFinding(
                    kind=cast("FindingKind", one["kind"]),
                    severity=cast("Severity", one["severity"]),
                    message=cast("str", one["message"]),
                    count=cast("int", one["count"]),
                    ids=tuple(cast("list[str]", one["ids"])),
                    path=cast("str | None", one["path"]),
                )
                for one in findings
            ),
        )

    def to_text(self) -> str:
        """The report as aligned columns for a terminal, with a line that sums it up."""
        cells = [
            (one.severity, one.kind, one.path or "-", f"{one.count:,}") for one in self.findings
        ]
        heads = aligned_lines([("severity", "finding", "field", "rows"), *cells], align="lllr")
        lines = heads[:1]
        for head, one in zip(heads[1:], self.findings, strict=True):
            rows = f" (rows {_shown_ids(one.ids)})" if one.ids else ""
            lines += [head, f"    {' '.join(one.message.split())}{rows}"]
        return "\n".join([*(lines if self.findings else []), self.summary()])

    def to_markdown(self) -> str:
        """The report as a Markdown table, with a line that sums it up."""
        rows = [
            (
                one.severity,
                one.kind,
                one.path or "",
                f"{one.count:,}",
                one.message,
                _shown_ids(one.ids),
            )
            for one in self.findings
        ]
        headers = ("severity", "finding", "field", "count", "what", "rows")
        table = markdown_table(headers, rows, align="lllrll") if rows else ""
        return paragraphs([table, self.summary()])

    def summary(self) -> str:
        """One line: rows, errors, warnings."""
        against = "" if self.against_n is None else f" against {self.against_n}"
        errors = len(self.errors)
        warnings = len(self.findings) - errors
        return (
            f"{self.contract}: {self.n} rows{against}: {errors} error{'s' * (errors != 1)}, "
            f"{warnings} warning{'s' * (warnings != 1)}"
        )


def _shown_ids(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(ids[:_SHOWN_IDS]) + more
