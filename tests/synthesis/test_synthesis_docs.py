"""The examples of the data room's pages run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["synthesis", "renderers", "audit"])
def test_the_examples_of_a_page_run_in_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 2
    names: dict[str, object] = {"__name__": page}
    for block in blocks:
        exec(compile(block, f"{page}.md", "exec", dont_inherit=True), names)


def test_the_flagships_page_states_the_rules_of_the_code():
    from customer_support.rules import INTENTS, QUESTIONS

    text = (DOCS / "customer-support-data.md").read_text(encoding="utf-8")
    assert ", ".join(f"`{intent}`" for intent in INTENTS) in " ".join(text.split())
    for question in QUESTIONS.values():
        assert question in text
