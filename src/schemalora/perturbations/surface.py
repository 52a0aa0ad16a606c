"""Perturbations of how a text is typed: letters, case, punctuation, slang, emoji, white space."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from schemalora.perturbations.passage import Passage, pick

_WORD = re.compile(r"(?<![\w@/.-])[A-Za-z]{4,}(?![\w@/-])")
_ANY_WORD = re.compile(r"(?<![\w@/.-])[A-Za-z']+(?![\w@/-])")
# A mark between two runs of text holds them apart and stays.
_PUNCTUATION = re.compile(r"[.,;:!?]+(?=\s)|(?<=[A-Za-z])'(?=[A-Za-z])")
_LAST_MARKS = re.compile(r"[.,;:!?]+$")
_SPACE = re.compile(r" (?=\S)")

# Neighbours on a QWERTY keyboard.
_KEYS = {
    "a": "qwsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc",
    "g": "ftyhbv", "h": "gyujnb", "i": "ujko", "j": "huikmn", "k": "jiolm", "l": "kop",
    "m": "njk", "n": "bhjm", "o": "iklp", "p": "ol", "q": "wa", "r": "edft", "s": "awedxz",
    "t": "rfgy", "u": "yhji", "v": "cfgb", "w": "qase", "x": "zsdc", "y": "tghu", "z": "asx",
}  # fmt: skip

_SLANG = {
    "you": "u", "your": "ur", "are": "r", "please": "pls", "thanks": "thx", "thank": "thx",
    "and": "n", "because": "bc", "tomorrow": "tmrw", "before": "b4", "message": "msg",
    "people": "ppl", "going": "goin", "want": "wanna", "about": "abt", "though": "tho",
    "really": "rly", "with": "w/", "without": "w/o", "for": "4", "to": "2", "see": "c",
    "something": "smth", "what": "wat", "know": "kno", "okay": "ok", "have": "hv", "this": "dis",
}  # fmt: skip
_SLANG_ASIDES = ("lol", "tbh", "imo", "btw", "omg", "smh", "ngl", "idk", "fr", "yo")
_EMOJI = ("🙂", "😕", "😡", "🙏", "👍", "😭", "📦", "🤔", "😅", "❤️", "🙄", "✨", "😤", "👋")


@dataclass(frozen=True, slots=True)
class Typos:
    """Keyboard slips inside words of four letters and more: swap, drop, double, neighbour key."""

    rate: float = 0.12
    """The share of such words that get a slip; one always does."""
    name: str = "typos"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Makes slips; the first letter of a word stays."""
        slip = _slip
        rate = self.rate

        def change(match: re.Match[str]) -> str:
            return slip(match.group(), rng) if rng.random() < rate else match.group()

        edited = passage.edit(lambda text: _WORD.sub(change, text))
        if edited.pieces != passage.pieces:
            return edited
        words = sum(len(_WORD.findall(text)) for text, held in passage.pieces if not held)
        return _slip_once(passage, int(rng.random() * words), rng) if words else passage


def _slip_once(passage: Passage, chosen: int, rng: Random) -> Passage:
    left = chosen

    def change(match: re.Match[str]) -> str:
        nonlocal left
        left -= 1
        return _slip(match.group(), rng) if left == -1 else match.group()

    return passage.edit(lambda text: _WORD.sub(change, text))


def _slip(word: str, rng: Random) -> str:
    at = 1 + int(rng.random() * (len(word) - 2))
    kind = int(rng.random() * 4)
    if kind == 0 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + pick(rng, _KEYS[word[at].lower()]) + word[at + 1 :]


@dataclass(frozen=True, slots=True)
class Casing:
    """Writes the text in one case: all lower, ALL UPPER, or sentences that begin in lower case."""

    styles: tuple[str, ...] = ("lower", "upper", "swap_first")
    name: str = "casing"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Draws a style and applies it."""
        style = pick(rng, self.styles)
        if style == "lower":
            return passage.edit(str.lower)
        if style == "upper":
            return passage.edit(str.upper)
        return passage.edit(
            lambda text: _ANY_WORD.sub(
                lambda match: (
                    match.group().swapcase()
                    if len(match.group()) == 1
                    else match.group()[0].swapcase() + match.group()[1:]
                    if rng.random() < 0.5
                    else match.group()
                ),
                text,
            )
        )


@dataclass(frozen=True, slots=True)
class DroppedPunctuation:
    """Drops punctuation, except where it holds words or numbers apart."""

    rate: float = 0.9
    name: str = "dropped_punctuation"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Drops each mark with the given rate."""
        rate = self.rate

        def change(match: re.Match[str]) -> str:
            return "" if rng.random() < rate else match.group()

        edited = passage.edit(lambda text: _PUNCTUATION.sub(change, text))
        *rest, (last, held) = edited.pieces or (("", True),)
        return edited if held else Passage((*rest, (_LAST_MARKS.sub(change, last), held)))


@dataclass(frozen=True, slots=True)
class ChatSlang:
    """Writes words as people do in chats, and adds an aside."""

    rate: float = 0.7
    name: str = "chat_slang"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Replaces known words with the given rate; adds an aside half of the time."""
        rate = self.rate

        def change(match: re.Match[str]) -> str:
            word = match.group()
            short = _SLANG.get(word.lower())
            return short if short is not None and rng.random() < rate else word

        edited = passage.edit(lambda text: _ANY_WORD.sub(change, text))
        if rng.random() < 0.5 or edited.pieces == passage.pieces:
            return edited.after(" " + pick(rng, _SLANG_ASIDES))
        return edited


@dataclass(frozen=True, slots=True)
class Emoji:
    """Adds one to three emoji."""

    emoji: tuple[str, ...] = _EMOJI
    name: str = "emoji"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Puts each between sentences or at an end."""
        for _ in range(1 + int(rng.random() * 3)):
            passage = passage.insert(pick(rng, self.emoji), rng)
        return passage


@dataclass(frozen=True, slots=True)
class WhiteSpace:
    """Doubles spaces, breaks lines, and adds white space at the ends; removes none."""

    rate: float = 0.2
    name: str = "white_space"

    def __call__(self, passage: Passage, rng: Random, /) -> Passage:
        """Stretches each space with the given rate."""
        rate = self.rate

        def change(match: re.Match[str]) -> str:
            return pick(rng, ("  ", "   ", "\n", " \n")) if rng.random() < rate else match.group()

        edited = passage.edit(lambda text: _SPACE.sub(change, text))
        return edited.after(pick(rng, (" ", "\n", "  ", "\n\n")))
