"""`schemalora contract` and `schemalora sample`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import zoo
from schemalora.cli.app import app
from schemalora.contract import Contract

RUN = CliRunner()


def output(*arguments: str) -> str:
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_contract_shows_instructions_and_fields(tmp_path: Path) -> None:
    text = output("contract", "zoo:Ticket", "-o", str(tmp_path / "c.json"))
    assert "intent: refund | cancel" in text
    assert "$.entities.order_id" in text
    assert "free_text" in text
    assert Contract.load(tmp_path / "c.json").fingerprint in text
    assert output("contract", str(tmp_path / "c.json")) == text


def test_contract_prints_one_thing_for_programs() -> None:
    assert json.loads(output("contract", "zoo:Ticket", "--json-schema"))["title"] == "Ticket"
    payload = json.loads(output("contract", "zoo:Ticket", "--response-format"))
    assert payload["json_schema"]["strict"] is True
    optional = json.loads(output("contract", "zoo:Ticket", "--json-schema", "--optional-keys"))
    assert "clarifying_question" not in optional["required"]


def test_contract_says_who_enforces_what() -> None:
    pytest.importorskip("llguidance")
    text = output("contract", "zoo:Validated", "--capabilities")
    assert any(line.split() == ["$.even", "_even", "validator"] for line in text.splitlines())
    assert "no constrained decoder" in output("contract", "zoo:Typed", "--capabilities")


def test_sample_prints_or_writes_targets(tmp_path: Path) -> None:
    lines = output("sample", "zoo:Ticket", "-n", "4", "--seed", "2").splitlines()
    assert len(lines) == 4
    contract = Contract.from_model(zoo.Ticket)
    assert all(contract.parse(line).compliant for line in lines)
    file = tmp_path / "targets.jsonl"
    assert "4 targets" in output("sample", "zoo:Ticket", "-n", "4", "--seed", "2", "-o", str(file))
    assert file.read_text(encoding="utf-8").splitlines() == lines


def test_predict_says_which_options_it_has() -> None:
    arguments = ("predict", "embedded", "none.jsonl", "-o", "out.jsonl")
    assert "No such option: -c" in refused(*arguments, "-c", "zoo:Ticket")
    styles = refused(*arguments, "--prompt-style", "long")
    assert all(style in styles for style in ("short", "instructions", "schema"))


def refused(*arguments: str) -> str:
    done = RUN.invoke(app, arguments, standalone_mode=False)
    assert isinstance(done.exception, typer.TyperException)
    return done.exception.format_message()
