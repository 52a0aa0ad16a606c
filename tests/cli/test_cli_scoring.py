"""`evaluate`, `compare` and `attribute` through the command's own entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import customer_support.ticket
from schemalora.cli import main
from schemalora.cli.arguments import check_outputs
from schemalora.compliance import ComplianceReport
from schemalora.records import write_examples, write_predictions
from tickets import CONTRACT, examples, predictions

TICKET = f"{customer_support.ticket.__file__}:SupportTicket"
ROWS = examples(60)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command; gives its exit code, what it printed, and its errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["schemalora", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, printed.out, printed.err

    return call


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_examples(tmp_path / "examples.jsonl", ROWS)
    for name, spoilt in (("base", 0.7), ("constrained", 0.4), ("lora", 0.1), ("both", 0.05)):
        answers = predictions(ROWS, spoilt=spoilt, seed=len(name))
        write_predictions(tmp_path / f"{name}.jsonl", answers)
    return tmp_path


def scored(run, files: Path, name: str, *options: object) -> tuple[int, str, str]:
    return run(
        "evaluate", TICKET, files / "examples.jsonl", files / f"{name}.jsonl",
        "--output", files / f"{name}.json", *options,
    )  # fmt: skip


def test_evaluate_writes_and_prints_the_report(run, files: Path) -> None:
    code, out, _ = scored(
        run, files, "lora", "--html", files / "r.html", "--markdown", files / "r.md"
    )
    assert code == 0
    report = ComplianceReport.load(files / "lora.json")
    assert report.n == 60
    assert report.contract_fingerprint == CONTRACT.fingerprint
    assert out.strip() == report.to_markdown().strip()
    assert (files / "r.md").read_text() == report.to_markdown()
    assert "<!doctype html>" in (files / "r.html").read_text()


def test_the_gate_exits_with_one_below_and_zero_above(run, files: Path) -> None:
    code, out, _ = scored(
        run, files, "lora", "--require", "valid_json>=0.5", "--require", "$.intent>=50%"
    )
    assert code == 0
    assert "passed: $.intent>=0.5" in out
    code, out, _ = scored(
        run, files, "lora", "--require", "valid_json>=0.5", "--require", "lower(valid_json)>=0.999"
    )
    assert code == 1
    assert "failed: lower(valid_json)>=0.999" in out
    assert (files / "lora.json").exists()


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        ("valid_json", "cannot read the requirement"),
        ("accuracy>=0.5", "the contract has no metric or field 'accuracy'"),
    ],
)
def test_a_mistyped_requirement_is_wrong_use(
    run, files: Path, requirement: str, message: str
) -> None:
    code, _, err = scored(run, files, "lora", "--require", requirement)
    assert code == 2
    assert message in err


def test_routes_say_how_many_rows_a_person_would_check(run, files: Path) -> None:
    answers = [
        replace(one, confidence=dict.fromkeys(CONTRACT.fields, 0.5 + i / 200))
        for i, one in enumerate(predictions(ROWS, spoilt=0.2))
    ]
    write_predictions(files / "told.jsonl", answers)
    code, out, _ = scored(
        run, files, "told", "--route", "$.intent>=0.9", "--route", "$.priority>=0"
    )
    assert code == 0
    assert "route $.intent>=0.9: from confidence 0." in out
    assert "of 60 rows" in out
    assert "Held out by group: " in out
    assert "route all 2 together: a person has to check" in out
    code, out, err = scored(
        run, files, "lora", "--route", "$.intent>=0.9", "--require", "valid_json>=0.5"
    )
    assert (code, err.count("\n")) == (2, 1)
    assert "passed: valid_json>=0.5" in out
    assert "schemalora predict --confidence" in err


def test_routing_and_keep_rows_keep_the_rows_of_a_large_file(
    run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schemalora.cli.evaluate.MOST_ROWS_KEPT", 50)
    told = {"$.intent": 0.9}
    answers = [replace(one, confidence=told) for one in predictions(ROWS)]
    write_predictions(files / "told.jsonl", answers)
    _, out, _ = scored(run, files, "told")
    assert ComplianceReport.load(files / "told.json").rows is None
    assert "keep_rows=None (--keep-rows)" in out
    for options in (("--route", "$.intent>=0.9"), ("--keep-rows",)):
        assert scored(run, files, "told", *options)[0] == 0
        assert ComplianceReport.load(files / "told.json").rows is not None


@pytest.mark.parametrize("option", ["--require", "--route"])
def test_unknown_names_are_refused_before_scoring(run, files: Path, option: str) -> None:
    missing = files / "absent.jsonl"
    code, _, err = run("evaluate", TICKET, missing, missing, option, "intent>=0.9")
    assert code == 2
    assert "did you mean '$.intent'?" in err


def test_missing_predictions_are_refused_or_scored_as_wrong(run, files: Path) -> None:
    write_predictions(files / "few.jsonl", predictions(ROWS)[:50])
    code, _, err = scored(run, files, "few")
    assert code == 2
    assert err.startswith("error: 10 of 60 examples have no prediction (ex-00050, ")
    assert err.count("\n") == 1
    code, out, _ = scored(run, files, "few", "--allow-missing")
    assert code == 0
    assert "10 of 60 examples have no prediction" in out


def test_compare_prints_flips_and_writes_json(run, files: Path) -> None:
    scored(run, files, "base")
    scored(run, files, "lora")
    code, out, _ = run(
        "compare", files / "base.json", files / "lora.json", "--names", "base", "lora",
        "--output", files / "c.json", "--html", files / "c.html",
    )  # fmt: skip
    assert code == 0
    assert "lora against base (n=60 pairs)" in out
    written = json.loads((files / "c.json").read_text())
    assert written["metrics"]["exact_match"]["only_b"]
    assert "the difference to base" in (files / "c.html").read_text()


def test_compare_can_be_a_gate_against_regressions(run, files: Path) -> None:
    scored(run, files, "base")
    scored(run, files, "lora")
    better = ("compare", files / "base.json", files / "lora.json", "--not-worse", "exact_match")
    worse = ("compare", files / "lora.json", files / "base.json", "--not-worse", "exact_match")
    assert run(*better)[0] == 0
    code, out, _ = run(*worse)
    assert code == 1
    assert "failed: b is significantly worse than a in exact_match" in out
    code, _, err = run(*better[:-1], "accuracy")
    assert code == 2
    assert "no metric or field 'accuracy'" in err


def test_outputs_overwrite_nothing_that_is_read(run, files: Path) -> None:
    scored(run, files, "lora")
    before = {path: path.read_bytes() for path in files.iterdir()}
    rows, answers, report = (files / name for name in ("examples.jsonl", "lora.jsonl", "lora.json"))
    (files / "contract.json").write_text(json.dumps(CONTRACT.to_dict()))
    before[files / "contract.json"] = (files / "contract.json").read_bytes()
    for command in (
        ("evaluate", TICKET, rows, answers, "-o", answers),
        ("evaluate", TICKET, rows, answers, "-o", files / "r.json", "--markdown", rows),
        ("contract", files / "contract.json", "-o", files / "contract.json"),
        ("compare", report, report, "--names", "a", "b", "--html", report),
        ("attribute", report, report, report, report, "-o", report),
        ("audit", TICKET, rows, "-o", rows),
        ("format", TICKET, rows, "-o", rows),
        ("predict", "base", rows, "-o", rows),
    ):
        code, _, err = run(*command)
        assert (code, "would overwrite what is read" in err) == (2, True), (command, err)
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_pipes_may_be_given_twice(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_outputs((pipe, pipe), inputs=(pipe,))


def test_names_that_are_the_same_are_refused(run, files: Path) -> None:
    scored(run, files, "base")
    scored(run, files, "lora")
    code, _, err = run(
        "compare", files / "base.json", files / "lora.json", "--names", "x", "x",
        "--html", files / "c.html",
    )  # fmt: skip
    assert (code, "both are called 'x'" in err) == (2, True)
    assert not (files / "c.html").exists()


def test_a_missing_learning_curve_is_refused_before_scoring(run, files: Path) -> None:
    code, _, err = scored(
        run, files, "lora", "--html", files / "r.html", "--learning-curve", files / "nowhere"
    )
    assert (code, "nowhere: cannot be read" in err) == (2, True)
    assert not (files / "lora.json").exists()


def test_attribute_gives_a_verdict(run, files: Path) -> None:
    for name in ("base", "constrained", "lora", "both"):
        scored(run, files, name)
    arms = [files / f"{name}.json" for name in ("base", "constrained", "lora", "both")]
    code, out, _ = run("attribute", *arms, "--output", files / "a.json", "--html", files / "a.html")
    assert code == 0
    written = json.loads((files / "a.json").read_text())
    assert written["verdict"]["headline"] in out
    assert written["verdict"]["headline"] in (files / "a.html").read_text()


@pytest.mark.parametrize("content", ["", "{}", "[1]"])
def test_files_that_are_no_reports_are_wrong_use(run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "no.json"
    path.write_text(content)
    code, _, err = run("compare", path, path)
    assert code == 2
    assert str(path) in err


def test_the_installed_command_runs(files: Path) -> None:
    command = [
        sys.executable, "-c", "from schemalora.cli import main; main()",
        "evaluate", TICKET, str(files / "examples.jsonl"), str(files / "absent.jsonl"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "absent.jsonl" in done.stderr
