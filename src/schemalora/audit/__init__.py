"""Audits data sets: what would teach the wrong thing, or test nothing."""

import sys
from types import ModuleType
from typing import Any

from schemalora.audit.auditing import audit
from schemalora.audit.report import (
    FINDING_KINDS,
    AuditFinding,
    AuditReport,
    FindingKind,
    Severity,
)

__all__ = ["FINDING_KINDS", "AuditFinding", "AuditReport", "FindingKind", "Severity", "audit"]


class _CallableModule(ModuleType):
    """`schemalora.audit` names this package and the function in it; so both can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> AuditReport:
        return audit(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
