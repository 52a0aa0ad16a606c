"""The self-contained HTML page of one or more reports."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from schemalora.attribution import Attribution
from schemalora.compliance import Comparison, ComplianceReport
from schemalora.compliance.markdown import against_baseline
from schemalora.errors import PairingError, UsageError
from schemalora.extras import require_extra
from schemalora.jsonl import atomic_write
from schemalora.reporting.curve import LearningCurve
from schemalora.reporting.page import page_view


def write_html(
    reports: Mapping[str, ComplianceReport] | ComplianceReport,
    path: str | Path,
    *,
    title: str | None = None,
    attribution: Attribution | None = None,
    learning_curve: LearningCurve | None = None,
) -> Path:
    """Writes one HTML file that holds everything and asks nothing of any server.

    Args:
        reports: arm name → report, all of one contract; the first is the baseline. Or one report.
        path: where to.
        title: of the page; the contract's name where None.
        attribution: of the same arms; its verdict becomes the headline.
        learning_curve: shown where there is one.

    Returns:
        The path.

    Raises:
        UsageError: no reports.
        PairingError: reports of different contracts.
        MissingExtraError: jinja2 is not installed.
    """
    arms = {reports.contract_name: reports} if isinstance(reports, ComplianceReport) else reports
    if not arms:
        raise UsageError("a page needs at least one report")
    require_extra("a page", "report", "jinja2")
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_read),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    comparisons, unpaired = _comparisons(arms)
    page = page_view(
        arms,
        comparisons,
        unpaired=unpaired,
        title=title,
        attribution=attribution,
        curve=learning_curve,
    )
    # The one text that the template must not escape again; `page_view` made it safe in a script.
    page["rows_json"] = Markup(page["rows_json"])
    text = environment.get_template("report.html.j2").render(
        page=page, style=Markup(_read("style.css")), script=Markup(_read("script.js"))
    )
    with atomic_write(path) as file:
        # Lone surrogates, which a broken text may hold, have no place in UTF-8.
        file.write(text.encode("utf-8", "replace").decode("utf-8"))
    return Path(path)


def _read(name: str) -> str:
    return (files("schemalora.reporting") / "templates" / name).read_text(encoding="utf-8")


def _comparisons(
    arms: Mapping[str, ComplianceReport],
) -> tuple[dict[str, Comparison], list[str]]:
    """Each arm against the first, and why where that cannot be.

    Raises:
        PairingError: reports of different contracts.
    """
    (baseline, first), *others = arms.items()
    for name, report in others:
        if report.contract_fingerprint != first.contract_fingerprint:
            raise PairingError(f"{name} was scored under another contract than {baseline}")
    return against_baseline(arms, baseline)
