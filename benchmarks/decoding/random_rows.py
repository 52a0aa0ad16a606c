"""Constrained decoding of random models, over every schema of the tests' zoo.

    python -m benchmarks.decoding.random_rows --rows 10000

The models are Llamas of one small layer with random weights and the embedded model's vocabulary, so
every choice is arbitrary; nothing else differs from `predict`: the decode loop, drafts, batches and
closing are the library's. Half of the rows come from a model that likes to end what is open, half
from one that does not, which ends at the token limit. Contracts that cannot be enforced to the full
are decoded with `best_effort` and counted apart. With `--keep FILE` each contract is kept
as it ends, and a rerun goes on where it stopped. Writes results/decoding_random_rows.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.result import write_result
from schemalora.base_model import find_base_model, load_tokenizer
from schemalora.contract import Contract
from schemalora.inference import Completion, Constraint, DecodingOptions, Drafter, decode

ROOT = Path(__file__).resolve().parents[2]
CLOSERS = ('"', "]", "}", '"}', '"]', ",", '",', '","', "}}", "]}", "null", "0", ":", '":')


@dataclass
class Count:
    """What became of the rows of one kind."""

    rows: int = 0
    stopped: int = 0
    at_the_limit: int = 0
    errors: int = 0
    over_the_limit: int = 0
    compliant: int = 0
    not_compliant: list[str] = field(default_factory=list[str])
    reasons: Counter[str] = field(default_factory=Counter[str])

    def __add__(self, other: Count) -> Count:
        return Count(**{key: value + getattr(other, key) for key, value in vars(self).items()})

    def to_dict(self) -> dict[str, Any]:
        return {
            **{key: value for key, value in vars(self).items() if isinstance(value, int)},
            "not_compliant": len(self.not_compliant),
            "not_compliant_and_not_cut": sum(
                rows for reason, rows in self.reasons.items() if not reason.endswith(", length")
            ),
            "reasons": dict(self.reasons),
        }


def contracts() -> Iterator[Contract]:
    """Every schema of the zoo."""
    sys.path.insert(0, str(ROOT / "tests"))
    from zoo import MODELS, SCHEMAS

    for model in MODELS:
        yield Contract.from_model(model)
    for name, schema in SCHEMAS.items():
        yield Contract.from_json_schema(schema, name=name)


def random_model(tokenizer: Any, *, seed: int, closing: float) -> Any:
    """A random model; `closing` is how much more it is drawn to tokens that end something."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.5)
        model.lm_head.weight[tokenizer.convert_tokens_to_ids(list(CLOSERS))] *= closing
    return model


Judge = Callable[[str], str | None]


def judge_of(contract: Contract) -> Judge:
    """Says why a completion is not compliant with the contract's schema; None where it is.

    What only Python decides (validators, dates in the past) no schema says, so a model's contract
    is judged by the schema it publishes.
    """
    if contract.model is None:

        def by_contract(completion: str) -> str | None:
            outcome = contract.parse(completion)
            return None if outcome.compliant else outcome.violations[0].kind

        return by_contract
    validator = jsonschema_rs.validator_for(dict(contract.json_schema), validate_formats=False)

    def by_schema(completion: str) -> str | None:
        try:
            value = json.loads(completion, object_pairs_hook=_object)
        except KeyError:
            return "duplicate_key"
        except ValueError:
            return "not_json"
        return None if validator.is_valid(value) else "schema"

    return by_schema


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise KeyError("a key comes twice")
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000)
    arguments.add_argument("--max-new-tokens", type=int, default=192)
    arguments.add_argument("--batch-size", type=int, default=64)
    arguments.add_argument("--contracts", type=int, help="the first so many of the zoo")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--keep", type=Path, help="where to keep what is done (JSONL)")
    config = arguments.parse_args()
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(find_base_model("embedded"))
    models = [
        random_model(tokenizer, seed=config.seed + place, closing=closing)
        for place, closing in enumerate((1.0, 3.0))
    ]
    subjects = list(contracts())[: config.contracts]
    each = -(-config.rows // (len(subjects) * len(models)))
    counts = {"enforced": Count(), "best effort": Count()}
    done = kept(config)
    seconds = 0.0
    for contract in subjects:
        part = done.get(contract.name)
        if part is None:
            began = time.process_time()
            part = one_contract(contract, models, tokenizer, config, each)
            part["cpu_seconds"] = time.process_time() - began
            keep(config, part)
        count = Count(**{**part["count"], "reasons": Counter(part["count"]["reasons"])})
        counts[part["kind"]] += count
        seconds += part["cpu_seconds"]
        print(f"{contract.name}: {count.rows} rows, {len(count.not_compliant)} not", flush=True)
        for text in count.not_compliant[:2]:
            print(f"    {text}", flush=True)
    numbers: dict[str, Any] = {name: count.to_dict() for name, count in counts.items()}
    numbers |= {"contracts": len(subjects), "cpu_seconds": round(seconds, 1)}
    print(json.dumps(numbers, indent=1))
    write_result("decoding_random_rows", numbers=numbers, config=settings(config))


def settings(config: argparse.Namespace) -> dict[str, Any]:
    """What decides the numbers; where they are kept does not."""
    return {key: value for key, value in vars(config).items() if key != "keep"}


def kept(config: argparse.Namespace) -> dict[str, Any]:
    """The contracts that an earlier run with the same settings ended with."""
    if config.keep is None or not config.keep.exists():
        return {}
    lines = [json.loads(line) for line in config.keep.read_text(encoding="utf-8").splitlines()]
    if any(line["settings"] != settings(config) for line in lines):
        raise SystemExit(f"{config.keep} was kept with other settings; name another file")
    return {line["contract"]: line for line in lines}


def keep(config: argparse.Namespace, part: dict[str, Any]) -> None:
    """Appends what became of one contract's rows."""
    if config.keep is not None:
        line = json.dumps({**part, "settings": settings(config)})
        with config.keep.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def one_contract(
    contract: Contract, models: Sequence[Any], tokenizer: Any, config: argparse.Namespace, each: int
) -> dict[str, Any]:
    """What became of the rows of one contract, over all models."""
    constraint = Constraint(contract, tokenizer, vocabulary=len(tokenizer), best_effort=True)
    count = Count()
    judge = judge_of(contract)
    for place, model in enumerate(models):
        for one in decode_random(model, constraint, contract, tokenizer, config, each, place):
            text = tokenizer.decode(list(one.tokens), clean_up_tokenization_spaces=False)
            add(count, contract.name, one, text, judge(text), config.max_new_tokens)
    kind = "best effort" if constraint.gaps else "enforced"
    return {"contract": contract.name, "kind": kind, "count": vars(count)}


def decode_random(
    model: Any,
    constraint: Constraint,
    contract: Contract,
    tokenizer: Any,
    config: argparse.Namespace,
    rows: int,
    place: int,
) -> Iterator[Completion]:
    """Completions of random prompts, decoded as `predict` decodes."""
    source = Random(f"{config.seed} {place} {contract.name}")
    prompts = [[source.randrange(len(tokenizer)) for _ in range(6)] for _ in range(rows)]
    options = DecodingOptions(
        stop_ids=frozenset({tokenizer.eos_token_id}),
        max_new_tokens=config.max_new_tokens,
        batch_size=config.batch_size,
        constraint=constraint,
        closing_tokens=constraint.closing_tokens(config.max_new_tokens),
        drafter=Drafter.for_contract(contract, tokenizer),
    )
    found = list(decode(model, prompts, options))
    assert len(found) == rows, "a row was lost"
    return iter(found)


def add(
    count: Count, name: str, one: Completion, text: str, reason: str | None, limit: int
) -> None:
    """Counts one row."""
    count.rows += 1
    count.stopped += one.finish_reason == "stop"
    count.at_the_limit += one.finish_reason == "length"
    count.errors += one.finish_reason == "error"
    count.over_the_limit += len(one.tokens) > limit
    count.compliant += reason is None
    if reason is not None:
        count.reasons[f"{name}: {reason}, {one.finish_reason}"] += 1
        count.not_compliant.append(text[:300])


if __name__ == "__main__":
    main()
