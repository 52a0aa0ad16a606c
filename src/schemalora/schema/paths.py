"""Paths into a JSON value, as every report and error message writes them: `$.entities.items[0]`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import cast

from schemalora.jsonvalue import canonical_json

_PLAIN = re.compile(r"[^\W\d][\w-]*\Z")

ROOT = "$"


def child_path(path: str, key: str | int) -> str:
    """The path of one key or place; a key that is no plain name is written in quotes."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN.match(key) else f"{path}[{canonical_json(key)}]"


_STEP = re.compile(r'\.([^\W\d][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]')


def split_path(path: str) -> tuple[str | int, ...]:
    """The keys and places of a path that `child_path` wrote."""
    keys: list[str | int] = []
    for name, place, quoted in _STEP.findall(path[len(ROOT) :]):
        keys.append(name or (int(place) if place else cast(str, json.loads(quoted))))
    return tuple(keys)


def join_path(keys: Iterable[str | int]) -> str:
    """The path that leads through these keys and places from the root."""
    path = ROOT
    for key in keys:
        path = child_path(path, key)
    return path
