"""What ends a training from outside, in one clear line: a full memory, a full disk, a lost link."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError

from schemalora.errors import TrainingError
from schemalora.training.folder import RunFolder

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def limits_of_the_machine(folder: RunFolder) -> Generator[None]:
    """Turns a full disk, a full memory or a lost connection into one clear line."""
    last = f"checkpoints lie in {folder.checkpoints}"
    try:
        yield
    except (OSError, RuntimeError, MemoryError, SafetensorError) as error:
        if _is_full_memory(error):
            raise TrainingError(
                f"memory ran out ({first_line(error)}): run again with resume and half the "
                "batch_size at twice the gradient_accumulation, or with gradient_checkpointing = "
                f"true; {last}"
            ) from error
        # PyTorch and safetensors write with errors of their own.
        if not isinstance(error, (OSError, SafetensorError)) and not folder.is_writing():
            raise
        raise TrainingError(
            f"training stopped, since {_what_failed(error)} and run again with resume ({last}; "
            "each of them is whole)"
        ) from error


def _is_full_memory(error: Exception) -> bool:
    # For the memory of a CPU PyTorch has no class of its own: a plain RuntimeError names the
    # allocator.
    full = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return full or "DefaultCPUAllocator" in str(error)


def _what_failed(error: Exception) -> str:
    """What went wrong, and what to do about it."""
    reason = getattr(error, "strerror", None) or first_line(error)
    if not isinstance(error, OSError) or error.errno in _NO_ROOM:
        return f"a file could not be written ({reason}); make room"
    if error.filename is not None:
        return f"{error.filename} could not be read or written ({reason}); mend that"
    # Such as a connection's: trackers speak with their servers while training goes on.
    return f"of a {type(error).__name__} ({reason}); mend that"


def first_line(error: Exception) -> str:
    """What an error says in its first line; its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
