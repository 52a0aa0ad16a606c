"""The C allocator, told to keep the pages it has been given."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8

_TOP_PAD_BYTES = 256 * 2**20
_HIGHEST_MMAP_THRESHOLD = 32 * 2**20  # glibc refuses more
_NO_LIMIT = 2**31 - 1

_keeps = 0
"""Bytes that the allocator keeps already; the settings are the process's, and can't be read."""


def keep_pages(most_bytes: int = _NO_LIMIT) -> bool:
    """Stops glibc from handing activations back to the kernel between two steps.

    Without this, each large tensor is mapped, zeroed page by page and unmapped again in every
    step; docs/lab-notes.md tells what that cost. The price is resident memory. What was asked for
    before is never lowered: decoding between two steps of training leaves training's settings.

    Args:
        most_bytes: how much freed memory is kept, and larger blocks are still mapped on their own;
            without it resident memory stays at its peak.

    Returns:
        Whether the allocator took the settings, or had them; False on anything but glibc.
    """
    global _keeps  # noqa: PLW0603  (what it mirrors is global)
    if most_bytes <= _keeps:
        return True
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    if most_bytes < _NO_LIMIT:
        settings = (
            (_M_MMAP_THRESHOLD, _HIGHEST_MMAP_THRESHOLD),
            (_M_TRIM_THRESHOLD, most_bytes),
        )
    else:
        settings = (
            (_M_MMAP_MAX, 0),
            (_M_TRIM_THRESHOLD, _NO_LIMIT),
            (_M_TOP_PAD, _TOP_PAD_BYTES),
            # One arena: a second one cannot hold large blocks without mmap.
            (_M_ARENA_MAX, 1),
        )
    taken = [mallopt(parameter, value) == 1 for parameter, value in settings]
    if all(taken):
        _keeps = most_bytes
    return all(taken)
