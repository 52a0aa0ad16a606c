"""Runs judgements in forked processes, a few subjects each, and logs each one when it is done.

A tool may hang in compiled code, or eat all memory: then its process is ended, the subject it was
at is logged as killed, and the next process goes on after it. A log that is there already is gone
on with, so a run can be broken off and taken up again.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.schema_coverage.corpora import Subject
from benchmarks.schema_coverage.judging import judge
from benchmarks.schema_coverage.tools import Tool

_CHUNK = 25
_MEMORY = 3 * 2**30
_PATIENCE = 8
"""The clock may run so many times longer than the processor time before a subject is killed."""

Key = tuple[str, str, str]
"""Corpus, tool, subject."""


class Log:
    """The JSONL file of finished judgements; each line is written in one go."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def rows(self) -> dict[Key, dict[str, Any]]:
        """The finished judgements."""
        if not self._path.is_file():
            return {}
        rows: dict[Key, dict[str, Any]] = {}
        for line in self._path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                row = json.loads(line)
                rows[row["corpus"], row["tool"], row["subject"]] = row
        return rows

    def add(self, key: Key, row: Mapping[str, Any]) -> None:
        """Appends one judgement."""
        corpus, tool, subject = key
        line = json.dumps({"corpus": corpus, "tool": tool, "subject": subject, **row})
        with self._path.open("a", encoding="utf-8") as out:
            out.write(line + "\n")


def run_tool(
    log: Log,
    corpus: str,
    name: str,
    tool: Tool,
    subjects: Mapping[str, Subject],
    seconds: float,
) -> None:
    """Judges a tool on all subjects that the log does not have."""
    done = log.rows()
    left = [subject for subject in subjects if (corpus, name, subject) not in done]
    while left:
        chunk, left = left[:_CHUNK], left[_CHUNK:]
        missing = _run_chunk(log, corpus, name, tool, {s: subjects[s] for s in chunk}, seconds)
        if missing:
            killed = {"outcome": "killed", "distinct": 0, "seconds": seconds, "detail": ""}
            log.add((corpus, name, missing[0]), killed)
            left = [*missing[1:], *left]


def _run_chunk(
    log: Log,
    corpus: str,
    name: str,
    tool: Tool,
    subjects: Mapping[str, Subject],
    seconds: float,
) -> Sequence[str]:
    """The subjects that were not judged, since the process had to be ended."""
    child = os.fork()
    if not child:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            for subject, what in subjects.items():
                log.add((corpus, name, subject), asdict(judge(tool, what, seconds)))
            code = 0
        finally:
            os._exit(code)
    _wait(child, log, corpus, name, subjects, seconds * _PATIENCE)
    done = log.rows()
    return [subject for subject in subjects if (corpus, name, subject) not in done]


def _wait(
    child: int, log: Log, corpus: str, name: str, subjects: Iterable[str], patience: float
) -> None:
    """Waits for the process; ends it where it has finished no subject for too long."""
    wanted = list(subjects)
    finished, since = 0, time.monotonic()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.2)
        if time.monotonic() - since < patience:
            continue
        done = log.rows()
        count = sum((corpus, name, subject) in done for subject in wanted)
        if count > finished:
            finished, since = count, time.monotonic()
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
