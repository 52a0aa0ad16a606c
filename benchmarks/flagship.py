"""The flagship's tables, from the result files of its runs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.tables import origin, read
from schemalora import ComplianceReport, compare
from schemalora.compliance import route
from schemalora.compliance.markdown import interval_words
from schemalora.compliance.rate import points
from schemalora.compliance.tables import markdown_table

FLAGSHIP = Path(__file__).resolve().parents[1] / "examples" / "customer_support" / "results"
LORA = FLAGSHIP / "cpu-full" / "reports" / "lora.json"
ARMS = {
    "base": "base",
    "base_constrained": "base + grammar",
    "lora": "LoRA",
    "lora_constrained": "LoRA + grammar",
}
METRICS = {
    "valid_json": "valid JSON",
    "schema_compliant": "schema-compliant",
    "exact_match": "exact match",
}
ROUTES = ("$.intent>=0.98", "exact_match>=0.95")


def flagship(preset: str) -> str:
    """The table of one preset of the flagship, as the run printed it."""
    folder = FLAGSHIP / preset
    run = read(folder / "run.json")
    if run is None:
        return f"*Not measured yet: `examples/customer_support/results/{preset}` holds no run.*"
    data, seconds = run["data"], run["seconds"]
    stages = ", ".join(f"{stage} {value:.0f} s" for stage, value in seconds.items())
    total = sum(seconds.values()) / 60
    peaks = [one["peak_memory_gib"] for one in run.get("stages", {}).values()]
    peak = max((one for one in peaks if one is not None), default=run.get("peak_memory_gib"))
    memory = f" The process held {peak} GiB at most." if peak else ""
    return (
        f"{(folder / 'report.md').read_text(encoding='utf-8').strip()}\n\n"
        f"Preset `{preset}`: base model `{run['base_model']}`, {data['train_rows']} training rows, "
        f"{data['eval_rows']} eval rows, seed {data['seed']}. {stages}: {total:.0f} min in all."
        f"{memory}\n\n"
        f"Measured at {origin(run)}.{computed_at(run)}"
    )


def computed_at(run: dict[str, Any]) -> str:
    """Which code computed what, where a run was gone on with by later code than began it."""
    stages = run.get("stages", {})
    if {made for one in stages.values() for made in one["commits"]} <= {run["commit"]}:
        return ""
    parts = ", ".join(f"{name} `{one['commits'][0]}`" for name, one in stages.items())
    apart = len({one["commits"][0] for name, one in stages.items() if name in ARMS}) > 1
    note = " The arms were not decoded at the same commit." if apart else ""
    return f" The run was resumed; what is scored there was computed at: {parts}.{note}"


def demo() -> str:
    return flagship("cpu")


def cpu_full() -> str:
    return flagship("cpu-full")


def cpu_full_short() -> str:
    """The four arms in a few columns: rates only."""
    folder = FLAGSHIP / "cpu-full"
    run = read(folder / "run.json")
    if run is None:
        return "*Not measured yet: `examples/customer_support/results/cpu-full` holds no run.*"
    reports = [ComplianceReport.load(folder / "reports" / f"{arm}.json") for arm in ARMS]
    names = METRICS | {path: f"`{path}`" for path in reports[0].fields}
    table = markdown_table(
        ("", *ARMS.values()),
        [(what, *(str(one.rate(name)) for one in reports)) for name, what in names.items()],
    )
    cut = ", ".join(
        f"{title} {one.generation.cut_off}"
        for title, one in zip(ARMS.values(), reports, strict=True)
        if one.generation.cut_off
    )
    bought = compare(reports[0], reports[2]).metrics["exact_match"]
    return (
        f"{table}\n\nRates over all {reports[0].n} rows {interval_words(reports)}; exact match "
        "leaves free text aside. LoRA is "
        f"{points(bought.difference)} [{points(bought.ci95.low)}, {points(bought.ci95.high)}] "
        "points of exact match above the base. All paired differences and their tests stand on "
        "[the flagship's page](docs/customer-support.md). Answers that met the limit of tokens, "
        f"and were cut off or brought to an end there: {cut or 'none'}. One run, one seed; "
        f"{sum(run['seconds'].values()) / 60:.0f} min in all, of which training took "
        f"{run['seconds']['train'] / 60:.0f}.\n\n"
        f"Measured at {origin(run)}.{computed_at(run)}"
    )


def cpu_full_errors() -> str:
    """Where the adapter's wrong intents and products of `cpu-full` lie."""
    report = read(LORA)
    if report is None:
        return "*Not measured yet.*"
    failures = report["failures"]["rows"]
    readable = [row for row in failures if not row["violations"]]
    wrong: dict[str, list[dict[str, Any]]] = {
        path: [row for row in readable if path in row["wrong"]]
        for path in ("$.intent", "$.entities.product")
    }
    templates = Counter(
        group for row in wrong["$.intent"] for group in row["slices"]["group"][0].split("+")
    )
    worst = [group for group, _ in templates.most_common(3)]
    hit = sum(
        bool(set(worst) & set(row["slices"]["group"][0].split("+"))) for row in wrong["$.intent"]
    )
    products = [
        (row["target"]["entities"]["product"], json.loads(row["completion"])["entities"]["product"])
        for row in wrong["$.entities.product"]
    ]
    missed = sum(answer is None for _, answer in products)
    shown = [pair for pair, _ in Counter(one for one in products if one[1]).most_common(2)]
    examples = ", ".join(f"`{target}` became `{answer}`" for target, answer in shown)
    return (
        f"Of {len(wrong['$.intent'])} wrong intents, {hit} are messages of three of the eval "
        f"templates ({', '.join(f'`{one}`' for one in worst)}), whose wording training never saw. "
        f"Of {len(products)} wrong products, {len(products) - missed} are names copied amiss "
        f"({examples}), and {missed} were not taken for a name. Not compliant, and not counted "
        f"here: {len(failures) - len(readable)}."
    )


def cpu_full_slices() -> str:
    """Exact match of the adapter by what was done to the text."""
    if not LORA.is_file():
        return "*Not measured yet.*"
    slices = ComplianceReport.load(LORA).slices["perturbation"]
    rows = [
        (f"`{name}`", str(found["exact_match"].n), str(found["exact_match"]))
        for name, found in sorted(
            slices.items(), key=lambda one: (one[1]["exact_match"].rate, one[0])
        )
    ]
    return (
        f"{markdown_table(('what was done to the text', 'rows', 'exact match'), rows)}\n\n"
        "LoRA alone. A row to which several things were done counts in each line. Wilson 95% "
        "intervals, as if rows were independent: rows of one template are not, so these are "
        "narrower than what they stand for."
    )


def cpu_full_routes() -> str:
    """How many rows a person would check for the rates that were aimed at."""
    if not LORA.is_file():
        return "*Not measured yet.*"
    lines = str(route(ComplianceReport.load(LORA), ROUTES)).splitlines()
    return "\n".join(f"- {line.removeprefix('route ')}" for line in lines)
