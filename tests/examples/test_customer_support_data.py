"""The flagship's data: what it promises, checked on the rows themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from customer_support import dataset
from customer_support.dataset import EVAL_FAMILIES, TRAIN_FAMILIES, build_dataset, support_contract
from customer_support.describe import PAGE, digest
from customer_support.messages import FOLDER, make_renderer
from customer_support.rules import INTENTS, QUESTIONS, join_tickets, ticket
from schemalora.audit import audit
from schemalora.grounding import Extraction, ground
from schemalora.records import Example, read_examples

CONTRACT = support_contract()


@pytest.fixture(scope="module")
def sets() -> tuple[list[Example], list[Example]]:
    return build_dataset()


def names(row: Example) -> set[str]:
    return {name.partition(":")[0] for name in row.perturbations}


def templates(rows: list[Example]) -> set[str]:
    return {part for row in rows for part in row.group.split("+")}


def test_sizes_and_audit(sets: tuple[list[Example], list[Example]]):
    train, held_out = sets
    assert (len(train), len(held_out)) == (6000, 800)
    for report in (audit(train, CONTRACT), audit(held_out, CONTRACT, train)):
        assert report.findings == (), report.to_text()


def test_enough_templates_and_none_on_both_sides(sets: tuple[list[Example], list[Example]]):
    train, held_out = sets
    assert len(templates(train)) >= 300
    assert len(templates(held_out)) >= 100
    assert not templates(train) & templates(held_out)


def test_no_training_template_comes_again_while_another_has_not_come(
    sets: tuple[list[Example], list[Example]],
):
    uses = Counter(part for row in sets[0] for part in row.group.split("+"))
    lines = [one.group for one in make_renderer(CONTRACT, "train").templates]
    vague = [uses[group] for group in lines if group.startswith("train/vague/")]
    others = [uses[group] for group in lines if not group.startswith("train/vague/")]
    # There are more vague lines than vague rows, and fewer of the others.
    assert sum(vague) > 80
    assert max(vague) == 1
    assert min(others) == 1


def test_the_page_states_the_bytes_of_both_files(sets: tuple[list[Example], list[Example]]):
    """Fails where a platform makes other bytes, or where the page was not written anew."""
    page = PAGE.read_text(encoding="utf-8")
    for rows, side in zip(sets, ("train", "eval"), strict=True):
        assert f"{digest(rows)}  {side}.jsonl" in page, "run examples/customer_support/describe.py"


def test_no_line_is_written_on_both_sides():
    def lines(name: str) -> set[str]:
        text = (FOLDER / name).read_text(encoding="utf-8")
        return {line.lower() for line in text.splitlines() if line and line[0] not in "#["}

    assert not lines("train.txt") & lines("eval.txt")
    phrases = {side: make_sections(f"phrases_{side}.txt") for side in ("train", "eval")}
    for section in ("high", "medium", "low", "filler", "carrier"):
        assert not set(phrases["train"][section]) & set(phrases["eval"][section]), section


def make_sections(name: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current = ""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            current = line[1:-1]
        elif line and not line.startswith("#"):
            sections.setdefault(current, []).append(line.lower())
    return sections


def test_the_eval_set_is_hard_on_purpose(sets: tuple[list[Example], list[Example]]):
    train, held_out = sets
    slices = Counter(name for row in held_out for name in names(row))
    for name in ("multi_intent", "injection", "missing_information", "typos"):
        assert slices[name] >= 120, slices
    assert sum(not row.perturbations for row in held_out) >= 120
    attacks = {
        side: {name for row in rows for name in row.perturbations if name.startswith("injection")}
        for side, rows in (("train", train), ("eval", held_out))
    }
    assert attacks["train"] == {f"injection:{family}" for family in TRAIN_FAMILIES}
    assert attacks["eval"] == {f"injection:{family}" for family in EVAL_FAMILIES}


def test_changed_eval_rows_have_their_clean_parent_beside_them(
    sets: tuple[list[Example], list[Example]],
):
    by_id = {row.id: row for row in sets[1]}
    assert len(by_id) == 800
    for row in sets[1]:
        if row.parent is not None:
            assert not by_id[row.parent].perturbations
        elif row.perturbations:
            assert row.group.startswith("eval/injection:")


def test_values_are_in_the_text_and_no_other_order_number_is(
    sets: tuple[list[Example], list[Example]],
):
    extraction = Extraction(CONTRACT)
    for row in (*sets[0], *sets[1]):
        for _, value in extraction.values(row.target):
            assert ground(value, row.text) == "verbatim", (value, row.text)
        order_id = row.target["entities"]["order_id"]
        assert set(re.findall(r"ORD-\d+", row.text)) == ({order_id} if order_id else set()), (
            row.text
        )


def test_clarification_follows_from_the_rest(sets: tuple[list[Example], list[Example]]):
    for row in (*sets[0], *sets[1]):
        target = row.target
        intent = target["intent"]
        named = target["entities"]
        missing = {
            "refund": not named["order_id"],
            "shipping": not named["order_id"],
            "tech_support": not named["product"],
            "cancel": not (named["order_id"] or named["product"]),
            "billing": not (named["order_id"] or named["product"]),
        }.get(intent, "vague" in row.group)
        assert target["needs_clarification"] == missing, row
        assert target["clarifying_question"] == (QUESTIONS[intent] if missing else None)


def test_urgency_is_said_where_the_priority_is_high_and_nowhere_else(
    sets: tuple[list[Example], list[Example]],
):
    """Every clean row holds a phrase of its priority's bank, and none of another's."""
    for rows, side in zip(sets, ("train", "eval"), strict=True):
        phrases = make_sections(f"phrases_{side}.txt")
        plain = {
            name: [
                re.sub(r"\\", "", line) for line in phrases[name] if "(" not in line or "\\" in line
            ]
            for name in ("high", "low")
        }
        for row in rows:
            if row.perturbations:
                continue
            text = row.text.lower()
            # "Please help the urgent cases first" is calm although it has the word.
            held = {name for name, lines in plain.items() if any(line in text for line in lines)}
            assert not held - {row.target["priority"]}, row


def test_every_intent_and_priority_is_well_covered(sets: tuple[list[Example], list[Example]]):
    for rows in sets:
        intents = Counter(row.target["intent"] for row in rows)
        assert set(intents) == set(INTENTS)
        assert min(intents.values()) > len(rows) / 12
        priorities = Counter(row.target["priority"] for row in rows)
        assert min(priorities.values()) > len(rows) / 5


def test_lengths_vary_from_a_few_words_to_hundreds(sets: tuple[list[Example], list[Example]]):
    for rows in sets:
        lengths = sorted(len(row.text.split()) for row in rows)
        assert sum(length <= 6 for length in lengths) > len(lengths) / 60
        assert lengths[len(lengths) // 2] in range(18, 40)
        assert 150 <= lengths[-1] <= 320


def test_half_of_the_eval_products_are_made_of_unseen_parts(
    sets: tuple[list[Example], list[Example]],
):
    starts = {start.lower() for start in dataset.EVAL_PRODUCTS.starts}
    products = [row.target["entities"]["product"] for row in sets[1]]
    named = [product.lower() for product in products if product]
    unseen = sum(product.startswith(tuple(starts)) for product in named)
    assert 0.35 < unseen / len(named) < 0.65


def test_joining_takes_the_first_intent_and_the_stronger_tone():
    refund = ticket("refund", priority="low")
    cancel = ticket("cancel", priority="high", order_id="ORD-1")
    for pair in ((refund, cancel), (cancel, refund)):
        assert join_tickets(*pair) == ticket("refund", priority="high", order_id="ORD-1")
    calm = ticket("other", priority="medium")
    assert join_tickets(refund, calm)["priority"] == "low"


def test_every_template_fits_some_target():
    for side in ("train", "eval"):
        renderer = make_renderer(CONTRACT, side)
        reached: set[str] = set()
        for intent in INTENTS:
            for vague in (False, True):
                for order_id in (None, "ORD-1"):
                    for product in (None, "Veltro"):
                        if vague and (intent != "other" or order_id or product):
                            continue
                        target = ticket(intent, order_id=order_id, product=product, vague=vague)
                        reached |= {
                            one.group
                            for one in renderer.templates
                            if renderer.render_group(target, one.group, Random(0))
                        }
        assert reached == {one.group for one in renderer.templates}


def test_one_command_writes_the_same_bytes_every_time(tmp_path: Path):
    contents = []
    for turn in ("1", "2"):
        folder = tmp_path / turn
        sizes = ("--train", "400", "--eval", "100")
        subprocess.run(
            [sys.executable, str(Path(dataset.__file__)), "--out", str(folder), *sizes],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": turn},
        )
        contents.append([(folder / f"{name}.jsonl").read_bytes() for name in ("train", "eval")])
    assert contents[0] == contents[1]
    assert len(list(read_examples(tmp_path / "1" / "eval.jsonl"))) == 100


def content_words(line: str) -> set[str]:
    fillers = set("please the a i my is it to for of".split())
    return set(re.findall(r"[a-z']+", re.sub(r"\{\w+\}", "", line.lower()))) - fillers


@pytest.mark.parametrize("kind", ["", "phrases_"])
def test_no_eval_line_is_a_training_line_in_other_words(kind: str):
    training = [
        content_words(line)
        for lines in make_sections(f"{kind}train.txt").values()
        for line in lines
    ]
    for section, lines in make_sections(f"{kind}eval.txt").items():
        if kind and section not in ("high", "low"):
            continue
        for line in lines:
            words = content_words(line)
            # "refund ORD-12345" can hardly be said in other words.
            if len(words) >= 4:
                nearest = max(training, key=lambda other: len(words & other) / len(words | other))
                assert len(words & nearest) / len(words | nearest) <= 2 / 3, (line, nearest)
