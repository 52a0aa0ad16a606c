"""`schemalora synthesize` and `schemalora init` through their real entry point."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemalora.records import read_examples

SCHEMA = {
    "title": "Note",
    "type": "object",
    "properties": {"who": {"type": "string"}, "kind": {"enum": ["call", "visit"]}},
    "required": ["who", "kind"],
    "additionalProperties": False,
}

RENDERER = """
from schemalora import Rendering

def render(target, rng):
    verb = "call" if target["kind"] == "call" else "visit"
    opening = ("Please", "Kindly", "Do")[int(rng.random() * 3)]
    return Rendering(f"{opening} {verb} {target['who']}", group=opening)

def drops(target, rng):
    return Rendering("somebody, somehow", group="g")

def draw(rng):
    return {"who": f"P{int(rng.random() * 1e6)}", "kind": "visit"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "note.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "words.py").write_text(RENDERER)
    return tmp_path


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "schemalora", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_synthesize_writes_a_set_and_its_split(folder: Path):
    done = command(
        folder, "synthesize", "note.json", "-n", "90", "--render", "words.py:render",
        "--draw", "words.py:draw", "--perturb", "typos", "--perturbed", "0.3", "--seed", "4",
        "-o", "train.jsonl", "--eval-output", "eval.jsonl", "--eval-fraction", "0.3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    train, held_out = (list(read_examples(folder / f"{name}.jsonl")) for name in ("train", "eval"))
    assert len(train) + len(held_out) == 90
    assert not {row.group for row in train} & {row.group for row in held_out}
    assert {row.target["kind"] for row in train} == {"visit"}
    assert any(row.perturbations == ("typos",) for row in train)


def test_a_renderer_that_drops_a_value_leaves_no_file(folder: Path):
    done = command(
        folder, "synthesize", "note.json", "-n", "9", "--render", "words.py:drops", "-o", "x.jsonl"
    )
    assert done.returncode == 2
    assert "renderer drops: dropped the value" in done.stderr
    assert "seed 0" in done.stderr
    assert not (folder / "x.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--perturb", "typo"), "no perturbation 'typo'"),
        (("--render", "words.py:nope"), "no 'nope'"),
        (("--render", "nowhere.py:render"), "no such file"),
    ],
)
def test_wrong_use_is_one_line(folder: Path, arguments: tuple[str, ...], message: str):
    done = command(folder, "synthesize", "note.json", "-n", "9", "-o", "x.jsonl", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "same.jsonl", "--eval-output", "./same.jsonl"), "same.jsonl: two outputs"),
        (("-o", "link.json"), "link.json: would overwrite what is read"),
        (("-o", "words.py", "--render", "words.py:render"), "words.py: would overwrite"),
        (("-o", "train.jsonl", "--eval-output", "."), "Is a directory"),
    ],
)
def test_outputs_overwrite_nothing_that_is_read_or_written(
    folder: Path, arguments: tuple[str, ...], message: str
):
    (folder / "link.json").symlink_to("note.json")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = command(folder, "synthesize", "note.json", "-n", "9", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_init_names_what_it_wrote_and_refuses_a_second_time(folder: Path):
    done = command(folder, "init", "note.json", "-o", "project")
    assert done.returncode == 0, done.stderr
    assert "make_data.py" in done.stdout
    again = command(folder, "init", "note.json", "-o", "project")
    assert again.returncode == 2
    assert "is there already" in again.stderr
