"""Pages and result files agree, and pages name nothing that is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_table_is_its_result_file_s():
    done = subprocess.run(
        [sys.executable, "benchmarks/write_tables.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_local_link_leads_somewhere(page: Path):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_stage_is_on_the_command_line_page():
    from schemalora.cli.app import STAGES

    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for stage in STAGES:
        assert f"| `{stage}` |" in text
