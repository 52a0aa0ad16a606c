from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import schemalora
from schemalora.audit import AuditFinding, AuditReport, audit
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.records import Example, write_examples

SCHEMA = {
    "type": "object",
    "properties": {"v": {"type": "string"}},
    "required": ["v"],
    "additionalProperties": False,
}
ROWS = [
    Example(text=f"row {'ab'[at]}{'cd'[at]} has V{at}", target={"v": f"V{at}"}, id=str(at))
    for at in range(2)
]
BAD = Example(text="a | pipe\nand a line", target={"v": "absent"}, id="bad")


@pytest.fixture
def report() -> AuditReport:
    return audit([*ROWS, BAD], Contract.from_json_schema(SCHEMA, name="Thing"))


def test_the_package_can_be_called_by_its_name():
    assert schemalora.audit(ROWS, Contract.from_json_schema(SCHEMA)).ok


def test_reports_survive_the_disk(report: AuditReport, tmp_path: Path):
    report.save(tmp_path / "audit.json")
    assert AuditReport.load(tmp_path / "audit.json") == report
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UsageError, match="not an audit report"):
        AuditReport.load(tmp_path / "other.json")


def test_text_and_markdown_show_what_where_and_how_often(report: AuditReport):
    text = report.to_text()
    assert "ungrounded_value" in text
    assert "$.v" in text
    assert "rows bad" in text
    assert text.endswith("Thing: 3 rows: 1 error, 0 warnings")
    (line,) = [line for line in report.to_markdown().splitlines() if "ungrounded" in line]
    assert line.count("|") - line.count("\\|") == 7
    assert audit(ROWS, Contract.from_json_schema(SCHEMA)).to_text().count("\n") == 0


def test_counts_name_every_kind(report: AuditReport):
    assert report.counts()["ungrounded_value"] == 1
    assert report.counts()["oversized"] == 0


def test_ids_beyond_three_are_counted():
    finding = AuditFinding("invalid_target", "error", "m", 5, tuple("abcde"))
    assert "a, b, c and 2 more" in AuditReport("T", "f", 5, None, (finding,)).to_text()


def schemalora_command(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "schemalora", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_exits_with_one_on_errors(tmp_path: Path):
    (tmp_path / "thing.json").write_text(json.dumps(SCHEMA))
    write_examples(tmp_path / "good.jsonl", ROWS)
    write_examples(tmp_path / "bad.jsonl", [*ROWS, BAD])
    good = schemalora_command("audit", "thing.json", "good.jsonl", folder=tmp_path)
    assert (good.returncode, good.stdout.strip()) == (0, "thing: 2 rows: 0 errors, 0 warnings")
    bad = schemalora_command(
        "audit",
        "thing.json",
        "bad.jsonl",
        "--against",
        "good.jsonl",
        "--json",
        "-o",
        "out.json",
        folder=tmp_path,
    )
    assert bad.returncode == 1
    assert {one["kind"] for one in json.loads(bad.stdout)["findings"]} == {
        "ungrounded_value",
        "verbatim_leak",
    }
    assert AuditReport.load(tmp_path / "out.json").to_dict() == json.loads(bad.stdout)


def test_rows_that_cannot_be_read_are_named_by_file_and_line(tmp_path: Path):
    (tmp_path / "thing.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "rows.jsonl").write_text('{"text":"a","target":{}}\n{"text":"a","targets":{}}\n')
    done = schemalora_command(
        "audit", "thing.json", "rows.jsonl", "-o", "out.json", folder=tmp_path
    )
    assert done.returncode == 2
    assert "rows.jsonl:2: the key 'target' is missing" in done.stderr
    assert not (tmp_path / "out.json").exists()
