from __future__ import annotations

import itertools
import subprocess
import sys
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel

import zoo
from schemalora.contract import Contract
from schemalora.errors import RenderError, SamplingError, UsageError
from schemalora.grounding import ground
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.perturbations import Typos, by_name, catalogue
from schemalora.synthesis import GeneratorContract, Rendering, synthesize


class Order(BaseModel):
    number: str
    urgent: bool


CONTRACT = Contract.from_model(Order)


def say(target: JsonValue, rng: Random) -> Rendering:
    assert isinstance(target, dict)
    tone = "now" if target["urgent"] else "some day"
    return Rendering(
        f"{'Please s' if rng.random() < 0.5 else 'S'}end {target['number']} {tone}", "say"
    )


def contracts() -> list[Any]:
    models = [pytest.param(model, id=f"model-{at}") for at, model in enumerate(zoo.MODELS)]
    return models + [pytest.param(schema, id=name) for name, schema in zoo.SCHEMAS.items()]


@pytest.mark.parametrize("source", contracts())
def test_any_contract_gets_a_first_data_set(source: Any):
    contract = (
        Contract.from_json_schema(source)
        if isinstance(source, (dict, bool))
        else Contract.from_model(source)
    )
    generator = GeneratorContract(contract)
    try:
        rows = list(
            synthesize(
                generator,
                count=12,
                perturbations=tuple(catalogue(contract).values()),
                perturbed=0.6,
            )
        )
    except SamplingError:
        pytest.skip("the sampler finds no instance")
    assert len(rows) == 12
    for row in rows:
        assert contract.parse(contract.encode(row.target)).compliant
        for path, value in generator.extraction.values(row.target):
            assert ground(value, row.text) == "verbatim" or str(value) in row.text, (
                path,
                value,
                row.text,
            )


def test_the_same_seed_gives_the_same_rows_in_any_process():
    code = """
from schemalora.contract import Contract
from schemalora.jsonvalue import canonical_json
from schemalora.perturbations import catalogue
from schemalora.synthesis import synthesize

schema = {"properties": {"a": {"type": "string"}, "b": {"enum": ["x", "y", None]}}}
contract = Contract.from_json_schema({"type": "object", "required": ["a", "b"], **schema})
everything = tuple(catalogue(contract).values())
for row in synthesize(contract, count=60, seed=5, perturbations=everything):
    print(canonical_json(row.to_dict()))
"""
    outs = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert outs[0] == outs[1]
    assert outs[0].count(b"\n") == 60


def test_another_seed_gives_other_rows():
    one, two = (list(synthesize(CONTRACT, render=say, count=30, seed=seed)) for seed in (1, 2))
    assert [row.text for row in one] != [row.text for row in two]
    assert len({row.id for row in one}) == 30


def test_a_row_can_be_made_again_from_its_own_seed():
    def draw(rng: Random) -> JsonValue:
        return {"number": f"N{int(rng.random() * 1e6)}", "urgent": rng.random() < 0.5}

    for row in synthesize(GeneratorContract(CONTRACT, draw=draw), render=say, count=20, seed=3):
        rng = Random(row.seed)
        target = draw(rng)
        assert target == row.target
        assert say(target, rng).text == row.text


def test_perturbed_rows_name_what_was_done_and_their_parent():
    rows = list(
        synthesize(
            CONTRACT,
            render=say,
            count=200,
            perturbations=[Typos(), *by_name(CONTRACT, ["injection"])],
            perturbed=0.5,
            keep_parents=True,
        )
    )
    by_id = {row.id: row for row in rows}
    children = [row for row in rows if row.perturbations]
    assert len(rows) == 200 + len(children)
    assert 60 < len(children) < 140
    for child in children:
        parent = by_id[child.parent or ""]
        assert (parent.target, parent.group) == (child.target, child.group)
        assert parent.text != child.text


def test_recipes_are_put_on_one_text_in_order():
    recipe = by_name(CONTRACT, ["signature", "log_block"])
    row = next(synthesize(CONTRACT, render=say, count=1, perturbations=[recipe], perturbed=1.0))
    assert row.perturbations == ("signature", "log_block")


def test_a_million_targets_are_not_drawn_before_they_are_asked_for():
    rows = synthesize(CONTRACT, render=say, count=1_000_000)
    assert len(list(itertools.islice(rows, 5))) == 5


def raises(target: JsonValue, rng: Random) -> Rendering:
    raise KeyError("colour")


def drops(target: JsonValue, rng: Random) -> Rendering:
    return Rendering("an order came in")


def silent(target: JsonValue, rng: Random) -> Rendering:
    return Rendering("  \n")


def monotonous(target: JsonValue, rng: Random) -> Rendering:
    assert isinstance(target, dict)
    return Rendering(f"Order {target['number']}.")


def bare(target: JsonValue, rng: Random) -> Any:
    return "a text"


@pytest.mark.parametrize(
    ("renderer", "reason"),
    [
        (raises, "raised KeyError: 'colour'"),
        (drops, "dropped the value .* @ \\$.number"),
        (silent, "returned no text"),
        (monotonous, "never varies"),
        (bare, "returned str, not a Rendering"),
    ],
)
def test_a_bad_renderer_is_named_with_target_and_seed(renderer: Any, reason: str):
    with pytest.raises(RenderError, match=reason) as caught:
        next(synthesize(CONTRACT, render=renderer, count=50, seed=7))
    assert f"renderer {renderer.__name__}" in str(caught.value)
    assert '"number"' in str(caught.value)
    assert f"seed {7 << 32}"[:10] in str(caught.value)


def test_a_draw_that_breaks_the_contract_is_named_with_its_seed():
    generator = GeneratorContract(CONTRACT, draw=lambda rng: {"number": 3, "urgent": True})
    with pytest.raises(UsageError, match=r"Order refuses \(seed \d+\).*\$\.number"):
        next(synthesize(generator, render=say, count=3))


def wrong_key(rng: Random) -> Any:
    return {"number": rng.choice("abc")}["colour"]


def no_argument() -> Any:
    return {"number": "3", "urgent": True}


def instance(rng: Random) -> Any:
    return Order(number="3", urgent=True)


@pytest.mark.parametrize(
    ("draw", "reason"),
    [
        (wrong_key, "raised KeyError: 'colour'"),
        (no_argument, "raised TypeError: no_argument"),
        (instance, r"gave no JSON value but a Order .*return model_dump\(mode='json'\)"),
    ],
)
def test_a_draw_that_fails_is_named_with_its_seed(draw: Any, reason: str):
    generator = GeneratorContract(CONTRACT, draw=draw)
    with pytest.raises(UsageError, match=reason) as caught:
        next(synthesize(generator, render=say, count=3, seed=7))
    assert f"draw {draw.__name__}: " in str(caught.value)
    assert f"(seed {7 << 32})" in str(caught.value)


def test_a_draw_is_a_function():
    with pytest.raises(UsageError, match="the draw is a dict"):
        GeneratorContract(CONTRACT, draw={"number": "3"})


@pytest.mark.parametrize("options", [{"count": -1}, {"count": 1, "perturbed": 1.5}])
def test_impossible_numbers_are_refused(options: dict[str, Any]):
    with pytest.raises(UsageError):
        synthesize(CONTRACT, render=say, **options)


def test_the_generator_contract_lists_cells_and_relations():
    generator = GeneratorContract(CONTRACT)
    assert {(cell.path, cell.label) for cell in generator.cells} == {
        ("$.urgent", "false"),
        ("$.urgent", "true"),
    }
    assert generator.relations == {"$.number": "extracted", "$.urgent": "derived"}
    rows = list(synthesize(generator, render=say, count=200))
    urgent = sum(canonical_json(row.target).endswith("true}") for row in rows)
    assert 80 <= urgent <= 120
    assert generator.judge(rows).ok
