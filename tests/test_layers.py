"""Imports only go down, and heavy packages stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import schemalora

SOURCE = Path(schemalora.__file__).parent

LAYERS = {
    "schema": 0, "errors": 0, "jsonvalue": 0, "jsonl": 0, "environment": 0, "extras": 0, "quiet": 0,
    "allocator": 0, "memory": 0,
    "notations": 0, "contract": 1, "records": 1, "origin": 1, "adapter": 1, "grounding": 1,
    "sampling": 2, "strategies": 2, "perturbations": 2, "formatting": 2, "compliance": 2,
    "statistics": 2, "tokenizer_pin": 2,
    "synthesis": 3, "audit": 3, "attribution": 3,
    "base_model": 4, "layers": 4, "lora": 4, "training": 4, "inference": 4, "reporting": 4,
    "export": 4, "hub": 4,
    "cli": 5, "__main__": 5,
}  # fmt: skip

MODEL_PACKAGES = {
    "torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "accelerate",
    "huggingface_hub", "llguidance",
}  # fmt: skip
DRAWING_PACKAGES = {"matplotlib", "jinja2"}

# The settings of a run are read by the command line before PyTorch is worth loading.
ALLOWED_UP = {("__init__", "training")}

MODULES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST, *, top_level: bool = False) -> Iterator[str]:
    """Dotted names that a module imports; with `top_level`, those that run on import only."""
    nodes = ast.walk(tree) if not top_level else _running(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _running(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_go_down(path: Path):
    here = room(path)
    if here == "__init__":
        return
    assert here in LAYERS, f"give {here} its layer in docs/architecture.md and here"
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        package, _, rest = name.partition(".")
        there = rest.partition(".")[0]
        if package != "schemalora" or there not in LAYERS or there == here:
            continue
        assert LAYERS[there] <= LAYERS[here], f"{here} imports {name}, which lies above it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_packages_stay_in_their_rooms(path: Path):
    here = room(path)
    level = LAYERS.get(here, 0)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    anywhere = {name.partition(".")[0] for name in imports(tree)}
    on_import = {name.partition(".")[0] for name in imports(tree, top_level=True)}
    assert not on_import & MODEL_PACKAGES or level == 4
    assert not anywhere & (MODEL_PACKAGES - {"llguidance"}) or level == 4
    assert not anywhere & DRAWING_PACKAGES or here == "reporting"


def test_import_is_light():
    code = (
        "import schemalora, sys\n"
        "for name in schemalora.__all__: getattr(schemalora, name)\n"
        "heavy = {'torch','transformers','datasets','trl','peft','matplotlib','jinja2',"
        "'bitsandbytes','llguidance','accelerate'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_is_sorted_and_complete():
    assert list(schemalora.__all__) == sorted(schemalora.__all__)
    for name in schemalora.__all__:
        assert getattr(schemalora, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = schemalora.nothing
