"""The Python blocks of this room's pages run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["compliance", "statistics", "reports", "ci-gate"])
def test_python_blocks_run(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    namespace: dict[str, object] = {"__name__": f"docs_{name}"}
    for block in blocks:
        exec(compile(block, f"docs/{name}.md", "exec", dont_inherit=True), namespace)
