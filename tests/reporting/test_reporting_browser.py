"""The page in a real browser: laptop and phone, light and dark, offline, and its filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Page, chromium_page, find_chromium

from schemalora.attribution import ARM_TITLES, ARMS, attribute
from schemalora.compliance import evaluate
from schemalora.contract import Contract
from schemalora.records import Example, Prediction
from schemalora.reporting import LearningCurve, write_html
from tickets import CONTRACT, TARGET, examples, predictions, spoil

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)><b id=evil>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium_page() as page:
        yield page


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        *examples(150),
        Example(EVIL, TARGET, id="evil", columns={"channel": EVIL}),
        Example("one letter", TARGET, id="letter"),
    ]
    letter = CONTRACT.encode(TARGET).replace("ORD-12345", "ORD-12845")
    reports = {}
    for name, spoilt in zip(ARMS, (0.9, 0.6, 0.3, 0.2), strict=True):
        answers = predictions(rows[:-2], spoilt=spoilt, seed=len(name))
        answers += [Prediction("evil", EVIL), Prediction("letter", letter)]
        reports[name] = evaluate(CONTRACT, rows, answers)
    curve = LearningCurve.from_reports({i * 100: one for i, one in enumerate(reports.values())})
    titled = {ARM_TITLES[name]: report for name, report in reports.items()}
    return write_html(
        titled,
        tmp_path_factory.mktemp("page") / "report.html",
        attribution=attribute(reports, resamples=100),
        learning_curve=curve,
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_is_offline_and_has_no_errors(
    browser: Page, path: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    browser.requests.clear()
    browser.errors.clear()
    browser.open(path, width=width, dark=dark)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.requests == [path.as_uri()]
    assert browser.errors == []
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
    # Nothing that can be seen sticks out to the right, but for what is in a scrolling table.
    sticking_out = browser.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') &&"
        " !e.closest('svg') && e.getClientRects().length &&"
        f" e.getBoundingClientRect().right > {width} + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert sticking_out == []
    shot = tmp_path / "page.png"
    browser.screenshot(shot)
    assert shot.stat().st_size > 20_000


def shown(browser: Page) -> list[str]:
    return browser.evaluate(
        "[...document.querySelectorAll('#rows .row strong.mono')].map(e => e.textContent)"
    )


def choose(browser: Page, name: str, value: str) -> None:
    known = browser.evaluate(
        f"(() => {{ const e = document.getElementById('filter-{name}'); e.value = {value!r};"
        " e.dispatchEvent(new Event('input')); return e.value; })()"
    )
    assert known == value, f"the filter {name} does not offer {value}"


def count(browser: Page) -> int:
    return int(browser.evaluate("document.getElementById('row-count').textContent").split()[0])


def test_failing_rows_are_filtered_by_arm_field_kind_slice_and_text(
    browser: Page, path: Path
) -> None:
    browser.open(path, width=1280)
    choose(browser, "arm", "")
    everything = count(browser)
    for name, value in (
        ("arm", "base"),
        ("field", "$.priority"),
        ("kind", "missing_key"),
        ("slice", "perturbation: caps"),
        ("search", "message 1"),
    ):
        browser.open(path, width=1280)
        choose(browser, "arm", "")
        choose(browser, name, value)
        assert 0 < count(browser) < everything, name
    choose(browser, "search", "no such words")
    assert count(browser) == 0
    assert shown(browser) == []


def test_pages_turn(browser: Page, path: Path) -> None:
    browser.open(path, width=390)
    choose(browser, "arm", "")
    first = shown(browser)
    assert len(first) == 20
    assert browser.evaluate("document.getElementById('page-back').disabled")
    browser.evaluate("document.getElementById('page-on').click()")
    assert shown(browser) != first
    browser.evaluate("document.getElementById('page-back').click()")
    assert shown(browser) == first


def test_differences_are_marked_by_sign_and_by_letter(browser: Page, path: Path) -> None:
    browser.open(path, width=1280)
    choose(browser, "search", "one letter")
    assert shown(browser) == ["letter"]
    marked = "[...document.querySelectorAll('#rows pre .{}')].map(e => e.textContent)"
    assert browser.evaluate(marked.format("taken")) == ['−     "order_id": "ORD-12345",']
    assert browser.evaluate(marked.format("given")) == ['+     "order_id": "ORD-12845",']
    letters = "[...document.querySelectorAll('#rows pre b')].map(e => e.textContent)"
    assert browser.evaluate(letters) == ["3", "8"]


def test_integers_that_no_double_holds_keep_their_digits_and_are_marked(
    browser: Page, tmp_path: Path
) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            **{name: {"type": "integer"} for name in ("id", "same", "round")},
            **{name: {"type": "string"} for name in ("text", "quoted")},
        },
    }
    target = {
        "id": 2**53 + 1,
        "same": -(2**64) - 1,
        "round": 10**22,
        "text": '9007199254740993: n1, \\"2"\\',
        "quoted": str(2**53),
    }
    contract = Contract.from_json_schema(schema, name="Ids")
    completion = contract.encode(target).replace('"id":9007199254740993', '"id":9007199254740992')
    completion = completion.replace(f"{10**22}", "1e22")
    rows = [Example("text", target, id="a")]
    report = evaluate(contract, rows, [Prediction("a", completion)])
    browser.errors.clear()
    browser.open(write_html(report, tmp_path / "r.html"), width=1280)
    assert browser.errors == []
    marked = "[...document.querySelectorAll('#rows pre .{}')].map(e => e.textContent)"
    assert browser.evaluate(marked.format("taken")) == ['−   "id": 9007199254740993,']
    assert browser.evaluate(marked.format("given")) == ['+   "id": 9007199254740992,']
    expected = browser.evaluate("document.querySelector('#rows .sides pre').textContent")
    lines = [line[1:] for line in expected.splitlines()]
    assert json.loads("".join(lines)) == target


def test_hostile_rows_stay_text(browser: Page, path: Path) -> None:
    browser.errors.clear()
    browser.open(path, width=1280)
    choose(browser, "search", "onerror")
    assert shown(browser) == ["evil"]
    assert browser.evaluate("document.querySelector('#rows .text').textContent") == EVIL
    assert browser.evaluate("document.getElementById('evil')") is None
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    assert browser.errors == []


def test_details_show_one_arm_at_a_time(browser: Page, path: Path) -> None:
    browser.open(path, width=1280)
    visible = (
        "[...document.querySelectorAll('[data-arm]')].filter(e => !e.hidden)"
        ".map(e => e.dataset.arm)"
    )
    assert browser.evaluate(visible) == ["LoRA + grammar"]
    browser.evaluate(
        "(() => { const e = document.getElementById('choose-arm'); e.value = 'base';"
        " e.dispatchEvent(new Event('change')); })()"
    )
    assert browser.evaluate(visible) == ["base"]


def test_spoilt_rows_show_their_raw_completion(browser: Page, path: Path) -> None:
    browser.open(path, width=1280)
    choose(browser, "kind", "not_json")
    raw = browser.evaluate(
        "document.querySelector('#rows .row .sides div:last-child pre').textContent"
    )
    completions = {
        spoil(row.target, fault)
        for row in examples(150)
        for fault in ("fenced", "prose", "truncated")
    }
    assert raw in completions | {"(empty)", EVIL}
