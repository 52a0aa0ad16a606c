"""How sure the model was of each field: the probability of the value's tokens.

A value's probability is the product of the probabilities of the tokens that spell it, as they were
decoded: renormalised over what the contract allows where decoding was constrained, and 1 for tokens
that were forced. The token before a value takes part: `:"` or `:` already decides between a string
and null.

A leaf that is not there, because its key is absent or what it belongs to is null, has the
probability of the tokens that left it out: those of the nearest value around it, without what is
inside that value's other members.
"""

# transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemalora.contract import Field

_DECODER = json.JSONDecoder(strict=False)


def field_confidence(
    tokenizer: Any, tokens: Sequence[int], logprobs: Sequence[float], fields: Iterable[Field]
) -> dict[str, float]:
    """The probability of every field's value, or of its absence.

    Args:
        tokenizer: the one that the tokens belong to.
        tokens: ids of the completion, shape (n,).
        logprobs: their log-probabilities, shape (n,).
        fields: the contract's leaves.

    Returns:
        Leaf path to probability; empty where no value can be read. What follows the value is not
        looked at, nor is a NaN refused: whether the completion is JSON is for its reader to judge.
    """
    options = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
    text: str = tokenizer.decode(list(tokens), **options)
    try:
        spans = dict(_value_spans(text, _skip_space(text, 0), ()))
    except (ValueError, IndexError, RecursionError):
        return {}
    # Where each token ends; a character cut in two counts for the token that completes it.
    ends = [len(tokenizer.decode(list(tokens[: n + 1]), **options)) for n in range(len(tokens))]
    places = list(zip([0, *ends], ends, logprobs, strict=False))
    found: dict[str, float] = {}
    for one in fields:
        if one.keys in spans:
            parts = [_with_its_ends(text, *spans[one.keys])]
        else:
            parts = _around_members(spans, one.keys)
        total = sum(
            logprob
            for begins, stops, logprob in places
            if any(begins < end and stops > start for start, end in parts)
        )
        found[one.path] = round(math.exp(total), 6)
    return found


def _with_its_ends(text: str, start: int, end: int) -> tuple[int, int]:
    """A value's span from its colon on; a number's reaches over the character that ends it."""
    return max(0, start - 1), end + (text[start] in "-0123456789")


def _around_members(
    spans: Mapping[tuple[str, ...], tuple[int, int]], keys: tuple[str, ...]
) -> list[tuple[int, int]]:
    """The parts of the nearest value around an absent leaf that lie outside the value's members."""
    while keys not in spans:
        keys = keys[:-1]
    start, end = spans[keys]
    parts: list[tuple[int, int]] = []
    begins = max(0, start - 1)
    members = [span for one, span in spans.items() if one and one[:-1] == keys]
    for first, last in sorted(members):
        parts.append((begins, first))
        begins = last
    return [*parts, (begins, end)]


def _value_spans(
    text: str, start: int, keys: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """The keys of every value in an object and where it stands, the value itself last."""
    if text[start] != "{":
        _, end = _DECODER.raw_decode(text, start)
        yield keys, (start, end)
        return
    place = _skip_space(text, start + 1)
    while text[place] != "}":
        name, place = _DECODER.raw_decode(text, place)
        place = _skip_space(text, place)
        if text[place] != ":":
            raise ValueError("no colon after a key")
        place = _skip_space(text, place + 1)
        yield from _value_spans(text, place, (*keys, name))
        _, end = _DECODER.raw_decode(text, place)
        place = _skip_space(text, end)
        if text[place] == ",":
            place = _skip_space(text, place + 1)
    yield keys, (start, place + 1)


def _skip_space(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place
