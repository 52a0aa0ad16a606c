"""The Python blocks of these pages run, page by page and in order, as their readers would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("contract.md", "property-based-tests.md")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def few_examples() -> Iterator[None]:
    before = settings.get_current_profile_name()
    settings.register_profile("docs", max_examples=8, deadline=None, database=None)
    settings.load_profile("docs")
    yield
    settings.load_profile(before)


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page: str, few_examples: None) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    module = f"docs_{page.removesuffix('.md').replace('-', '_')}"
    names: dict[str, object] = {"__name__": module}
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start(1))
        code = "\n" * line + match.group(1)  # so that a failure names the line of the page
        exec(compile(code, str(DOCS / page), "exec", dont_inherit=True), names)
    for name, test in list(names.items()):
        if name.startswith("test_") and callable(test):
            test()
