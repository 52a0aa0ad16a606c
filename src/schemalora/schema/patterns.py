"""Regular expressions of schemas, matched in bounded time.

They are matched by jsonschema-rs, whose engine gives up after a fixed number of steps: no pattern
can hang. Python's `re` only parses them, for the generator (see `pattern_syntax`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import jsonschema_rs

BACKTRACK_LIMIT = 100_000
"""Steps of one regular expression on one string; what needs more does not match."""


def pattern_options() -> jsonschema_rs.FancyRegexOptions:
    """The bounded engine, with look-around and back-references."""
    return jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT)


def pattern_error(pattern: str) -> str | None:
    """Why a pattern cannot be compiled, or None where it can."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=pattern_options())
    except (ValueError, jsonschema_rs.ValidationError) as error:
        return str(error).splitlines()[0]
    return None


@lru_cache(maxsize=4096)
def searcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells, in bounded time, whether the pattern occurs in a string."""
    matcher = jsonschema_rs.Draft202012Validator(
        {"pattern": pattern}, pattern_options=pattern_options()
    )

    def found(text: str) -> bool:
        try:
            return matcher.is_valid(text)
        except UnicodeEncodeError:
            return False

    return found
