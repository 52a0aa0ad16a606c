"""The contract as a grammar: which tokens may follow, and which must."""

# llguidance is typed by its stub; transformers is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from schemalora.contract import Contract
from schemalora.errors import SchemaError
from schemalora.extras import require_extra
from schemalora.inference.choosing import Masks, closing_order, masked
from schemalora.inference.free_keys import FreeKeys, KeyTrail
from schemalora.inference.grammar import Gap, Schema, write_grammar
from schemalora.jsonvalue import canonical_json

if TYPE_CHECKING:
    import torch
    from llguidance import LLMatcher

# Completions are trained without white space, so none is allowed: forced text is then the text of
# training, byte by byte.
_OPTIONS: Any = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


# Contracts whose shortest completion is longer are closed as far as this goes.
_LONGEST_CLOSING = 2_000

# Places whose forced tokens a constraint remembers, and how many tokens may stand before one: a
# place is known by all of them, which in long completions would fill the memory.
_MOST_FORCED = 20_000
_LONGEST_REMEMBERED = 256


class Constraint:
    """A contract compiled for one tokenizer.

    What pydantic checks in Python, beyond the contract's schema, is not part of it: validators, and
    dates that must lie in the past.

    Args:
        contract: what completions must satisfy; keys are written in its order.
        tokenizer: a fast transformers tokenizer.
        vocabulary: the width of the model's logits.
        best_effort: enforces what can be enforced and keeps the rest as `gaps`; else refuses.

    Raises:
        MissingExtraError: the `constrained` extra is missing.
        SchemaError: something cannot be enforced, by its keyword and path.
    """

    def __init__(
        self, contract: Contract, tokenizer: Any, *, vocabulary: int, best_effort: bool = False
    ) -> None:
        require_extra("constrained decoding", "constrained", "llguidance")
        from llguidance import LLMatcher

        written = write_grammar(contract.tree, zoned=contract.model is None, compiles=_compiles)
        self.gaps: tuple[Gap, ...] = written.gaps
        self.free_keys = written.free_keys
        """Whether some object has keys that are not declared, and whether these can run out."""
        if self.gaps and not best_effort:
            gap = self.gaps[0]
            raise SchemaError(
                gap.path,
                f"decoding cannot enforce {gap.keyword!r}; decode without the constraint, or as "
                "far as it goes (best_effort, on the command line --best-effort)",
            )
        grammar = LLMatcher.grammar_from_json_schema(
            canonical_json(written.schema), overrides=_OPTIONS
        )
        engine_tokenizer = _engine_tokenizer(tokenizer, vocabulary)
        problem = LLMatcher.validate_grammar(grammar, engine_tokenizer)
        if problem:
            raise SchemaError("$", f"the grammar engine refuses the schema: {problem}")
        self._start = LLMatcher(engine_tokenizer, grammar)
        self._free_keys: FreeKeys | None = None
        if self.free_keys is not None:
            limited = self.free_keys == "limited"
            self._free_keys = _free_keys(tokenizer, vocabulary, limited=limited)
        self.mask_words = (vocabulary + 31) // 32
        """Width of a mask in 32-bit words."""
        self._closing_order = cache(lambda: closing_order(tokenizer, vocabulary))
        self._forced: dict[tuple[int, ...], list[int]] = {}

    def closing_order(self) -> torch.Tensor:
        """How much each token brings a completion to its end, shape (vocabulary,)."""
        return self._closing_order()

    def closing_tokens(self, max_new_tokens: int) -> int:
        """How many of the last tokens before a limit bring a completion to a valid end.

        A quarter of the limit, and up to a half where the contract's keys alone take more.
        """
        return max(max_new_tokens // 4, min(max_new_tokens // 2, self._shortest * 5 // 4))

    @cached_property
    def _shortest(self) -> int:
        """Tokens of a completion that comes to its end from its first token on."""
        order, state = self.closing_order(), self.start()
        mask = np.zeros((1, self.mask_words), dtype=np.int32)
        for count in range(_LONGEST_CLOSING):
            if state.ended:
                return count
            state.fill_mask(mask[0])
            if not state.accept(int(masked(order[None], mask).argmax())):
                break
        return _LONGEST_CLOSING

    def start(self) -> ConstraintState:
        """The state before the first token."""
        if len(self._forced) > _MOST_FORCED:
            self._forced.clear()
        trail = self._free_keys.trail() if self._free_keys is not None else None
        return ConstraintState(self._start.deep_copy(), self._forced, trail)


class ConstraintState:
    """Where one completion stands in the grammar.

    Args:
        matcher: the grammar engine's state before the first token.
        forced: what is known to be forced after which tokens; it grows. Drafts pass the same
            places again and again, and the engine takes longer to tell than all else of a guess.
        trail: follows the keys, where some object has free ones.
    """

    def __init__(
        self,
        matcher: LLMatcher,
        forced: dict[tuple[int, ...], list[int]],
        trail: KeyTrail | None = None,
    ) -> None:
        self._matcher = matcher
        self._known = forced
        self._trail = trail
        self._tokens: list[int] = []

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
        short = len(self._tokens) <= _LONGEST_REMEMBERED
        place = tuple(self._tokens) if short else ()
        forced = self._known.get(place) if short else None
        if forced is None:
            forced = [] if self.ended else self._matcher.compute_ff_tokens()
            if self._trail is not None:
                forced = forced[: self._trail.fits(forced)]
            if short and not self.failed:
                self._known[place] = forced
        return forced

    def accept(self, *tokens: int) -> bool:
        """Takes tokens up to the first that may not follow; says whether it took them all."""
        taken = self._matcher.try_consume_tokens(list(tokens))
        if self._trail is not None:
            fitting = self._trail.fits(tokens[:taken])
            self._trail.accept(tokens[:fitting])
            if fitting < taken:
                self._matcher.rollback(taken - fitting)
                taken = fitting
        self._tokens += tokens[:taken]
        return taken == len(tokens)

    def rollback(self, count: int) -> None:
        """Takes the last tokens back."""
        if count:
            self._matcher.rollback(count)
            del self._tokens[-count:]
            if self._trail is not None:
                self._trail.rollback(count)

    def fill_mask(self, row: Masks) -> None:
        """Writes one bit a token, 1 where it may follow; shape (mask words,)."""
        self._matcher.unsafe_compute_mask_ptr(row.ctypes.data, row.nbytes)
        if self._trail is not None:
            self._trail.bar(row, self._matcher)


@dataclass(frozen=True, slots=True)
class MaskJob:
    """The masks that one row needs: before every token that is free, and after the last.

    The state stands behind the last token, before and after.
    """

    state: ConstraintState
    tokens: Sequence[int]
    free: Sequence[bool]
    first_row: int
    """Row of the first mask; the others follow."""
    after_last: bool

    def run(self, masks: Masks) -> None:
        """Fills the masks and leaves the state as it was."""
        self.state.rollback(len(self.tokens))
        row, taken = self.first_row, 0
        for place, free in enumerate(self.free):
            if free:
                self.state.accept(*self.tokens[taken:place])
                self.state.fill_mask(masks[row])
                row, taken = row + 1, place
        self.state.accept(*self.tokens[taken:])
        if self.after_last:
            self.state.fill_mask(masks[row])


# Reading a vocabulary takes up to a second; every contract of a process can share it.
_engine_tokenizers: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()


def _engine_tokenizer(tokenizer: Any, vocabulary: int) -> Any:
    known = _engine_tokenizers.setdefault(tokenizer, {})
    if vocabulary not in known:
        from llguidance.hf import from_tokenizer

        known[vocabulary] = from_tokenizer(tokenizer, n_vocab=vocabulary)
    return known[vocabulary]


_token_keys: WeakKeyDictionary[Any, dict[tuple[int, bool], FreeKeys]] = WeakKeyDictionary()


def _free_keys(tokenizer: Any, vocabulary: int, *, limited: bool) -> FreeKeys:
    known = _token_keys.setdefault(tokenizer, {})
    if (vocabulary, limited) not in known:
        engine = _engine_tokenizer(tokenizer, vocabulary)
        texts = [engine.decode_bytes([token]) for token in range(vocabulary)]
        known[vocabulary, limited] = FreeKeys(texts, limited=limited)
    return known[vocabulary, limited]


@lru_cache(maxsize=4096)
def _compiles_text(schema: str) -> bool:
    from llguidance import LLMatcher

    return not LLMatcher.validate_grammar(LLMatcher.grammar_from_json_schema(schema))


def _compiles(schema: Schema) -> bool:
    return _compiles_text(canonical_json(schema))
