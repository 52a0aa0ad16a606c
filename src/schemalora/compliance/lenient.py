"""What a lenient reader would have cut out of a completion that is not valid JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_FENCE = re.compile(r"```[\w-]*+[ \t]*+\r?+\n?+(.*?)```", re.DOTALL | re.ASCII)
_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()
# Bounds, so that no completion makes the search quadratic.
_LONGEST = 100_000
_MOST_TRIES = 32


def lenient_candidates(completion: str) -> Iterator[str]:
    """Texts that fences or prose hid, most likely first: fenced blocks, then objects in prose.

    Nothing is repaired: each candidate is to be parsed as strictly as a whole completion. An object
    that the completion's end cuts off hides nothing; the whole objects inside it are not its value.
    """
    completion = completion[:_LONGEST]
    for number, fence in enumerate(_FENCE.finditer(completion)):
        if number == _MOST_TRIES:
            return
        yield fence.group(1).strip()
    position = 0
    for _ in range(_MOST_TRIES):
        opening = _OPENING.search(completion, position)
        if opening is None:
            return
        try:
            _, end = _DECODER.raw_decode(completion, opening.start())
        except json.JSONDecodeError as error:
            if _is_cut_off(error):
                return
            position = opening.start() + 1
        except RecursionError:
            return
        else:
            yield completion[opening.start() : end]
            position = end


def _is_cut_off(error: json.JSONDecodeError) -> bool:
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
