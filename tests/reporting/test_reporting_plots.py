"""The static plot: a PNG and an SVG that show every metric and field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from schemalora.compliance import evaluate
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.records import Example, Prediction
from schemalora.reporting import write_plot, write_reliability_plot
from tickets import CONTRACT, examples, predictions

ROWS = examples(60)


def test_both_files_are_written_and_show_every_rate(tmp_path: Path) -> None:
    reports = {
        name: evaluate(CONTRACT, ROWS, predictions(ROWS, spoilt=spoilt))
        for name, spoilt in (("base", 0.7), ("lora $x_1^2$", 0.1))
    }
    png, svg = write_plot(reports, tmp_path / "runs" / "result.png")
    assert png.read_bytes().startswith(b"\x89PNG\r\n")
    text = svg.read_text(encoding="utf-8")
    words = [node.text or "" for node in ElementTree.fromstring(text).iter() if node.text]
    for path in CONTRACT.fields:
        assert path in words
    for report in reports.values():
        assert f"{100 * report.metrics['exact_match'].rate:.1f}%" in words
    assert "lora $x_1^2$ (n=60)" in words
    before = svg.read_bytes()
    write_plot(reports, tmp_path / "runs" / "result.png")
    assert svg.read_bytes() == before


def test_many_fields_are_drawn_as_far_as_they_can_be_read(tmp_path: Path) -> None:
    names = [f"field_{i}" for i in range(300)]
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    contract = Contract.from_json_schema(schema, name="Wide")
    row = Example("text", dict.fromkeys(names, 1), id="a")
    report = evaluate(contract, [row], [Prediction("a", "{}")])
    _, svg = write_plot({"one": report}, tmp_path / "wide.png")
    text = svg.read_text(encoding="utf-8")
    assert "$.field_59" in text
    assert "$.field_60" not in text
    assert "240 more fields are not drawn" in text


def test_no_reports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one report"):
        write_plot({}, tmp_path / "result.png")


def test_reliability_is_drawn_for_each_field_and_refused_without_confidences(
    tmp_path: Path,
) -> None:
    rows = ROWS
    answers = predictions(rows, spoilt=0.1)
    told = {"$.intent": 0.9, "$.priority": 0.7}
    report = evaluate(CONTRACT, rows, [replace(one, confidence=told) for one in answers])
    png, svg = write_reliability_plot(report, tmp_path / "reliability.png")
    text = svg.read_text()
    assert "$.intent" in text
    assert "$.priority" in text
    assert f"ECE {100 * report.calibration['$.intent'].error:.1f} points" in text
    assert png.stat().st_size > 10_000
    again = write_reliability_plot(report, tmp_path / "again.png")[1]
    assert again.read_bytes() == svg.read_bytes()
    with pytest.raises(UsageError, match="predict with confidence=True"):
        write_reliability_plot(evaluate(CONTRACT, rows, answers), tmp_path / "no.png")
