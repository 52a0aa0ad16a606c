"""The contract as a grammar: which tokens may follow, and which must."""

# llguidance is typed by its stub; transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from schemalora.errors import SchemaError
from schemalora.extras import require_extra
from schemalora.jsonvalue import JsonValue, canonical_json

if TYPE_CHECKING:
    from llguidance import LLMatcher

# Completions are trained without white space, so none is allowed: forced text is then the text of
# training, byte by byte.
_JSON_OPTIONS = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


class Constraint:
    """A JSON Schema compiled for one tokenizer.

    Args:
        schema: the JSON Schema of the completions; keys are written in the order of `properties`.
        tokenizer: a fast transformers tokenizer.
        vocabulary: the width of the model's logits.

    Raises:
        MissingExtraError: the `constrained` extra is missing.
        SchemaError: the schema cannot be enforced.
    """

    def __init__(self, schema: JsonValue, tokenizer: Any, *, vocabulary: int) -> None:
        require_extra("constrained decoding", "constrained", "llguidance")
        from llguidance import LLMatcher
        from llguidance.hf import from_tokenizer

        self._tokenizer = from_tokenizer(tokenizer, n_vocab=vocabulary)
        grammar = LLMatcher.grammar_from_json_schema(
            canonical_json(schema),
            overrides=_JSON_OPTIONS,  # pyright: ignore[reportArgumentType]  (a TypedDict of these)
        )
        failed, messages = LLMatcher.validate_grammar_with_warnings(grammar, self._tokenizer)
        if failed:
            raise SchemaError("$", f"the constrainer cannot enforce the schema: {messages[0]}")
        self._start = LLMatcher(self._tokenizer, grammar)
        self.mask_words = (vocabulary + 31) // 32
        """Width of a mask in 32-bit words."""

    def start(self) -> ConstraintState:
        """The state before the first token."""
        return ConstraintState(self._start.deep_copy())


class ConstraintState:
    """Where one completion stands in the grammar."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    @property
    def ended(self) -> bool:
        """Nothing may follow."""
        return self._matcher.is_stopped()

    @property
    def failed(self) -> bool:
        """The grammar engine gave up, for example on a limit of its own."""
        return self._matcher.is_error()

    def forced(self) -> list[int]:
        """The tokens that must follow, in the tokenizer's own way to cut their text."""
        return [] if self.ended else self._matcher.compute_ff_tokens()

    def accept(self, token: int) -> bool:
        """Takes a token if it may follow; says whether it did."""
        return self._matcher.try_consume_tokens([token]) == 1

    def rollback(self, count: int) -> None:
        """Takes the last tokens back."""
        if count:
            self._matcher.rollback(count)

    def fill_mask(self, row: np.ndarray[Any, np.dtype[np.int32]]) -> None:
        """Writes one bit a token, 1 where it may follow; shape (mask words,)."""
        self._matcher.unsafe_compute_mask_ptr(row.ctypes.data, row.nbytes)


@dataclass(frozen=True, slots=True)
class MaskJob:
    """The masks that one row needs: before every token that is free, and after the last."""

    state: ConstraintState
    tokens: Sequence[int]
    free: Sequence[bool]
    first_row: int
    """Row of the first mask; the others follow."""
    after_last: bool

    def run(self, masks: np.ndarray[Any, np.dtype[np.int32]]) -> None:
        """Fills the masks and leaves the state as it was."""
        row, taken = self.first_row, 0
        for token, free in zip(self.tokens, self.free, strict=True):
            if free:
                self.state.fill_mask(masks[row])
                row += 1
            self.state.accept(token)
            taken += 1
        if self.after_last:
            self.state.fill_mask(masks[row])
        self.state.rollback(taken)


def allowed(masks: np.ndarray[Any, np.dtype[np.int32]], row: int, token: int) -> bool:
    """Whether a mask's row lets a token pass."""
    return bool((int(masks[row, token >> 5]) >> (token & 31)) & 1)


def unpack_mask(
    masks: np.ndarray[Any, np.dtype[np.int32]], vocabulary: int
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Masks of shape (m, words) as booleans of shape (m, vocabulary)."""
    bits = np.unpackbits(masks.view(np.uint8), axis=1, bitorder="little", count=vocabulary)
    return bits.astype(np.bool_)
