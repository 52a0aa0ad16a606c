"""JSON and JSONL files: streamed both ways, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import stat
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from schemalora.errors import RecordError, UsageError
from schemalora.jsonvalue import JsonValue, canonical_json, indented_json


@contextmanager
def atomic_write(path: str | Path) -> Generator[IO[str]]:
    """Opens a temporary file beside `path` that takes its place only when the block succeeds.

    Links stay links, and a file that is there keeps its mode. What is there and is no file, such as
    a pipe or a device, cannot be replaced: it is written to as it is.

    Raises:
        UsageError: the reader of a pipe went away before all was written.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        with _plain_write(path) as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_mode(path))
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _plain_write(path: Path) -> Generator[IO[str]]:
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
    except BrokenPipeError as error:
        raise UsageError(f"{path}: its reader went away before all was written") from error


def _mode(path: Path) -> int:
    """That of the file that is there, or what open() would give a new one (mkstemp gives 0600)."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def write_jsonl(path: str | Path, rows: Iterable[JsonValue]) -> int:
    """Writes one canonical JSON value a line and returns how many; atomic."""
    count = 0
    with atomic_write(path) as file:
        for row in rows:
            file.write(canonical_json(row))
            file.write("\n")
            count += 1
    return count


def read_jsonl(path: str | Path) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    """Streams `(line number, object)` from a JSONL file; blank lines are passed over.

    Raises:
        RecordError: a line that is not UTF-8 or not a JSON object, or that holds a number beyond
            the doubles; half-written last lines too.
        UsageError: no such file.
    """
    try:
        lines = Path(path).open("rb")  # noqa: SIM115  opened apart from reading: only this may be refused
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    with lines:
        for line, raw in enumerate(lines, start=1):
            if not raw.strip():
                continue
            try:
                row = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
            except UnicodeDecodeError as error:
                raise RecordError(path, line, "not UTF-8") from error
            except _InfinityError as error:
                raise RecordError(path, line, str(error)) from error
            except (ValueError, RecursionError) as error:
                half = "" if raw.endswith(b"\n") else "; the file ends inside this line"
                where = (
                    f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
                )
                reason = getattr(error, "msg", str(error))
                raise RecordError(path, line, f"not JSON ({reason}{where}){half}") from error
            if not isinstance(row, dict):
                raise RecordError(path, line, "not a JSON object")
            yield line, cast("dict[str, JsonValue]", row)


class _InfinityError(ValueError):
    """A number, such as 1e999, that would be read as an infinity and could not be written again."""


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _InfinityError(f"the number {digits[:40]} is more than a double can hold")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def write_json(path: str | Path, value: JsonValue) -> None:
    """Writes one JSON value, indented for people; atomic."""
    with atomic_write(path) as file:
        file.write(indented_json(value))
        file.write("\n")


def read_json(path: str | Path) -> dict[str, JsonValue]:
    """Reads a file that holds one JSON object.

    Raises:
        UsageError: no such file, or it does not hold a JSON object.
    """
    try:
        value = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a JSON file ({error})") from error
    if not isinstance(value, dict):
        raise UsageError(f"{path}: holds no JSON object")
    return cast("dict[str, JsonValue]", value)
