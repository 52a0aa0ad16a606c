"""What the tools are run on: model classes of installed packages, and schemas of every keyword."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

TESTS = Path(__file__).resolve().parents[2] / "tests"
KEYWORDS = "keywords"
"""The name of the corpus of schemas that are written for every keyword of JSON Schema."""

Subject: TypeAlias = "type[BaseModel] | Mapping[str, Any] | bool"
"""What instances are made of: a model class, or a JSON Schema."""


def corpus(name: str) -> dict[str, Subject]:
    """The subjects of a corpus by name: `keywords`, or a package with its model classes.

    Raises:
        ImportError: the package is not installed.
    """
    return dict(keyword_schemas() if name == KEYWORDS else model_classes(name))


def keyword_schemas() -> dict[str, Any]:
    """The schemas of the keyword suite that the tests run too."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    cases: Any = importlib.import_module("keyword_cases").CASES
    return {f"{case.keyword}: {case.about}": case.schema for case in cases}


def model_classes(package: str) -> dict[str, type[BaseModel]]:
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
    return dict(sorted(found.items()))


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
