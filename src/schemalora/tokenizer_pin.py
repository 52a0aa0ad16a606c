"""What a tokenizer is pinned by: a hash of how it turns texts into tokens and back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from schemalora.jsonvalue import JsonValue, canonical_json

_KIND = "v2:"

_PROBES = (
    # Cases, contractions, names of code; a space before the text and after it.
    " The quick BROWN fox doesn't JUMP; WE'LL see iPhone_15, snake_case and camelCaseHTML. ",
    # Digits, alone and in groups, and signs about them.
    "0 7 42 365 1999 12345 1234567890 -3.14 1e-9 +49 (0)30 \u00bd \u00b2 \u0663 50% $1,299.00 0x1F",
    # White space: runs, tabs, ends of lines, a space that does not break, one of no width.
    "a  b   c    d\t\te\n\nf\r\n  g\u00a0h\u200bi\u3000j   \n",
    # JSON, close and spaced.
    '{"a":[1,2.50,-3e4,true,null],"b":{"c":"d\\n\\"e\\u00e9\\""},"":[]}',
    '{\n  "order_id": "AB-12/34",\n  "tags": [ ],\n  "note": "<b>x</b> & y | z"\n}',
    # Accents, composed and apart; wide letters and ligatures, which NFKC takes for others.
    "Caf\u00e9 cafe\u0301 na\u00efve \u00c5ngstr\u00f6m \u0130stanbul STRASSE "
    "stra\u00dfe \u0141\u00f3d\u017a \uff21\uff42\uff11 \ufb01n \u2122 \u2026",
    # Scripts.
    "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1 \u041f\u0440\u0438\u0432\u0435\u0442, "
    "\u043c\u0438\u0440! \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 "
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002 "
    "\u3053\u3093\u306b\u3061\u306f \u30ab\u30bf\u30ab\u30ca "
    "\u6771\u4eac \uc548\ub155\ud558\uc138\uc694",
    # Emoji: one, with a skin tone, a family, a flag; and signs.
    "\U0001f600 \U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 "
    "\U0001f1e9\U0001f1ea \u2764\ufe0f \u2192 \u20ac \u00a9 \u201cq\u201d \u2014 \u2013 -- ...",
)  # fmt: skip


def tokenizer_hash(tokenizer: Any, *, like: str | None = None) -> str:
    """SHA-256 of what decides how a tokenizer reads and writes texts.

    It covers the vocabulary, the special tokens, BPE's merges or Unigram's scores, the flags of
    added tokens, and what becomes of fixed probe texts. Normalizer, pre-tokenizer and decoder are
    seen by what they do to the probes, not by how they are serialised: newer releases of
    `tokenizers` write the same tokenizer otherwise.

    Args:
        tokenizer: a transformers tokenizer, with a backend of `tokenizers` or without.
        like: a hash that the result will be compared with; the result is of its kind.

    Returns:
        `v2:` and 64 hexadecimal digits. A hash without a prefix is of the first kind, that of older
        adapters and runs: of the vocabulary and the special tokens alone.
    """
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0]))
    content: list[JsonValue] = [vocabulary, tokenizer.eos_token, tokenizer.bos_token]
    if like is not None and ":" not in like:
        return _sha256(content)
    return _KIND + _sha256([*content, _ranking(tokenizer), _flags(tokenizer), _probed(tokenizer)])


def _ranking(tokenizer: Any) -> list[JsonValue]:
    """BPE's merges as pairs, the first to be made first; Unigram's pieces, each with its score."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return []
    model: dict[str, Any] = json.loads(backend.to_str())["model"]
    if model["type"] == "Unigram":
        return model["vocab"]
    # Some releases of `tokenizers` write a merge as "a b", others as ["a", "b"].
    return [
        [*merge.split(" ", 1)] if isinstance(merge, str) else merge
        for merge in model.get("merges", ())
    ]


def _flags(tokenizer: Any) -> list[JsonValue]:
    return [
        [
            index, str(token), token.special, token.normalized, token.lstrip, token.rstrip,
            token.single_word,
        ]
        for index, token in sorted(tokenizer.added_tokens_decoder.items())
    ]  # fmt: skip


def _probed(tokenizer: Any) -> list[JsonValue]:
    """The token ids of every probe, and the text that they decode to."""
    found: list[JsonValue] = []
    for probe in _PROBES:
        ids: list[int] = tokenizer.encode(probe, add_special_tokens=False)
        text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        found.append([*ids, str(text)])
    return found


def _sha256(content: list[JsonValue]) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
