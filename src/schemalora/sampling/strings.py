"""Strings: by format, by pattern, or as plain words."""

from __future__ import annotations

from collections.abc import Callable

from schemalora.errors import SamplingError
from schemalora.sampling.formats import FORMAT_WRITERS, PLAUSIBLE
from schemalora.sampling.regex import draw_matching
from schemalora.sampling.source import Source
from schemalora.schema import StringNode
from schemalora.schema.formats import KNOWN_FORMATS
from schemalora.schema.matching import string_fits

_ATTEMPTS = 60
_MAX_EXTRA = 4_000


def draw_string(node: StringNode, source: Source, *, effort: int = 0) -> str:
    """A string of the node's length, patterns and formats.

    Args:
        node: what the string must be.
        source: where choices come from.
        effort: 0 for plain words; more where those were refused by a validator nobody can see.

    Raises:
        SamplingError: no such string was found in many attempts.
    """
    writer = FORMAT_WRITERS.get(node.formats[0]) if node.formats else None
    if effort and not node.patterns:
        text = PLAUSIBLE[source.integer(0, len(PLAUSIBLE) - 1)]
        if string_fits(node, text):
            return text
    if writer is None and not node.patterns:
        if node.encoding == "base64":
            return FORMAT_WRITERS["base64"](source)
        return source.text(node.min_length, node.max_length)
    for attempt in range(_ATTEMPTS):
        if writer is not None and (not node.patterns or attempt % 2 == 0):
            text = _fitted(writer(source), node, source)
        else:
            text = _by_pattern(node, source, attempt)
        if string_fits(node, text):
            return text
    raise SamplingError(f"no string was found for {_what(node)} in {_ATTEMPTS} attempts")


def _by_pattern(node: StringNode, source: Source, attempt: int) -> str:
    """A string for one of the patterns; the repeats and the reading of look-aheads vary."""
    pattern = node.patterns[attempt % len(node.patterns)]
    extra = (3, 8, 1, 20, 0)[attempt % 5]
    if node.max_length is not None and attempt < 30:
        extra = min(extra, node.max_length)
    if node.min_length > 3:
        extra = max(extra, min(_MAX_EXTRA, node.min_length + attempt % 7))
    text = draw_matching(pattern, source, extra=extra, lookahead=attempt % 2 == 1)
    return _fitted(text, node, source)


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


Writer = Callable[[Source], str]
