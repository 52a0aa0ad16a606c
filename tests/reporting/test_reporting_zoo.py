"""Reports of every schema of the zoo are scored, written, read back, printed and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

import zoo
from schemalora.compliance import ComplianceReport, compare, evaluate
from schemalora.contract import Contract
from schemalora.records import Example, Prediction
from schemalora.reporting import write_html
from schemalora.sampling import sample

CONTRACTS = [
    *((getattr(one, "__name__", str(one)), one) for one in zoo.MODELS),
    *zoo.SCHEMAS.items(),
]


def contract_of(source: Any) -> Contract:
    if isinstance(source, (dict, bool)):
        return Contract.from_json_schema(source, name="Schema")
    return Contract.from_model(source)


def answers(contract: Contract, targets: list[Any]) -> list[str]:
    """Right answers, each with another fault: fenced, of another row, cut, nothing like it."""
    texts = [contract.encode(target) for target in targets]
    return [texts[0], f"```\n{texts[1]}\n```", texts[0], texts[3][:-1], '{"a":[1,{"b":null}]}', "7"]


@pytest.mark.parametrize(("name", "source"), CONTRACTS, ids=[name for name, _ in CONTRACTS])
def test_every_contract_has_its_reports(name: str, source: Any, tmp_path: Path) -> None:
    contract = contract_of(source)
    targets = list(sample(contract, 6, 1))
    rows = [Example(f"text {i}", target, id=str(i)) for i, target in enumerate(targets)]
    right = [Prediction(row.id, contract.encode(row.target)) for row in rows]
    wrong = [
        Prediction(row.id, text) for row, text in zip(rows, answers(contract, targets), strict=True)
    ]
    good, bad = evaluate(contract, rows, right), evaluate(contract, rows, wrong)
    assert {rate.count for rate in {**good.metrics, **good.fields}.values()} == {6}
    assert bad.metrics["valid_json"].count <= 5
    for report in (good, bad):
        assert ComplianceReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
        assert report.to_markdown()
        counts = [
            report.metrics[one].count for one in ("valid_json", "schema_compliant", "exact_match")
        ]
        assert counts == sorted(counts, reverse=True)
    for path, rate in good.fields.items():
        assert rate.count >= bad.fields[path].count
    assert compare(bad, good, resamples=50).to_markdown()
    page = write_html({"bad": bad, "good": good}, tmp_path / "page.html").read_text()
    assert all(str(escape(path)) in page for path in contract.fields)
