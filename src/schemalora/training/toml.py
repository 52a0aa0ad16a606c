"""The TOML file of a training run: its table `[training]`, and what stands beside it by mistake."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from schemalora.errors import UsageError

_TABLES_OF_TRAINING = ("trl", "peft")

# `[train]` may be meant so; `[trainnig]` is not.
_NEAR = 0.8


def training_table(path: str | Path) -> dict[str, object]:
    """Reads the table `[training]`; tables of other names are somebody else's.

    Raises:
        UsageError: the file cannot be read, the table is missing, or settings stand outside of it,
            where nothing would read them: above it, or in a table that is misspelt or lacks the
            `training.` before its name.
    """
    tables = read_toml(path)
    for name, value in tables.items():
        if not _is_table(value):
            raise UsageError(
                f"{path}: the key {name!r} stands above the tables, where nothing reads it; write "
                "it below the line [training]"
            )
        if name in _TABLES_OF_TRAINING:
            raise UsageError(
                f"{path}: nothing reads the table [{name}]; write [training.{name}], below the "
                "other settings"
            )
        # Beside `[training]`, `[training2]` is another table.
        longer = "training" in tables and len(name) > len("training")
        if _is_nearly_training(name) and not longer:
            raise UsageError(f"{path}: nothing reads the table [{name}]; did you mean [training]?")
    settings = tables.get("training")
    if not isinstance(settings, dict):
        raise UsageError(f"{path}: the table [training] is missing")
    return cast("dict[str, object]", settings)


def _is_nearly_training(name: str) -> bool:
    ratio = difflib.SequenceMatcher(a=name, b="training").ratio()
    return name != "training" and ratio >= _NEAR


def _is_table(value: object) -> bool:
    """Whether a value is a table, or an array of tables (`[[name]]`)."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        return bool(items) and all(isinstance(item, dict) for item in items)
    return isinstance(value, dict)


def read_toml(path: str | Path) -> dict[str, object]:
    """Reads a TOML file.

    Raises:
        UsageError: no such file, not UTF-8, or no TOML.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML ({error})") from error


def override(settings: Mapping[str, object], pairs: Iterable[str]) -> dict[str, object]:
    """Applies `key=value` pairs to a copy of settings; a dot steps into a table.

    Raises:
        UsageError: a pair without `=`, or a step into what is no table.
    """
    merged = dict(settings)
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{pair!r}: an override is written key=value")
        table = merged
        *tables, last = key.strip().split(".")
        for name in tables:
            inner = table.get(name, {})
            if not isinstance(inner, Mapping):
                raise UsageError(f"{pair!r}: {name} is no table")
            table[name] = dict(cast("Mapping[str, object]", inner))
            table = cast("dict[str, object]", table[name])
        table[last] = _toml_value(text.strip())
    return merged


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
