"""The page as text: self-contained, harmless whatever rows hold, readable in its colours."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from schemalora.attribution import ARMS, attribute
from schemalora.compliance import ComplianceReport, Rate, evaluate, route
from schemalora.contract import Contract, FreeText
from schemalora.errors import PairingError, UsageError
from schemalora.records import Example, Prediction
from schemalora.reporting import LearningCurve, write_html
from schemalora.reporting.reliability import calibration_words
from tickets import CONTRACT, TARGET, examples, predictions

ROWS = examples(80)
EVIL = (
    "</script><script>alert(1)</script><!--<script>&amp;<img src=x onerror=alert(2)>\u2028\ud800'\""
)


def report(spoilt: float, seed: int = 1) -> ComplianceReport:
    return evaluate(CONTRACT, ROWS, predictions(ROWS, spoilt=spoilt, seed=seed))


class Elements(HTMLParser):
    """Collects tags with their attributes, visible text, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words.append(data)


def read(path: Path) -> tuple[str, Elements]:
    text = path.read_text(encoding="utf-8")
    return text, Elements(text)


def test_one_report_makes_a_page_that_says_the_result_first(tmp_path: Path) -> None:
    one = report(0.2)
    text, page = read(write_html(one, tmp_path / "report.html"))
    words = " ".join(page.words)
    compliant = one.metrics["schema_compliant"]
    assert f"{100 * compliant.rate:.1f}% of 80 answers follow the schema" in words
    for path in CONTRACT.fields:
        assert path in words
    for part in ("Violations", "Confusion", "Robustness", "Nulls", "By channel"):
        assert part in words
    assert "Learning curve" not in text
    assert len(json.loads(page.scripts[0])) == len(one.failures)


def test_the_page_asks_nothing_of_any_server(tmp_path: Path) -> None:
    text, page = read(write_html({"base": report(0.6), "lora": report(0.1)}, tmp_path / "r.html"))
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org)", text)


def hostile_page(tmp_path: Path, evil: str) -> tuple[Elements, ComplianceReport]:
    schema = {"type": "object", "properties": {evil: {"enum": [evil, "b"]}}, "required": [evil]}
    contract = Contract.from_json_schema(schema, name=evil)
    rows = [
        Example(
            evil,
            {evil: "b"},
            id=f"{i}{evil}",
            group=evil,
            perturbations=(evil,),
            columns={evil: evil},
        )
        for i in range(3)
    ]
    completions = (evil, json.dumps({evil: evil}), json.dumps({evil: "b", f"{evil}2": 1}))
    answers = [Prediction(row.id, text) for row, text in zip(rows, completions, strict=True)]
    bad = evaluate(contract, rows, answers)
    path = write_html({evil: bad, "other": bad}, tmp_path / "evil.html", title=evil)
    return read(path)[1], bad


def test_rows_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    page, bad = hostile_page(tmp_path, EVIL.replace("\ud800", ""))
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in page.tags]
    rows = json.loads(page.scripts[0])
    assert {row["text"] for row in rows} == {EVIL.replace("\ud800", "")}
    assert {row["id"] for row in rows} == {one.id for one in bad.failures}


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_any_text_comes_through_unharmed(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    page, _ = hostile_page(tmp_path_factory.mktemp("page"), text)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert all(row["text"] == text for row in json.loads(page.scripts[0]))


def test_lone_surrogates_in_rows_do_not_stop_the_page(tmp_path: Path) -> None:
    rows = [Example("bad \ud800 text", TARGET, id="a")]
    bad = evaluate(CONTRACT, rows, [Prediction("a", "\udfff")])
    bad.save(tmp_path / "report.json")
    assert write_html(bad, tmp_path / "report.html").exists()
    assert write_html(ComplianceReport.load(tmp_path / "report.json"), tmp_path / "b.html").exists()
    assert bad.to_markdown()


def test_arms_are_compared_with_the_first(tmp_path: Path) -> None:
    text, page = read(write_html({"base": report(0.7), "lora": report(0.05)}, tmp_path / "r.html"))
    words = " ".join(page.words)
    assert "below them the difference to base in points" in words
    assert re.search(r"Against base, on the same 80 rows, lora is \d+\.\d points better", words)
    assert text.count('data-arm="') == 2


def test_arms_that_cannot_be_paired_keep_their_names_counts_and_the_reason(tmp_path: Path) -> None:
    def arm(rows: list[Example], **options: Any) -> ComplianceReport:
        return evaluate(CONTRACT, rows, predictions(rows, spoilt=0.9), **options)

    arms = {"base": arm(ROWS[:30]), "lora": arm(ROWS[30:])}
    words = " ".join(read(write_html(arms, tmp_path / "r.html"))[1].words)
    assert "n = 30 (base), 50 (lora)" in words
    assert re.search(r"lora: \d+\.\d% of 50 answers follow the schema", words)
    assert "at each path (across), of 50." in words
    assert "No paired difference for lora: base and lora are not of the same rows" in words
    for kept in (0, None), (None, 0):
        rows_of = dict(zip(("base", "lora"), kept, strict=True))
        arms = {name: arm(ROWS[:30], keep_rows=most) for name, most in rows_of.items()}
        words = " ".join(read(write_html(arms, tmp_path / "r.html"))[1].words)
        without = next(name for name, most in rows_of.items() if most == 0)
        assert f"No paired difference for lora: {without} kept no rows (n=30)" in words


def test_an_attribution_gives_the_headline(tmp_path: Path) -> None:
    reports = dict(zip(ARMS, (report(0.9), report(0.5), report(0.3), report(0.01)), strict=True))
    found = attribute(reports, resamples=100)
    _, page = read(write_html(reports, tmp_path / "r.html", attribution=found))
    assert found.verdict.headline in page.words
    assert all(reason in page.words for reason in found.verdict.reasons)


def test_a_learning_curve_is_drawn_where_there_is_one(tmp_path: Path) -> None:
    curve = LearningCurve.from_reports({0: report(0.9), 1_000: report(0.1), 250: report(0.4)})
    assert [amount for amount, _ in curve.points] == [0, 250, 1_000]
    text, page = read(write_html(report(0.1), tmp_path / "r.html", learning_curve=curve))
    assert "Learning curve" in " ".join(page.words)
    assert text.count('class="curve stroke-') == 4
    with pytest.raises(UsageError, match="at least two points"):
        LearningCurve.from_reports({1: report(0.1)})


def write_curve(folder: Path, **changed: object) -> Path:
    """A `learning_curve.json` as training leaves it."""
    metrics = {"valid_json": 1.0, "schema_compliant": 0.5, "exact_match": 0.25}
    curve = {
        "format_version": 1,
        "steps": [{"step": 10 * i, "loss": 1 / i, "epoch": i / 9} for i in range(1, 10)],
        "evaluations": [
            {"step": step, "epoch": step / 90, "rows": 40, "seconds": 2.0, "metrics": metrics}
            for step in (30, 60, 90)
        ],
        "selected_step": 60,
        **changed,
    }
    (folder / "learning_curve.json").write_text(json.dumps(curve))
    return folder


def test_the_curve_that_training_leaves_is_drawn_with_the_kept_step(tmp_path: Path) -> None:
    curve = LearningCurve.from_training(write_curve(tmp_path))
    assert [step for step, _ in curve.points] == [30, 60, 90]
    assert curve.points[0][1]["exact_match"] == Rate(10, 40)
    assert (len(curve.losses), curve.selected) == (9, 60)
    text, page = read(write_html(report(0.1), tmp_path / "r.html", learning_curve=curve))
    words = " ".join(page.words)
    assert "the weights that were kept (60)" in words
    assert "Training loss" in words
    # Two lines of two parts each, one of eight.
    assert text.count('class="curve stroke-') == 4 + 8


def test_a_training_without_measurements_shows_its_loss(tmp_path: Path) -> None:
    folder = write_curve(tmp_path, evaluations=[], selected_step=None)
    curve = LearningCurve.from_training(folder / "learning_curve.json")
    text, page = read(write_html(report(0.1), tmp_path / "r.html", learning_curve=curve))
    assert "Training loss" in " ".join(page.words)
    assert "the weights that were kept" not in text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": [], "evaluations": []}, "fewer than two points"),
        ({"evaluations": [{"step": 1}, {"step": 2}]}, "not a learning curve"),
    ],
)
def test_curves_that_are_none_are_refused(tmp_path: Path, changed: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LearningCurve.from_training(write_curve(tmp_path, **changed))


def confident() -> ComplianceReport:
    """A report of predictions that carry confidences for two fields."""
    told = {"$.intent": 0.9, "$.priority": 0.6}
    answers = [
        dataclasses.replace(one, confidence={} if i % 7 == 0 else told)
        for i, one in enumerate(predictions(ROWS, spoilt=0.1))
    ]
    return evaluate(CONTRACT, ROWS, answers)


def test_confidences_get_reliability_diagrams_and_rows_to_check(tmp_path: Path) -> None:
    one = confident()
    text, page = read(write_html({"base": report(0.5), "lora": one}, tmp_path / "r.html"))
    words = " ".join(page.words)
    assert text.count("<figure>") == len(one.calibration) == 2
    assert calibration_words(one.calibration["$.intent"]) in words
    assert "for 99.0% right" in words
    assert "rows to check" not in read(write_html(report(0.5), tmp_path / "r.html"))[0]


class Summary(BaseModel):
    summary: Annotated[str, FreeText()]


def test_where_all_is_free_text_the_page_routes_by_fields_only(tmp_path: Path) -> None:
    rows = [Example("text", {"summary": "short"}, id=str(i)) for i in range(10)]
    answers = [
        Prediction(one.id, '{"summary":"short"}', confidence={"$.summary": 0.9}) for one in rows
    ]
    one = evaluate(Contract.from_model(Summary), rows, answers)
    text, _ = read(write_html(one, tmp_path / "r.html"))
    routes = text[text.index('aria-label="Rows to check"') :]
    routes = routes[: routes.index("</table>")]
    assert "$.summary" in routes
    assert "exact match" not in routes


def test_the_page_says_in_full_from_where_on_and_that_nothing_is_taken_held_out(
    tmp_path: Path,
) -> None:
    # The upper half is right, and one group has all of it: the other chooses no threshold.
    rows = [
        Example("t", {"summary": "short"}, id=f"{i:02d}", group=f"g{i // 10}") for i in range(20)
    ]
    answers = [
        Prediction(
            one.id,
            json.dumps({"summary": "short" if i >= 10 else "no"}),
            confidence={"$.summary": 0.9999721 + i / 1e7 if i >= 10 else 0.5},
        )
        for i, one in enumerate(rows)
    ]
    report = evaluate(Contract.from_model(Summary), rows, answers)
    (route_of,) = route(report, ["$.summary>=0.99"]).routings
    _, page = read(write_html(report, tmp_path / "r.html"))
    assert f"confidence ≥ {route_of.threshold!r}; held out, no row is taken" in page.words


def test_a_perfect_report_has_a_page_without_failures(tmp_path: Path) -> None:
    text, page = read(write_html(report(0), tmp_path / "r.html"))
    assert "None: every completion follows the contract." in page.words
    assert "row-data" not in text.replace(
        (files("schemalora.reporting") / "templates" / "script.js").read_text(), ""
    )


def test_arms_of_other_contracts_and_no_arms_are_refused(tmp_path: Path) -> None:
    other = Contract.from_json_schema({"type": "object"}, name="Thing")
    foreign = evaluate(other, [Example("t", {}, id="a")], [Prediction("a", "{}")])
    with pytest.raises(PairingError, match="another contract"):
        write_html({"a": report(0.1), "b": foreign}, tmp_path / "r.html")
    with pytest.raises(UsageError, match="at least one report"):
        write_html({}, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


# -- colours


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def themes() -> list[dict[str, str]]:
    style = (files("schemalora.reporting") / "templates" / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def test_text_has_a_contrast_of_at_least_four_and_a_half() -> None:
    light, dark = themes()
    assert light.keys() == dark.keys()
    for theme in (light, dark):
        pairs = [
            (theme[name], theme[name.removesuffix("-text")])
            for name in theme
            if name.endswith("-text") and name.removesuffix("-text") in theme
        ]
        alone = ("page-text", "quiet-text", "good-text", "bad-text", "accent-text")
        pairs += [
            (theme[text], theme[ground])
            for text, ground in itertools.product(alone, ("page", "panel"))
        ]
        assert len(pairs) > 20
        assert min(contrast(text, ground) for text, ground in pairs) >= 4.5


def test_marks_have_a_contrast_of_at_least_three() -> None:
    for theme in themes():
        marks = [colour for name, colour in theme.items() if name.startswith("arm-")]
        assert min(contrast(mark, theme["page"]) for mark in marks) >= 3
