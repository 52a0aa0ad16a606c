r"""No key twice: what the grammar of an object with free keys cannot see.

A grammar has no memory of the keys that a map already has. So the text is followed as it grows, and
a token is refused where it would close a key that its object has already. Where keys are limited
(by a pattern, an enum), tokens are also refused that lead to where no other key is left.

A key can be told by its bytes because it has one spelling only: an escape that is not needed, as in
`\u0061`, is refused. It would also hide a declared key from the grammar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from schemalora.inference.choosing import Masks

if TYPE_CHECKING:
    from llguidance import LLMatcher

    Tokens = np.ndarray[Any, np.dtype[np.int64]]

# Bytes that may change where a text stands, one by one, and what lies between them.
_PIECES = re.compile(rb'["\\{}\[\],]|[^"\\{}\[\],]+')

# The escapes that a character cannot do without, and what each of them starts with.
_ESCAPES = {json.dumps(chr(code))[1:-1].encode() for code in (*range(32), ord('"'), ord("\\"))}
_ESCAPE_STARTS = {escape[:end] for escape in _ESCAPES for end in range(1, len(escape))}


class Part(Enum):
    """What a text is in the middle of."""

    KEY = "a key"
    STRING = "a string that is no key"
    BEFORE_KEY = "between `{` or `,` and a key"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the text of a compact JSON value stands, as far as keys go."""

    keys: tuple[frozenset[bytes] | None, ...] = ()
    """The keys of the open objects, from the outside in; None for an array."""
    part: Part = Part.ELSEWHERE
    key: bytes = b""
    """What there is of the key under way, without its quote."""
    escape: bytes = b""
    """What there is of an escape under way."""
    refused: bool = False
    """A key came twice, or in another spelling than its plain one."""

    @property
    def narrow(self) -> bool:
        """Whether it may be that no other key than those used can follow."""
        if self.part is Part.BEFORE_KEY:
            return bool(self.keys[-1])
        if self.part is not Part.KEY:
            return False
        return bool(self.escape) or any(key.startswith(self.key) for key in self.keys[-1] or ())

    def after(self, text: bytes) -> Place:
        """Where the text stands once more of it is there."""
        place = self
        for piece in _PIECES.findall(text):
            in_string = place.part in (Part.KEY, Part.STRING)
            place = place._in_string(piece) if in_string else place._outside(piece)
            if place.refused:
                break
        return place

    def _in_string(self, piece: bytes) -> Place:
        if self.escape:
            return self._in_escape(piece)
        if piece == b"\\":
            return replace(self, escape=piece)
        if piece != b'"':
            return replace(self, key=self.key + piece) if self.part is Part.KEY else self
        if self.part is Part.STRING:
            return replace(self, part=Part.ELSEWHERE)
        used = self.keys[-1]
        if used is None or self.key in used:
            return replace(self, refused=True)
        keys = (*self.keys[:-1], used | {self.key})
        return Place(keys=keys)

    def _in_escape(self, piece: bytes) -> Place:
        if self.part is Part.STRING:
            # What follows the one byte behind a backslash is text like any other.
            return replace(self, escape=b"")
        for end in range(1, len(piece) + 1):
            escape = self.escape + piece[:end]
            if escape in _ESCAPES:
                return replace(self, key=self.key + escape + piece[end:], escape=b"")
            if escape not in _ESCAPE_STARTS:
                return replace(self, refused=True)
        return replace(self, escape=self.escape + piece)

    def _outside(self, piece: bytes) -> Place:
        match piece:
            case b"{":
                return Place(keys=(*self.keys, frozenset()), part=Part.BEFORE_KEY)
            case b"[":
                return Place(keys=(*self.keys, None))
            case b"}" | b"]":
                return Place(keys=self.keys[:-1])
            case b",":
                in_object = self.keys and self.keys[-1] is not None
                return replace(self, part=Part.BEFORE_KEY if in_object else Part.ELSEWHERE)
            case b'"':
                before_key = self.part is Part.BEFORE_KEY
                return replace(self, part=Part.KEY if before_key else Part.STRING)
            case _:
                return self


class FreeKeys:
    """Which tokens of a vocabulary may bring a key, and what each of them writes.

    Args:
        texts: the bytes of every token.
        limited: whether the keys of some object can run out.
    """

    def __init__(self, texts: Sequence[bytes], *, limited: bool) -> None:
        self.texts = texts
        self.limited = limited
        self._by_text: dict[bytes, list[int]] = {}
        for token, text in enumerate(texts):
            self._by_text.setdefault(text, []).append(token)
        # No key ends, and none is come to, without these.
        quotes, commas, escapes = (self._with(sign) for sign in (b'"', b",", b"\\"))
        self._bringing = {
            Part.KEY: np.union1d(quotes, escapes),
            Part.STRING: np.intersect1d(quotes, commas),
            Part.BEFORE_KEY: np.union1d(quotes, commas),
            Part.ELSEWHERE: commas,
        }
        self._all = np.arange(len(texts))

    def _with(self, sign: bytes) -> Tokens:
        return np.array([i for i, text in enumerate(self.texts) if sign in text], dtype=np.int64)

    def trail(self) -> KeyTrail:
        """The keys of one completion, before its first token."""
        return KeyTrail(self)

    def watched(self, place: Place) -> Tokens:
        """The tokens that may lead from a place to one that is refused or narrow."""
        if place.part is not Part.KEY:
            return self._bringing[place.part]
        if place.escape:
            return self._all
        used = place.keys[-1] or () if self.limited else ()
        rests = [key[len(place.key) :] for key in used if key.startswith(place.key)]
        starts = {rest[:end] for rest in rests for end in range(1, len(rest) + 1)}
        longer = [token for start in starts for token in self._by_text.get(start, ())]
        return np.union1d(self._bringing[Part.KEY], np.array(longer, dtype=np.int64))


class KeyTrail:
    """The keys of one completion, followed token by token."""

    def __init__(self, free_keys: FreeKeys) -> None:
        self._free_keys = free_keys
        self._places = [Place()]
        """Before the first token, and after each."""

    def fits(self, tokens: Sequence[int]) -> int:
        """How many of the tokens that may come next bring no key twice."""
        place = self._places[-1]
        for count, token in enumerate(tokens):
            place = place.after(self._free_keys.texts[token])
            if place.refused:
                return count
        return len(tokens)

    def accept(self, tokens: Sequence[int]) -> None:
        """Goes on by tokens that fit."""
        for token in tokens:
            self._places.append(self._places[-1].after(self._free_keys.texts[token]))

    def rollback(self, count: int) -> None:
        """Goes back by so many tokens."""
        if count:
            del self._places[-count:]

    def bar(self, mask: Masks, matcher: LLMatcher) -> None:
        """Takes out of a mask what brings a key twice, or leads to where that is all that is left.

        Args:
            mask: what the grammar lets through, shape (mask words,).
            matcher: the grammar engine's state at the same place; it is left as it was.
        """
        place, known = self._places[-1], dict[Place, bool]()
        for token in self._allowed(mask, place):
            if not self._open(place.after(self._free_keys.texts[token]), token, matcher, known):
                mask.view(np.uint32)[token >> 5] &= np.uint32(~(1 << (token & 31)) & 0xFFFFFFFF)

    def _allowed(self, mask: Masks, place: Place) -> list[int]:
        watched = self._free_keys.watched(place)
        return watched[(mask[watched >> 5] >> (watched & 31)) & 1 == 1].tolist()

    def _open(self, place: Place, token: int, matcher: LLMatcher, known: dict[Place, bool]) -> bool:
        """Whether a completion can go on behind a token that leads to a place."""
        if place.refused or not (self._free_keys.limited and place.narrow):
            return not place.refused
        if place not in known:
            matcher.try_consume_tokens([token])
            known[place] = self._leads_on(place, matcher, known)
            matcher.rollback(1)
        return known[place]

    def _leads_on(self, place: Place, matcher: LLMatcher, known: dict[Place, bool]) -> bool:
        """Whether some token may follow at a narrow place.

        Where one does that leads away from all used keys, the grammar vouches for the rest.
        """
        mask = np.zeros((len(self._free_keys.texts) + 31) // 32, dtype=np.int32)
        matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        watched = self._allowed(mask, place)
        if int(np.unpackbits(mask.view(np.uint8)).sum()) > len(watched):
            return True
        texts = self._free_keys.texts
        return any(self._open(place.after(texts[one]), one, matcher, known) for one in watched)
