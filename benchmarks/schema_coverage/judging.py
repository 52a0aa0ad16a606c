"""Runs one tool on one subject within a limit of processor time, and judges what it gives."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import jsonschema_rs
from benchmarks.schema_coverage.corpora import Subject
from benchmarks.schema_coverage.few import most_instances
from benchmarks.schema_coverage.tools import Tool, contract_of

from schemalora.errors import SchemaError, SchemaloraError
from schemalora.schema.members import draft_of, with_dialect

WANTED = 20
"""Distinct instances a tool must give, unless there are not as many."""
GOOD = frozenset({"done", "exhausted"})


class OutOfTimeError(BaseException):
    """Not an Exception, so that no tool catches it."""


class InvalidError(Exception):
    """An instance that its model or schema refuses."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a tool fared on a subject."""

    outcome: str
    """`done`; `exhausted`: all the instances there are, fewer than 20; `few`: fewer than that;
    `invalid`, `refused` (a `SchemaError`), `timeout`, or `error`."""
    distinct: int
    seconds: float
    """Processor time of the process, system time included."""
    detail: str = ""


def _limit(seconds: float) -> None:
    """Raises `OutOfTimeError` once the process has used so many seconds more.

    The kernel's timer counts by its ticks and may ring early: then it is wound up again.
    """
    end = time.process_time() + seconds

    def ring(signum: int, frame: FrameType | None) -> None:
        # Wound up in any case: what is raised inside a finaliser is lost, and must be raised again.
        left = end - time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, max(left, 0.01))
        if left <= 0:
            raise OutOfTimeError

    signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def judge(tool: Tool, subject: Subject, seconds: float) -> Verdict:
    """The verdict on one tool and one subject; the limit is processor time, not that on a clock."""
    wanted = _wanted(subject)
    started = time.process_time()
    found: set[str] = set()
    _limit(seconds)
    try:
        outcome, detail = _outcome(tool, subject, wanted, found)
    except OutOfTimeError:
        outcome, detail = "timeout", f"after {len(found)} of {wanted} distinct instances"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return Verdict(outcome, len(found), round(time.process_time() - started, 3), detail)


def _outcome(tool: Tool, subject: Subject, wanted: int, found: set[str]) -> tuple[str, str]:
    try:
        for text in _valid(tool, subject):
            found.add(text)
            if len(found) >= wanted:
                return ("done" if wanted == WANTED else "exhausted"), ""
    except InvalidError as error:
        return "invalid", str(error)[:300]
    except SchemaError as error:
        return "refused", str(error)[:300]
    except Exception as error:
        return "error", f"{type(error).__name__}: {error}"[:300]
    return "few", f"{len(found)} of {wanted}"


def _valid(tool: Tool, subject: Subject) -> Iterator[str]:
    check = _checker(subject)
    for text in tool.draw(subject):
        if not tool.objects:
            check(text)
        yield text


def _checker(subject: Subject) -> Callable[[str], None]:
    """A function that raises for an instance that is none; it is not ours, whoever is judged."""
    if isinstance(subject, type):
        model = subject

        def by_model(text: str) -> None:
            try:
                model.model_validate_json(text)
            except Exception as error:
                raise InvalidError(f"{text[:120]}: {error}") from error

        return by_model
    return _by_schema(subject)


def _by_schema(schema: Any) -> Callable[[str], None]:
    """Formats are not asserted: the tools differ in which they know."""
    validator = jsonschema_rs.validator_for(
        with_dialect(schema, draft_of(schema)) if isinstance(schema, dict) else schema,
        validate_formats=False,
        offline=True,
    )

    def check(text: str) -> None:
        try:
            validator.validate(json.loads(text))
        except ValueError as error:
            raise InvalidError(f"{text[:120]}: {error}"[:300]) from error

    return check


def _wanted(subject: Subject) -> int:
    try:
        return most_instances(contract_of(subject), WANTED)
    except SchemaloraError:
        return WANTED
