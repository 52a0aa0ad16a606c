"""Who enforces what: strict parsing, the constrained decoder, only a Python validator, or nothing.

Nothing here is a table of what tools can do. Valid values are drawn, each constraint is broken in
one of them, and parsing and the installed decoder are asked whether they take it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemalora.contract import Contract
from schemalora.jsonvalue import JsonValue
from schemalora.sampling import sample
from schemalora.strategies.breakages import Breakage, breakages_of

_VALUES = 24
_PROBES = 2_000
"""So many broken completions are tried in all, of a wide contract fewer for each constraint."""
_LEAST_TRIES = 2

Accepts = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Capability:
    """One constraint of one field and who enforces it."""

    path: str
    constraint: str
    parsing: bool
    """Whether `Contract.parse` refuses a completion that breaks it."""
    decoder: bool | None
    """Whether the constrained decoder cannot write such a completion; None without a decoder."""
    validator: bool = False
    """Whether it is a Python function, which no schema shows and no decoder can follow."""

    @property
    def enforced_by(self) -> str:
        """`parsing and decoder`, `parsing`, `decoder`, `validator` or `nothing`."""
        if self.validator:
            return "validator"
        names = ["parsing"] * self.parsing + ["decoder"] * bool(self.decoder)
        return " and ".join(names) or "nothing"


def capabilities(contract: Contract) -> tuple[Capability, ...]:
    """What enforces each constraint of a contract, in the order of its keys.

    Raises:
        SamplingError: no valid value was found to start from.
    """
    decoder = decoder_accepts(contract.json_schema)
    found: dict[tuple[str, str], Capability] = {}
    tries: Counter[tuple[str, str]] = Counter()
    most = _PROBES
    for value in sample(contract, _VALUES, seed=0):
        breakages = breakages_of(contract.tree, value, most=None)
        most = min(most, max(_LEAST_TRIES, _PROBES // max(1, len(breakages))))
        for breakage in breakages:
            key = _constraint_of(breakage)
            tries[key] += 1
            if tries[key] <= most:
                _note(contract, decoder, breakage, found)
    validators = [Capability(path, name, True, False, True) for path, name in contract.validators]
    return (*found.values(), *validators)


def _note(
    contract: Contract,
    decoder: Accepts | None,
    breakage: Breakage,
    found: dict[tuple[str, str], Capability],
) -> None:
    """Keeps the worst result of each constraint: one accepted breakage is a hole."""
    key = _constraint_of(breakage)
    known = found.get(key)
    completion = breakage.completion(contract)
    parsing = not contract.parse(completion).compliant
    decoding = None if decoder is None else not decoder(completion)
    if known is not None:
        parsing = parsing and known.parsing
        decoding = None if decoding is None else decoding and bool(known.decoder)
    found[key] = Capability(*key, parsing, decoding)


def _constraint_of(breakage: Breakage) -> tuple[str, str]:
    """The field and what of it is broken."""
    path = re.sub(r"\[\d+\]", "[*]", breakage.path)
    if breakage.kind == "extra_key":
        path = path.rpartition(".")[0]
    return path, breakage.constraint


def decoder_accepts(schema: JsonValue) -> Accepts | None:
    """Whether the installed decoder can write a text under a schema; None where none is usable."""
    try:
        import llguidance
    except ImportError:
        return None
    tokenizer: Any = llguidance.LLTokenizer("byte")
    try:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
    except ValueError:
        return None
    matcher: Any = llguidance.LLMatcher(tokenizer, grammar)
    if matcher.is_error():
        return None

    def accepts(text: str) -> bool:
        matcher.reset()
        tokens = tokenizer.tokenize_str(text)
        return matcher.try_consume_tokens(tokens) == len(tokens) and bool(matcher.is_accepting())

    return accepts
