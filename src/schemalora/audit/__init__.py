"""Audits data sets: what would teach the wrong thing, or test nothing."""

from schemalora.audit.auditing import audit
from schemalora.audit.report import (
    FINDING_KINDS,
    AuditReport,
    Finding,
    FindingKind,
    Severity,
)

__all__ = ["FINDING_KINDS", "AuditReport", "Finding", "FindingKind", "Severity", "audit"]
