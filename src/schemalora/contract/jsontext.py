"""Strict, bounded reading of a completion: one RFC 8259 value, no duplicate names, no NaN."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Never, cast

from schemalora.contract.outcome import NotJsonCause, Violation
from schemalora.jsonvalue import JsonValue
from schemalora.schema import ROOT, child_path

MAX_LENGTH = 1_000_000
"""Characters; a longer completion is `too_large`."""
MAX_DEPTH = 64
"""Nested arrays and objects; a deeper completion is `too_deep`."""
MAX_DIGITS = 4_000
"""Digits of one integer; a longer one is `too_large`, as is a number beyond the doubles."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """What the text of a completion holds, or why it holds no JSON value."""

    value: JsonValue = None
    valid: bool = False
    violations: tuple[Violation, ...] = ()


class _OddError(ValueError):
    """The text needs the slow, exact reading."""


def _fast_object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _OddError
    return made


def _fast_float(digits: str) -> float:
    number = float(digits)
    if number - number != 0.0:  # an infinity
        raise _OddError
    return number


def _refuse_constant(name: str) -> Never:
    raise _OddError(name)


_fast = json.JSONDecoder(
    object_pairs_hook=_fast_object, parse_float=_fast_float, parse_constant=_refuse_constant
)


def read_fast(text: str) -> JsonText | JsonValue:
    """The value of plain, valid JSON, or what exact reading has to say of anything else."""
    plain = len(text) <= MAX_LENGTH and text.count("[") + text.count("{") <= MAX_DEPTH
    if plain and ("\\u" not in text or _SURROGATE_ESCAPE.search(text) is None):
        try:
            return _fast.decode(text)
        except json.JSONDecodeError as error:
            return _not_json(text, error)  # exact reading would meet the same error
        except ValueError:
            pass
    return read_json_text(text)


def read_json_text(text: str) -> JsonText:
    """Reads a completion; time and memory are linear in its length, and nothing is raised."""
    if len(text) > MAX_LENGTH:
        message = f"{len(text):,} characters, at most {MAX_LENGTH:,} are read"
        return JsonText(violations=(Violation("too_large", ROOT, message),))
    if text.count("[") + text.count("{") > MAX_DEPTH and (levels := depth(text)) > MAX_DEPTH:
        message = f"nested {levels:,} levels deep, at most {MAX_DEPTH} are read"
        return JsonText(violations=(Violation("too_deep", ROOT, message),))
    return _read_exactly(text)


_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEPTH_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def depth(text: str) -> int:
    """How deep brackets are nested outside strings, whether or not the text is JSON."""
    level = deepest = 0
    for token in _DEPTH_TOKENS.findall(text):
        if token in "[{":
            level += 1
            deepest = max(deepest, level)
        elif token in "]}":
            level -= 1
    return deepest


class _Object(dict[str, Any]):
    """An object that remembers which names stood there twice."""

    duplicates: tuple[str, ...] = ()


class _TooLarge:
    """Stands for a number that cannot be held."""


def _exact_object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        made.duplicates = tuple(name for name, count in counts.items() if count > 1)
    return made


def _exact_float(digits: str) -> float | _TooLarge:
    number = float(digits)
    return _TooLarge() if number - number != 0.0 else number


def _exact_int(digits: str) -> int | _TooLarge:
    return _TooLarge() if len(digits) > MAX_DIGITS else int(digits)


_exact = json.JSONDecoder(
    object_pairs_hook=_exact_object,
    parse_float=_exact_float,
    parse_int=_exact_int,
    parse_constant=_refuse_constant,
)


def _read_exactly(text: str) -> JsonText:
    try:
        value = _exact.decode(text)
    except ValueError as error:
        return _not_json(text, error)
    found: list[Violation] = []
    plain = _plain(value, ROOT, found)
    if any(violation.kind == "too_large" for violation in found):
        return JsonText(violations=tuple(found))
    return JsonText(plain, valid=True, violations=tuple(found))


def _not_json(text: str, error: ValueError) -> JsonText:
    message = f"not JSON: {error}" if str(error) else "not JSON"
    return JsonText(violations=(Violation("not_json", ROOT, message, not_json_cause(text)),))


def _plain(value: Any, path: str, found: list[Violation]) -> JsonValue:
    """The value in plain types; what is odd in it goes to `found`."""
    if isinstance(value, _TooLarge):
        found.append(Violation("too_large", path, "a number that no double can hold"))
        return None
    if isinstance(value, str):
        return _text(value, path, found)
    if isinstance(value, _Object):
        for name in value.duplicates:
            found.append(Violation("duplicate_key", child_path(path, name), "named twice"))
        return {
            _text(name, child_path(path, name), found): _plain(item, child_path(path, name), found)
            for name, item in value.items()
        }
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_plain(item, child_path(path, place), found) for place, item in enumerate(items)]
    return value


def _text(value: str, path: str, found: list[Violation]) -> str:
    """The string as UTF-8 can carry it; an escaped half of a surrogate pair is no text."""
    if _SURROGATE.search(value) is None:
        return value
    found.append(Violation("constraint", path, "a lone surrogate is no Unicode text"))
    return _SURROGATE.sub("\ufffd", value)


_MAX_STARTS = 16


def not_json_cause(text: str) -> NotJsonCause:  # noqa: PLR0911  (one for each cause)
    """What was written instead of one JSON value."""
    stripped = text.strip()
    if not stripped:
        return "empty"
    if "```" in stripped and (stripped.startswith("```") or _holds_fenced_json(stripped)):
        return "fenced"
    position, message = _first_error(stripped)
    if _is_truncated(stripped, position, message):
        return "truncated"
    if stripped[position : position + 1] == "'":
        return "single_quotes"
    if stripped[:position].rstrip()[-1:] == "," and stripped[position : position + 1] in "]}":
        return "trailing_comma"
    if stripped[position : position + 1] == "," and stripped[position + 1 :].lstrip()[:1] in "]}":
        return "trailing_comma"
    return "prose_around" if _holds_json(stripped) else "other"


def _first_error(text: str) -> tuple[int, str]:
    try:
        _exact.decode(text)
    except json.JSONDecodeError as error:
        return error.pos, error.msg
    except ValueError:
        return 0, ""
    return 0, ""


def _holds_fenced_json(text: str) -> bool:
    inner = text.split("```", 2)[1]
    return inner.lstrip("jsonJSON5c \t\r\n")[:1] in ("{", "[", '"')


def _is_truncated(text: str, position: int, message: str) -> bool:
    """Whether the text only lacks its end."""
    if text[0] not in '{["' or not message:
        return False
    rest = text[position:]
    if not rest or message.startswith("Unterminated string"):
        return True
    if message.startswith("Invalid \\"):
        return len(text) - position < 6
    if message.startswith("Expecting value"):
        return rest == "-" or any(word.startswith(rest) for word in ("true", "false", "null"))
    return rest in (".", "e", "E", ".e") or re.fullmatch(r"(\.\d*)?([eE][+-]?)?", rest) is not None


def _holds_json(text: str) -> bool:
    """Whether a whole JSON object or array, or any value at the start, stands in the text."""
    try:
        _, end = _exact.raw_decode(text)
    except ValueError:
        return next(whole_values(text), None) is not None
    return end > 0


def whole_values(text: str, *, most: int = _MAX_STARTS) -> Iterator[tuple[int, int]]:
    """Where whole JSON objects and arrays stand in a text, outermost ones only.

    A bracket with JSON behind it that is broken or cut off is passed over as a whole: what is whole
    inside it is not its value. Any other bracket is prose.

    Args:
        text: anything that is not nested too deep to be parsed.
        most: at how many brackets to look, which keeps the search linear.
    """
    position = 0
    for _ in range(most):
        opening = _OPENING.search(text, position)
        if opening is None:
            return
        start = opening.start()
        try:
            _, position = _exact.raw_decode(text, start)
        except json.JSONDecodeError as error:
            position = start + 1 if error.pos <= start + 1 else _bracket_end(text, start)
        except ValueError:
            position = _bracket_end(text, start)
        else:
            yield start, position


_OPENING = re.compile(r"[{\[]")


def _bracket_end(text: str, start: int) -> int:
    """Just behind the bracket that closes the one at `start`; the text's end where none does."""
    level = 0
    for token in _DEPTH_TOKENS.finditer(text, start):
        if token.group() in "[{":
            level += 1
        elif token.group() in "]}":
            level -= 1
            if not level:
                return token.end()
    return len(text)
