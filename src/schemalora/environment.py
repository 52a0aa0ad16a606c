"""What a number was measured on: package versions, the machine and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from schemalora.jsonvalue import JsonValue
from schemalora.memory import machine_memory

PACKAGES = (
    "schemalora",
    "pydantic",
    "torch",
    "transformers",
    "trl",
    "peft",
    "bitsandbytes",
    "datasets",
    "accelerate",
    "llguidance",
)


def package_versions(*also: str) -> dict[str, str]:
    """Python's version and those of the packages that numbers depend on, where installed.

    Args:
        also: further packages, such as those that are measured side by side.
    """
    versions = {"python": platform.python_version()}
    for package in (*PACKAGES, *also):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def machine() -> dict[str, JsonValue]:
    """Operating system, processor, cores and memory; no names, no addresses."""
    memory = machine_memory() if hasattr(os, "sysconf") else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1) if memory else None,
    }


def commit(folder: str | Path = ".", *, besides: Sequence[str] = ()) -> str | None:
    """The Git commit of a folder, with `-dirty` where files differ from it; None outside Git.

    Args:
        folder: anywhere in the working tree.
        besides: paths, from the top of the tree, where differences do not count, such as those of
            the results that are being written.
    """
    counted = [":(top)", *(f":(top,exclude){path}" for path in besides)]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    try:
        head = git("rev-parse", "--short=12", "HEAD")
        return f"{head}-dirty" if git("status", "--porcelain", "-uno", "--", *counted) else head
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
