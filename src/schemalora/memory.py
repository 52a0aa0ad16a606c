"""How much memory the machine has, and how much of it may still be taken."""

from __future__ import annotations

import os
from pathlib import Path

_CONTAINER = Path("/sys/fs/cgroup")


def machine_memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def free_memory() -> int:
    """Bytes that can be taken without swapping, within the limit of a container.

    What Linux calls available; elsewhere half of the machine's memory.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return machine_memory() // 2
    kib = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return min(kib * 2**10, _left_in_container(_CONTAINER))


def _left_in_container(folder: Path) -> int:
    """What the control group (version 2) of this process leaves; no end of it without a limit."""
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        taken = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 2**62
    return 2**62 if limit == "max" else max(0, int(limit) - taken)
