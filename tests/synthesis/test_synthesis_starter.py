from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.synthesis.starter import renderer_code, write_starter
from schemalora.training.config import TrainingConfig

TICKET = Path(__file__).parents[2] / "examples" / "customer_support" / "ticket.py"

SCHEMA = {
    "title": "Booking",
    "type": "object",
    "properties": {
        "guest name": {"type": "string"},
        "nights": {"type": "integer", "minimum": 1},
        "rooms": {"type": "array", "items": {"enum": ["single", "double"]}, "maxItems": 2},
        "smoker": {"type": ["boolean", "null"]},
    },
    "required": ["guest name", "nights", "rooms", "smoker"],
    "additionalProperties": False,
}


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["model", "schema"])
def test_a_starter_project_runs_as_it_is(tmp_path: Path, kind: str):
    source = f"{TICKET}:SupportTicket"
    if kind == "schema":
        (tmp_path / "booking.json").write_text(json.dumps(SCHEMA))
        source = str(tmp_path / "booking.json")
    folder = tmp_path / "project"
    write_starter(source, folder)
    assert "0 errors" in run(folder, "make_data.py")
    train = (folder / "data" / "train.jsonl").read_text().count("\n")
    held_out = (folder / "data" / "eval.jsonl").read_text().count("\n")
    assert train > 1500
    assert held_out > 100
    assert "passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert TrainingConfig.from_toml(folder / "train.toml").rank == 16


MODULES = {
    "kinds.py": "from typing import Literal\nKind = Literal['call', 'visit']\n",
    "notes.py": "from pydantic import BaseModel\nfrom kinds import Kind\n"
    "class Note(BaseModel):\n    who: str\n    kind: Kind\n",
    "office/__init__.py": "from office.model import Note\n",
    "office/model.py": "from notes import Note\n",
}


@pytest.mark.parametrize("source", ["notes:Note", "office.model:Note", "office:Note"])
def test_a_module_of_the_current_folder_is_found_from_the_project(tmp_path: Path, source: str):
    for name, code in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code)
    said = run(tmp_path, "-m", "schemalora", "init", source, "-o", "sub/my project")
    assert "Next: cd 'sub/my project' && " in said
    found = run(tmp_path / "sub" / "my project", "-c", "import contract; print(contract.CONTRACT)")
    assert "'Note', 2 fields" in found


def test_a_module_of_the_project_s_own_names_is_refused(tmp_path: Path):
    model = "from pydantic import BaseModel\nclass Note(BaseModel):\n    who: str\n"
    (tmp_path / "contract.py").write_text(model)
    with pytest.raises(UsageError, match="give the model's file"):
        write_starter("contract:Note", tmp_path / "project")
    assert not (tmp_path / "project").exists()
    write_starter(f"{tmp_path / 'contract.py'}:Note", tmp_path / "project")
    found = run(tmp_path / "project", "-c", "import contract; print(contract.CONTRACT)")
    assert "'Note', 1 fields" in found


def test_a_renderer_has_a_slot_for_every_extracted_field(tmp_path: Path):
    write_starter(f"{TICKET}:SupportTicket", tmp_path)
    code = (tmp_path / "renderer.py").read_text()
    assert "{order_id}" in code
    assert "{product}" in code
    assert "'refund'" in code or '"refund"' in code


def test_renderers_for_all_kinds_of_contracts_are_python():
    contracts = [Contract.from_json_schema(schema) for schema in zoo.SCHEMAS.values()]
    contracts += [Contract.from_model(model) for model in zoo.MODELS]
    for contract in contracts:
        compile(renderer_code(contract), contract.name, "exec")


def test_nothing_is_overwritten(tmp_path: Path):
    (tmp_path / "renderer.py").write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        write_starter(f"{TICKET}:SupportTicket", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["renderer.py"]
    assert (tmp_path / "renderer.py").read_text() == "mine"
