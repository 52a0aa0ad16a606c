"""The command line through its real entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from customer_support.dataset import build_dataset
from schemalora import __version__, write_examples
from schemalora.records import Prediction, write_predictions
from tickets import CONTRACT as TICKETS

TICKET = "customer_support.ticket:SupportTicket"
EXAMPLES = Path(__file__).parents[2] / "examples"


def schemalora(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("schemalora")
    return subprocess.run(
        [str(command), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or EXAMPLES,
        check=False,
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "examples.jsonl"
    write_examples(path, build_dataset(train_count=6000, eval_count=800, seed=0)[0][:12])
    return path


def test_help_lists_every_stage():
    done = schemalora("--help")
    assert done.returncode == 0
    for stage in ("contract", "sample", "synthesize", "format", "train", "predict", "evaluate"):
        assert f" {stage} " in done.stdout


def test_no_arguments_show_the_help():
    assert schemalora().stdout == schemalora("--help").stdout


def test_version():
    done = schemalora("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"schemalora {__version__}")
    module = subprocess.run(
        [sys.executable, "-m", "schemalora", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert module.stdout == done.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["contract", "no_such_module:Model"], "no_such_module"),
        (["contract", "customer_support.ticket:Nothing"], "Nothing"),
        (["contract", "logging:Logger"], "Logger"),
        (["contract", "nowhere.py:Model"], "nowhere.py"),
        (["contract", "nowhere.json"], "nowhere.json"),
        (["contract"], "Missing argument"),
        (["nothing"], "nothing"),
        (["format", TICKET, "nowhere.jsonl", "-o", "out.jsonl"], "nowhere.jsonl"),
        (["sample", TICKET, "--output", "customer_support"], "customer_support: Is a directory"),
        (["sample", TICKET, "--output", "customer_support/names.py/x"], "names.py"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments: list[str], reason: str):
    done = schemalora(*arguments)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert reason in lines[0]
    assert done.stdout == ""


def test_a_field_that_no_schema_can_express_is_named_by_its_path(tmp_path: Path):
    (tmp_path / "hooks.py").write_text(
        "from collections.abc import Callable\nfrom pydantic import BaseModel\n"
        "class Inner(BaseModel):\n    hook: Callable[[], int]\n"
        "class Outer(BaseModel):\n    inner: Inner\n"
    )
    done = schemalora("contract", "hooks.py:Outer", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "$.inner.hook" in done.stderr


def unread(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with a standard output whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [sys.executable, "-m", "schemalora", *arguments],
            stdout=writing, stderr=subprocess.PIPE, text=True, cwd=EXAMPLES, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)


@pytest.mark.parametrize(
    "arguments",
    [("sample", TICKET, "-n", "1000000000"), ("contract", TICKET), ("sample", "--help")],
)
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...]):
    done = unread(*arguments)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("gate", "code"), [("exact_match>=1", 0), ("lower(exact_match)>=1", 1)])
def test_a_gate_decides_the_exit_code_though_nobody_reads(tmp_path: Path, gate: str, code: int):
    rows = build_dataset(train_count=600, eval_count=80, seed=0)[0][:3]
    answers = [Prediction(row.id, TICKETS.encode(row.target)) for row in rows]
    write_examples(tmp_path / "rows.jsonl", rows)
    write_predictions(tmp_path / "answers.jsonl", answers)
    files = (str(tmp_path / "rows.jsonl"), str(tmp_path / "answers.jsonl"))
    done = unread("evaluate", TICKET, *files, "--require", gate)
    assert (done.returncode, done.stderr) == (code, "")


def test_both_sets_are_written_though_nobody_reads(tmp_path: Path):
    sets = (tmp_path / "train.jsonl", tmp_path / "eval.jsonl")
    done = unread(
        "synthesize", TICKET, "-n", "30", "-o", str(sets[0]),
        "--eval-output", str(sets[1]), "--eval-fraction", "0.3",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert all(path.exists() for path in sets)


def test_debug_shows_the_trace():
    done = schemalora("--debug", "contract", "nowhere.json")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_format_writes_trl_s_rows(examples: Path, tmp_path: Path):
    done = schemalora("format", TICKET, str(examples), "-o", str(tmp_path / "r.jsonl"))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    assert all(
        {"prompt", "completion"} <= set(row) <= {"prompt", "completion", "group"} for row in rows
    )


def test_a_half_written_file_is_named_and_nothing_is_written(examples: Path, tmp_path: Path):
    half = tmp_path / "half.jsonl"
    half.write_bytes(examples.read_bytes()[:-40])
    done = schemalora("format", TICKET, str(half), "-o", str(tmp_path / "r.jsonl"))
    assert done.returncode == 2
    assert f"{half}:12: not JSON" in done.stderr
    assert not (tmp_path / "r.jsonl").exists()


def test_train_refuses_before_it_loads_anything(examples: Path, tmp_path: Path):
    records = tmp_path / "r.jsonl"
    assert schemalora("format", TICKET, str(examples), "-o", str(records)).returncode == 0
    (tmp_path / "run.toml").write_text('[training]\nbase_model = "embedded"\n')
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "keep.txt").write_text("mine")
    command = ["train", TICKET, str(records), "-c", str(tmp_path / "run.toml")]

    misspelt = schemalora(*command, "-o", str(tmp_path / "a"), "--set", "learning_rat=1")
    assert misspelt.returncode == 2
    assert "did you mean 'learning_rate'" in misspelt.stderr

    occupied = schemalora(*command, "-o", str(tmp_path / "held"))
    assert occupied.returncode == 2
    assert "already holds a run" in occupied.stderr
    assert (tmp_path / "held" / "keep.txt").read_text() == "mine"

    missing = schemalora(*command, "-o", str(tmp_path / "b"), "--set", "base_model=./none")
    assert missing.returncode == 2
    assert "no such folder" in missing.stderr
