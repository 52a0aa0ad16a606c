"""Finds every pydantic model class of an installed package."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import pkgutil
import warnings
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel


def model_classes(package: str) -> list[type[BaseModel]]:
    """Every model class that is defined in the package, by its full name.

    Raises:
        ImportError: the package is not installed.
    """
    importlib.import_module(package)
    found: dict[str, type[BaseModel]] = {}
    for module in _modules(package):
        for _, member in inspect.getmembers(module, inspect.isclass):
            if (
                issubclass(member, BaseModel)
                and member.__module__.split(".")[0] == package
                and "[" not in member.__name__
            ):
                found[f"{member.__module__}.{member.__qualname__}"] = member
    return [found[name] for name in sorted(found)]


def _modules(package: str) -> Iterator[Any]:
    root = importlib.import_module(package)
    yield root
    for info in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda _name: None):
        if info.name.endswith("__main__"):
            continue
        with contextlib.suppress(BaseException), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.redirect_stderr(io.StringIO()):
                yield importlib.import_module(info.name)
