"""Writes the data set's statistics and plots into its documentation page.

    python examples/customer_support/describe.py

Builds both sets, counts them, and replaces what stands between the markers of
docs/customer-support-data.md; the plots go to docs/assets.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs as a script, too

from customer_support.dataset import build_dataset, support_contract
from customer_support.rules import INTENTS, PRIORITIES
from schemalora.audit import audit
from schemalora.grounding import Extraction, skeleton
from schemalora.jsonl import atomic_write
from schemalora.jsonvalue import canonical_json
from schemalora.records import Example
from schemalora.sampling import cells

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "customer-support-data.md"
BEGIN, END = "<!-- statistics -->", "<!-- /statistics -->"
SIDES = ("train", "eval")
COLOURS = {"train": "#4c78a8", "eval": "#f58518"}

Sets = dict[str, list[Example]]


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers are right-aligned."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def length(row: Example) -> int:
    """Words of a text."""
    return len(row.text.split())


def overview(sets: Sets) -> str:
    """Sizes, templates, skeletons and lengths of both sides."""
    extraction = Extraction(support_contract())

    def count(measure: Callable[[list[Example]], object]) -> list[object]:
        return [measure(sets[side]) for side in SIDES]

    def quantile(share: float) -> Callable[[list[Example]], object]:
        return lambda rows: sorted(map(length, rows))[round(share * (len(rows) - 1))]

    def templates(rows: list[Example]) -> int:
        # A message that is nothing but an attack has the attack for its group, and no template.
        groups = {part for row in rows for part in row.group.split("+")}
        return sum(not group.partition("/")[2].startswith("injection") for group in groups)

    def skeletons(rows: list[Example]) -> int:
        return len({skeleton(row.text, extraction.texts(row.target)) for row in rows})

    return table(
        ("", *SIDES),
        [
            ("rows", *count(len)),
            ("templates", *count(templates)),
            ("distinct skeletons", *count(skeletons)),
            (
                "rows without any perturbation",
                *count(lambda r: sum(not x.perturbations for x in r)),
            ),
            ("words, shortest", *count(quantile(0))),
            ("words, 5%", *count(quantile(0.05))),
            ("words, median", *count(quantile(0.5))),
            ("words, 95%", *count(quantile(0.95))),
            ("words, longest", *count(quantile(1))),
        ],
    )


def digest(rows: Iterable[Example]) -> str:
    """SHA-256 of the file that `write_examples` writes."""
    sha = hashlib.sha256()
    for row in rows:
        sha.update(f"{canonical_json(row.to_dict())}\n".encode())
    return sha.hexdigest()


def digests(sets: Sets) -> str:
    """The SHA-256 of both files, by which a copy can be checked."""
    lines = [f"{digest(sets[side])}  {side}.jsonl" for side in SIDES]
    return "\n".join(("```text", *lines, "```"))


def cell_table(sets: Sets) -> str:
    """Rows of every coverage cell."""
    rows: list[tuple[object, ...]] = []
    for cell in cells(support_contract()):
        counts = [sum(cell.matches(row.target) for row in sets[side]) for side in SIDES]
        rows.append((f"`{cell.path}` {cell.label}", *counts))
    return table(("cell", *SIDES), rows)


def slice_table(sets: Sets) -> str:
    """Rows that carry each perturbation."""
    counts = {
        side: Counter(name for row in sets[side] for name in row.perturbations) for side in SIDES
    }
    names = sorted(counts["train"].keys() | counts["eval"].keys())
    return table(
        ("what was done", *SIDES), [(name, *(counts[s][name] for s in SIDES)) for name in names]
    )


def audits(sets: Sets) -> str:
    """What the audits of both sides say."""
    contract = support_contract()
    reports = (audit(sets["train"], contract), audit(sets["eval"], contract, sets["train"]))
    return "\n".join(("```text", *(report.to_text() for report in reports), "```"))


def draw_plots(sets: Sets) -> None:
    """Draws lengths, classes and slices, as SVG with the same bytes for the same data."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "schemalora", "font.size": 9, "figure.dpi": 100}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.2), width_ratios=(1.1, 1, 1.3))
    edges = [*range(0, 130, 5), 260]
    for side in SIDES:
        values = [min(length(row), 129) for row in sets[side]]
        weights = [100 / len(values)] * len(values)
        axes[0].hist(
            values, edges[:-1], weights=weights, alpha=0.6, label=side, color=COLOURS[side]
        )
    axes[0].set(
        title="words of a message", xlabel="words (130 and more in the last)", ylabel="% of rows"
    )
    axes[0].legend(frameon=False)
    _bars(axes[1], sets, "intent and priority", [*INTENTS, *PRIORITIES], _classes)
    kinds = (
        "clean",
        "multi_intent",
        "injection",
        "missing_information",
        "typos",
        "distractors",
        "other noise",
    )
    _bars(axes[2], sets, "what was done to the text", kinds, _kind)
    figure.tight_layout()
    (DOCS / "assets").mkdir(exist_ok=True)
    figure.savefig(DOCS / "assets" / "customer-support-data.svg", metadata={"Date": None})


def _classes(row: Example) -> tuple[str, ...]:
    assert isinstance(row.target, dict)
    return str(row.target["intent"]), str(row.target["priority"])


def _kind(row: Example) -> tuple[str, ...]:
    if not row.perturbations:
        return ("clean",)
    names = {name.partition(":")[0] for name in row.perturbations}
    known = ("multi_intent", "injection", "missing_information", "typos", "distractors")
    return tuple(name for name in known if name in names) or ("other noise",)


def _bars(
    axis: Any,
    sets: Sets,
    title: str,
    names: Sequence[str],
    classify: Callable[[Example], tuple[str, ...]],
) -> None:
    for offset, side in ((0.2, "train"), (-0.2, "eval")):
        counts = Counter(name for row in sets[side] for name in classify(row))
        widths = [100 * counts[name] / len(sets[side]) for name in names]
        places = [len(names) - at + offset for at in range(len(names))]
        axis.barh(places, widths, 0.38, label=side, color=COLOURS[side], alpha=0.8)
    axis.set_yticks([len(names) - at for at in range(len(names))], names)
    axis.set(title=title, xlabel="% of rows")


def main() -> None:
    """Rewrites the page's statistics and its plots."""
    train, held_out = build_dataset()
    sets = {"train": train, "eval": held_out}
    parts = (
        overview(sets),
        "![Lengths, classes and slices of both sets](assets/customer-support-data.svg)",
        "SHA-256 of the files:",
        digests(sets),
        "### Cells",
        cell_table(sets),
        "### Slices",
        slice_table(sets),
        "### Audit",
        audits(sets),
    )
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    with atomic_write(PAGE) as file:
        file.write(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")
    draw_plots(sets)


if __name__ == "__main__":
    main()
