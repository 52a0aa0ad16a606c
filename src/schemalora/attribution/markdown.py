"""An attribution as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemalora.attribution.arms import ARM_TITLES, ARMS
from schemalora.compliance.markdown import METRIC_TITLES
from schemalora.compliance.rate import percent, points
from schemalora.compliance.tables import code, markdown_table, paragraphs

if TYPE_CHECKING:
    from schemalora.attribution.effects import Attribution, Effect, Share


def attribution_markdown(attribution: Attribution) -> str:
    """The verdict, its reasons, and a table of arms and shares."""
    effects = {**attribution.metrics, **attribution.fields}
    parts = [
        f"### {code(attribution.contract_name)}: who earned what (n={attribution.n:,})",
        f"**{attribution.verdict.headline}**",
        "\n".join(f"- {reason}" for reason in attribution.verdict.reasons),
        markdown_table(
            ("", *(ARM_TITLES[arm] for arm in ARMS), "grammar's share", "adapter's share"),
            [_row(METRIC_TITLES.get(name, code(name)), one) for name, one in effects.items()],
        ),
        "Shares in points with 95% intervals, the wider of a bootstrap of whole groups and score "
        "intervals; the two sum to the whole change from the first arm to the last.",
    ]
    return paragraphs(parts)


def _row(title: str, effect: Effect) -> tuple[str, ...]:
    return (
        title,
        *(percent(effect.rates[arm].rate) for arm in ARMS),
        _share(effect.grammar),
        _share(effect.adapter),
    )


def _share(share: Share) -> str:
    return f"{points(share.difference)} [{points(share.ci95.low)}, {points(share.ci95.high)}]"
