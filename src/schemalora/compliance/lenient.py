"""What a lenient reader would have cut out of a completion that is not valid JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemalora.contract.jsontext import whole_values

_FENCE = re.compile(r"```[\w-]*+[ \t]*+\r?+\n?+(.*?)```", re.DOTALL | re.ASCII)
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
# Bounds, so that no completion makes the search quadratic.
_LONGEST = 100_000
_MOST_TRIES = 32


def lenient_candidates(completion: str) -> Iterator[str]:
    """Texts that fences or prose hid, most likely first: fenced blocks, then objects in prose.

    What stands before the end of a block of thinking is no answer. Nothing is repaired: each
    candidate is to be parsed as strictly as a whole completion. An object that is broken, or cut
    off by the completion's end, hides nothing; the whole objects inside it are not its value.
    """
    completion = _THOUGHT.split(completion[:_LONGEST])[-1]
    for number, fence in enumerate(_FENCE.finditer(completion)):
        if number == _MOST_TRIES:
            return
        yield fence.group(1).strip()
    try:
        for start, end in whole_values(completion, most=_MOST_TRIES):
            yield completion[start:end]
    except RecursionError:
        return
