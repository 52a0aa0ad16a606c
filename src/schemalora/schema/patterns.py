"""Regular expressions of schemas, matched in bounded time.

They are matched by jsonschema-rs, whose engine gives up after a fixed number of steps: no pattern
can hang. Python's `re` only parses them, for the generator (see `pattern_syntax`). Both are handed
the plain dialect (see `pattern_dialect`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import jsonschema_rs

from schemalora.schema.pattern_dialect import plain_pattern

BACKTRACK_LIMIT = 100_000
"""Steps of one regular expression on one string; what needs more does not match."""


def pattern_options() -> jsonschema_rs.FancyRegexOptions:
    """The bounded engine, with look-around and back-references."""
    return jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT)


def pattern_error(pattern: str) -> str | None:
    """Why a pattern cannot be compiled, or None where it can."""
    try:
        _validator(pattern)
    except (ValueError, jsonschema_rs.ValidationError):
        return "it is no regular expression of ECMA-262, or counts too far for the engine"
    return None


@lru_cache(maxsize=4096)
def searcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells, in bounded time, whether the pattern occurs in a string."""
    matcher = _validator(pattern)

    def found(text: str) -> bool:
        try:
            return matcher.is_valid(text)
        except UnicodeEncodeError:
            return False

    return found


def _validator(pattern: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"pattern": plain_pattern(pattern)}
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=pattern_options())
