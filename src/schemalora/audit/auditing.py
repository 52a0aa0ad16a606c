"""Audits anybody's rows of text and target against a contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from schemalora.audit.content import ContentCheck
from schemalora.audit.coverage import CoverageCheck
from schemalora.audit.leakage import LeakageCheck
from schemalora.audit.report import FINDING_KINDS, AuditFinding, AuditReport, FindingKind
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.records import Example


def audit(
    examples: Iterable[Example],
    contract: Contract,
    against: Iterable[Example] | None = None,
    *,
    count_tokens: Callable[[str], int] | None = None,
    max_tokens: int | None = None,
    ignore: Iterable[FindingKind] = (),
) -> AuditReport:
    """Looks for what makes a data set teach the wrong thing, or test nothing.

    Kinds of findings: `invalid_target` (the contract refuses it), `ungrounded_value` (an extracted
    value that is not in the text), `conflicting_targets` (one text, different targets),
    `duplicate_text`, `verbatim_leak` and `skeleton_leak` (the text, or the text with values and
    digits masked, stands in `against` as well), `uncovered_cell` (a value class that no row has),
    `imbalance`, `oversized` (more tokens than fit).

    Streams both sets; what is kept is a hash or two a row.

    Args:
        examples: the set to audit; only `text` and `target` matter.
        contract: what the targets must satisfy.
        against: the other side of a split, such as the training set of an eval set.
        count_tokens: counts the tokens of a text.
        max_tokens: the most tokens that text and target may have together.
        ignore: kinds to leave out.

    Returns:
        The findings, errors first, each with its count, its rows and an instance.

    Raises:
        UsageError: only one of `count_tokens` and `max_tokens`, an unknown kind, no rows.
    """
    if (count_tokens is None) != (max_tokens is None):
        raise UsageError("oversized rows are found with both count_tokens and max_tokens")
    ignored = set(ignore)
    if unknown := sorted(ignored - set(FINDING_KINDS)):
        raise UsageError(f"no finding kind {unknown[0]!r} (known: {', '.join(FINDING_KINDS)})")
    content = ContentCheck(contract, count_tokens, max_tokens)
    coverage = CoverageCheck(contract)
    leakage = LeakageCheck(contract)
    against_n = None if against is None else leakage.remember(against)
    n = 0
    for example in examples:
        n += 1
        content.add(example)
        coverage.add(example)
        leakage.add(example)
    if n == 0:
        raise UsageError("there are no rows to audit")
    found = [*content.findings(), *leakage.findings(), *coverage.findings()]
    return AuditReport(
        contract=contract.name,
        fingerprint=contract.fingerprint,
        n=n,
        against_n=against_n,
        findings=tuple(sorted((one for one in found if one.kind not in ignored), key=_order)),
    )


def _order(finding: AuditFinding) -> tuple[bool, int]:
    return finding.severity != "error", FINDING_KINDS.index(finding.kind)
