"""How sure the model was of each field: the probability of the value's tokens.

A value's probability is the product of the probabilities of the tokens that spell it, as they were
decoded: renormalised over what the contract allows where decoding was constrained, and 1 for tokens
that were forced. The token before a value takes part: `:"` or `:` already decides between a string
and null.
"""

# transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from schemalora.contract import Field

_DECODER = json.JSONDecoder(strict=False)


def field_confidence(
    tokenizer: Any, tokens: Sequence[int], logprobs: Sequence[float], fields: Iterable[Field]
) -> dict[str, float]:
    """The probability of every field's value that the completion holds.

    Args:
        tokenizer: the one that the tokens belong to.
        tokens: ids of the completion, shape (n,).
        logprobs: their log-probabilities, shape (n,).
        fields: the contract's leaves.

    Returns:
        Leaf path to probability; empty where the completion is not JSON.
    """
    options = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
    text: str = tokenizer.decode(list(tokens), **options)
    try:
        spans = dict(_value_spans(text, _skip_space(text, 0), ()))
    except (ValueError, IndexError, RecursionError):
        return {}
    # Where each token ends; a character cut in two counts for the token that completes it.
    ends = [len(tokenizer.decode(list(tokens[: n + 1]), **options)) for n in range(len(tokens))]
    found: dict[str, float] = {}
    for one in fields:
        span = spans.get(one.keys)
        if span is not None:
            start, end = span
            total = sum(
                logprob
                for begins, stops, logprob in zip([0, *ends], ends, logprobs, strict=False)
                if begins < end and stops > start
            )
            found[one.path] = round(math.exp(total), 6)
    return found


def _value_spans(
    text: str, start: int, keys: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """The keys of every value in an object and where it stands, the value itself last.

    A span starts before the value, at its colon, and a number's ends after the character that ends
    the number.
    """
    before = max(0, start - 1)
    if text[start] != "{":
        value, end = _DECODER.raw_decode(text, start)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        yield keys, (before, end + 1 if number else end)
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
    yield keys, (before, place + 1)


def _skip_space(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place
