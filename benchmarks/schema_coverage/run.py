"""How many models and schemas each tool can make instances of.

    python -m benchmarks.schema_coverage.run [--path DIR] [--every 1] [--seconds 5]
        [--corpora openai mcp mcp_types keywords] [--tools ...] [--log FILE] [--before DIR]

The subjects are every model class of the packages openai and mcp, and the schemas of
`tests/keyword_cases.py`, which cover every keyword. A subject counts as done when a tool gives 20
distinct instances, or all there are, within the limit of processor time, and none that the model
itself (for schemas: jsonschema-rs without formats) refuses. Rates are over the subjects that have
an instance: those of which some tool gave a valid one.

Each judgement is appended to the log, and what is in the log is not run again: break a run off and
take it up as you like. The packages and the other tools are optional; `--path` is a folder that is
searched last for them. A tool that does not run with the installed hypothesis is run by itself,
with `--before` a folder that holds another version; the result names the versions of each tool.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ABOUT = "about"
"""Log rows with this in place of a corpus say how a tool was run on the corpus."""
LOG = ROOT / ".cache" / "schema_coverage.jsonl"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th subject")
    parser.add_argument("--seconds", type=float, default=5.0, help="time limit of one subject")
    parser.add_argument("--tools", nargs="*", help="all where not given")
    parser.add_argument("--corpora", nargs="*", default=["openai", "mcp", "mcp_types", "keywords"])
    parser.add_argument("--path", help="a folder with the packages, searched last")
    parser.add_argument("--before", help="a folder with other versions, searched first")
    parser.add_argument("--log", type=Path, default=LOG, help="the JSONL file of judgements")
    return parser.parse_args()


def judge_all(chosen: argparse.Namespace) -> None:
    """Appends to the log what it lacks."""
    from benchmarks.schema_coverage.corpora import KEYWORDS, corpus
    from benchmarks.schema_coverage.tools import TOOLS
    from benchmarks.schema_coverage.workers import Log, run_tool

    log = Log(chosen.log)
    for name in chosen.corpora:
        try:
            subjects = corpus(name)
        except ImportError:
            print(f"{name}: not installed", flush=True)
            continue
        taken = {one: subjects[one] for one in list(subjects)[:: chosen.every]}
        for tool_name in chosen.tools or TOOLS:
            tool = TOOLS[tool_name]
            if not tool.installed or (name == KEYWORDS and not tool.schemas):
                continue
            about = {"every": chosen.every, "cpu_seconds": chosen.seconds, **tool.versions()}
            log.add((ABOUT, tool_name, name), about)
            run_tool(log, name, tool_name, tool, taken, chosen.seconds)
            print(name, len(taken), tool_name, "done", flush=True)


def numbers_of(rows: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """Counts by corpus and tool, over all packages too; rates where there is an instance."""
    from benchmarks.schema_coverage.corpora import KEYWORDS

    groups: dict[str, dict[str, dict[str, Mapping[str, Any]]]] = {}
    for (corpus, tool, subject), row in rows.items():
        if corpus == ABOUT:
            continue
        for group in (corpus, *(["all packages"] if corpus != KEYWORDS else [])):
            groups.setdefault(group, {}).setdefault(tool, {})[f"{corpus} {subject}"] = row
    return {group: _group_numbers(tools) for group, tools in groups.items()}


def _group_numbers(tools: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    from benchmarks.schema_coverage.judging import GOOD

    judged = [(subject, row) for found in tools.values() for subject, row in found.items()]
    inhabited = {
        subject for subject, row in judged if row["distinct"] and row["outcome"] != "invalid"
    }
    numbers: dict[str, Any] = {
        "subjects": len({subject for subject, _ in judged}),
        "with_an_instance": len(inhabited),
    }
    for tool, found in tools.items():
        counted = [row["outcome"] for subject, row in found.items() if subject in inhabited]
        good = sum(outcome in GOOD for outcome in counted)
        outcomes = collections.Counter(row["outcome"] for row in found.values())
        numbers[tool] = {
            "good": good,
            "n": len(counted),
            "rate": round(good / len(counted), 4) if counted else None,
            "outcomes": dict(sorted(outcomes.items())),
        }
    return numbers


def main() -> None:
    chosen = options()
    sys.path[:0] = [str(ROOT), *([chosen.before] if chosen.before else [])]
    if chosen.path:
        sys.path.append(chosen.path)
    warnings.simplefilter("ignore")
    from benchmarks.result import write_result
    from benchmarks.schema_coverage.judging import WANTED
    from benchmarks.schema_coverage.workers import Log

    judge_all(chosen)
    rows = Log(chosen.log).rows()
    numbers = numbers_of(rows)
    config: dict[str, Any] = {"wanted": WANTED}
    for (kind, tool, corpus), row in rows.items():
        if kind == ABOUT:
            about = {key: row[key] for key in row.keys() - {"corpus", "tool", "subject"}}
            config.setdefault(tool, {})[corpus] = dict(sorted(about.items()))
    write_result("schema_coverage", numbers=numbers, config=config)
    print(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
