"""One process at a time: an advisory lock on a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Holds a lock while the block runs; the system frees it where the process dies.

    Without effect on Windows, and on file systems that know no locks.

    Args:
        path: the lock's file, made where it is not there; it stays.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if sys.platform != "win32":
            _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        # A file system without locks is no reason not to train.
        return
