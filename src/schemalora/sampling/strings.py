"""Strings: by format, by pattern, or as plain words."""

from __future__ import annotations

import re
from functools import lru_cache

from schemalora.errors import SamplingError
from schemalora.sampling.formats import FORMAT_WRITERS, PLAUSIBLE
from schemalora.sampling.regex import draw_matching
from schemalora.sampling.source import WORDS, Source
from schemalora.sampling.temporal import draw_between
from schemalora.schema import StringNode
from schemalora.schema.formats import KNOWN_FORMATS
from schemalora.schema.matching import string_fits

_ATTEMPTS = 60
_REPEATS = 3
"""How many more repeats one step of stretch allows."""
_MAX_EXTRA = 4_000
_ANCHOR = re.compile(r"\^|\$|\\[AzZ]")


def draw_string(node: StringNode, source: Source, *, effort: int = 0, stretch: int = 0) -> str:
    """A string of the node's length, patterns and formats.

    Args:
        node: what the string must be.
        source: where choices come from.
        effort: 0 for plain words; more where those were refused by a validator nobody can see.
        stretch: how many more than the usual few repeats a pattern may have.

    Raises:
        SamplingError: no such string was found in many attempts.
    """
    writer = FORMAT_WRITERS.get(node.formats[0]) if node.formats else None
    between = draw_between(node, source)
    if between is not None and string_fits(node, between):
        return between
    if effort:
        text = _unusual(node, source, effort)
        if text is not None:
            return text
    if writer is None and not node.patterns:
        if node.encoding == "base64":
            return FORMAT_WRITERS["base64"](source)
        return source.text(node.min_length, node.max_length)
    for attempt in range(_ATTEMPTS):
        if writer is None:
            text = _by_pattern(node, source, attempt, stretch)
        elif node.patterns and attempt % 2:
            text = _by_both(node, source, attempt, writer(source))
        else:
            text = _fitted(writer(source), node, source)
        if string_fits(node, text):
            return text
    raise SamplingError(f"no string was found for {_what(node)} in {_ATTEMPTS} attempts")


def _unusual(node: StringNode, source: Source, effort: int) -> str | None:
    """What validators nobody can see often ask for; None where the usual is to be tried again."""
    if node.formats and effort % 4 in (1, 3):
        writer = FORMAT_WRITERS.get(node.formats[0])
        if writer is None:
            return None
        return writer(source)
    if effort % 4 == 3:
        return None
    plausible = PLAUSIBLE if effort % 4 == 0 else _plausible(node)
    if not plausible:
        return None
    text = plausible[source.integer(0, len(plausible) - 1)]
    return text if effort % 3 else variation(text, source)


def _by_pattern(node: StringNode, source: Source, attempt: int, stretch: int) -> str:
    """A string for one of the patterns; the repeats and the reading of look-aheads vary."""
    pattern = node.patterns[attempt % len(node.patterns)]
    extra = (3, 8, 1, 20, 0)[attempt % 5] + _REPEATS * stretch
    if node.max_length is not None and attempt < 30:
        extra = min(extra, node.max_length)
    if node.min_length > 3:
        extra = max(extra, min(_MAX_EXTRA, node.min_length + attempt % 7))
    text = draw_matching(pattern, source, extra=extra, lookahead=attempt % 2 == 1)
    if stretch and not _ANCHOR.search(pattern):
        text = source.text(0, stretch) + text + source.text(0, stretch)
    return _fitted(text, node, source)


def _by_both(node: StringNode, source: Source, attempt: int, formatted: str) -> str:
    """What the pattern asks for, and where it says no more, the rest of a string of the format."""
    text = _by_pattern(node, source, attempt // 2, 0)
    return text if attempt % 4 == 1 else text + formatted[len(text) :]


def _fitted(text: str, node: StringNode, source: Source) -> str:
    """Lengthened where it is too short; whether the pattern bears that is checked by the caller."""
    missing = node.min_length - len(text)
    if missing <= 0:
        return text
    anchored_end = any(pattern.endswith(("$", r"\Z", r"\z")) for pattern in node.patterns)
    filler = source.text(missing, missing)
    return filler + text if anchored_end else text + filler


def _what(node: StringNode) -> str:
    parts = [f"the pattern {pattern!r}" for pattern in node.patterns]
    parts += [f"the format {name!r}" for name in node.formats if name in KNOWN_FORMATS]
    if node.min_length or node.max_length is not None:
        parts.append(f"a length of {node.min_length} to {node.max_length}")
    return " and ".join(parts) or "a string"


_RUNS = re.compile(r"[0-9]+|[a-z]+|[A-Z]+")


def variation(text: str, source: Source) -> str:
    """The same shape with other letters or digits in one place: `v1.2.3` becomes `v1.7.3`."""
    runs = list(_RUNS.finditer(text))
    if not runs:
        return text
    run = runs[source.integer(0, len(runs) - 1)]
    old = run.group()
    if old.isdigit():
        new = str(source.integer(0, 10 ** min(len(old), 9) - 1)).zfill(len(old))
    else:
        word = WORDS[source.integer(0, len(WORDS) - 1)]
        word = (word * (1 + len(old) // len(word)))[: len(old)] if len(old) < 5 else word
        new = word.upper() if old.isupper() else word
    return text[: run.start()] + new + text[run.end() :]


@lru_cache(maxsize=512)
def _plausible(node: StringNode) -> tuple[str, ...]:
    """The plausible strings that have the node's length, patterns and formats."""
    return tuple(text for text in PLAUSIBLE if string_fits(node, text))
