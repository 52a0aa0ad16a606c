"""The texts of the starter project; `$NAME` and the like are filled in by `starter`."""

BODIES = (
    "I am writing to you about the following.",
    "Please take this down.",
    "Could you look into this?",
    "Here is what it is about.",
    "I have a request.",
    "May I ask you something?",
    "This is what I know so far.",
    "Let me tell you what I need.",
    "I'd like to report this.",
    "I hope that this reaches the right person.",
)

CONTRACT = '''"""The contract that everything in this project is made for."""

from pathlib import Path

from schemalora import load_contract

HERE = Path(__file__).resolve().parent
SOURCE = $SOURCE
CONTRACT = load_contract(SOURCE)
'''

# As CONTRACT, for a model in a module that is found from the folder $ROOT only.
LOCAL_CONTRACT = CONTRACT.replace("from pathlib", "import sys\nfrom pathlib").replace(
    "CONTRACT = load", "sys.path.append(str(HERE / $ROOT))\nCONTRACT = load"
)

RENDERER = '''"""Puts targets into words: write here what your users write.

    {name}      a field's value, or a phrase from the bank of that name
    (a|b|)      one of the alternatives, at random
    [a {x}|b]   the first alternative whose slots all have a value
    <words>     words that carry the label: perturbations leave them alone

The more templates, and the more they sound like people, the better. Templates are never split
between training and eval, so the eval set shows what happens on texts nobody has written yet.
"""

from contract import CONTRACT

from schemalora.synthesis import PhraseBank, Template, TemplateRenderer

TEMPLATES = (
$TEMPLATES
)

# What stands for a derived value in a text: replace these lines by what your users really say.
BANKS = {
$BANKS
    "hello": ("Hello,", "Hi,", "Good morning,", "Dear team,", "Hey there,", ""),
    "bye": ("Thanks!", "Best regards", "Thank you.", "", ""),
}

render = TemplateRenderer(
    CONTRACT,
    [Template(text) for text in TEMPLATES],
    banks=BANKS,
    frames=("{hello} {body} {bye}", "{body}", "{hello}\\n\\n{body}\\n\\n{bye}", "{body} {bye}"),
    name="renderer.render",
)
'''

PLAIN_RENDERER = '''"""Puts targets into plain words, until you write what your users write."""

from contract import CONTRACT

from schemalora.synthesis import SchemaRenderer

render = SchemaRenderer(CONTRACT)
'''

MAKE_DATA = '''"""Makes the training and the eval set, and audits both: `python make_data.py`.

Exits with 1 where the audit finds an error.
"""

import sys

from contract import CONTRACT, HERE
from renderer import render

from schemalora import audit, split, synthesize, write_examples
from schemalora.perturbations import by_name

COUNT = 2000
SEED = 0
# Noise that real texts have, and attacks that real users try: see docs/synthesis.md.
PERTURBATIONS = ("typos", "casing", "distractors", "signature", "injection")


def main() -> int:
    """Writes data/train.jsonl and data/eval.jsonl, and prints what the audits find."""
    examples = synthesize(
        CONTRACT,
        render=render,
        count=COUNT,
        seed=SEED,
        perturbations=by_name(CONTRACT, PERTURBATIONS),
        perturbed=0.4,
    )
    # The injection family that is held out is met for the first time in evaluation.
    train, held_out = split(
        examples,
        eval_fraction=0.1,
        seed=SEED,
        contract=CONTRACT,
        eval_perturbations=["injection:fake_system_turn"],
    )
    write_examples(HERE / "data" / "train.jsonl", train)
    write_examples(HERE / "data" / "eval.jsonl", held_out)
    reports = [
        audit(train, CONTRACT),
        audit(held_out, CONTRACT, train, ignore=["uncovered_cell"]),
    ]
    for report in reports:
        print(report.to_text())
    return 0 if all(report.ok for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
'''

TEST = '''"""What must hold for every target: `pytest`."""

from random import Random

from contract import CONTRACT
from hypothesis import HealthCheck, given, settings
from renderer import render

from schemalora import near_misses, sample
from schemalora.synthesis import GeneratorContract


def test_targets_survive_the_round_trip():
    for target in sample(CONTRACT, 50, seed=0):
        outcome = CONTRACT.parse(CONTRACT.encode(target))
        assert outcome.compliant, outcome.violations


def test_renderer_puts_every_extracted_value_into_the_text():
    generator = GeneratorContract(CONTRACT)
    for seed, target in enumerate(sample(CONTRACT, 200, seed=0)):
        assert generator.render(render, target, Random(seed), seed=seed).text


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=50)
@given(near_misses(CONTRACT))
def test_near_misses_are_refused(miss):
    assert not CONTRACT.parse(miss.completion).compliant
'''

CONFIG = """# schemalora train: settings for $NAME; all keys: help(schemalora.TrainingConfig)

[training]
base_model = "HuggingFaceTB/SmolLM2-135M-Instruct"
fallback_base_model = "embedded"
rank = 16
alpha = 32
epochs = 1
batch_size = 4
learning_rate = 1e-3
schedule = "cosine"
warmup_steps = 10
"""

README = """# $NAME

| file | what it does |
|---|---|
| `contract.py` | the model, as a contract |
| `renderer.py` | puts targets into words; **edit this first** |
| `make_data.py` | makes `data/train.jsonl` and `data/eval.jsonl` and audits them |
| `test_contract.py` | property tests: the round trip, the renderer, near misses |
| `train.toml` | the training settings |

```sh
python make_data.py
pytest
```
"""
