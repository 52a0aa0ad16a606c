"""The C allocator, told to keep the pages it has been given."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8

_TOP_PAD_BYTES = 256 * 2**20
_NEVER = 2**31 - 1


def keep_pages() -> bool:
    """Stops glibc from handing activations back to the kernel between two steps.

    Without this, each large tensor is mapped, zeroed page by page and unmapped again in every
    step; docs/lab-notes.md tells what that cost. The price is resident memory, which stays at its
    peak.

    Returns:
        Whether the allocator took the settings; False on anything but glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, _NEVER),
        (_M_TOP_PAD, _TOP_PAD_BYTES),
        # One arena: a second one cannot hold large blocks without mmap.
        (_M_ARENA_MAX, 1),
    )
    taken = [mallopt(parameter, value) == 1 for parameter, value in settings]
    return all(taken)
