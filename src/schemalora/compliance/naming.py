"""Metrics and fields by name, and what was probably meant by a name that is none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from schemalora.errors import UsageError


def require_name(name: str, known: Iterable[str], *, place: str) -> None:
    """Refuses a name that is none of the known ones, with the nearest of them.

    Args:
        name: such as `schema_compliant` or `$.intent`.
        known: the names there are.
        place: what has those names, such as `the report`.

    Raises:
        UsageError: the name is unknown; the message names the nearest one and all known ones.
    """
    names = list(known)
    if name in names:
        return
    # A field may be written without the root or the objects around it.
    tails = [one for one in names if one.endswith(f".{name.removeprefix('$.')}")]
    close = tails or get_close_matches(name, names, n=1, cutoff=0.4)
    nearest = f"; did you mean {close[0]!r}?" if close else ""
    raise UsageError(
        f"{place} has no metric or field {name!r}{nearest} (there is: {', '.join(names)})"
    )
