"""Finds the contract an argument names: a model in a module or file, or a JSON Schema file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from schemalora.contract.contract import Contract
from schemalora.errors import SchemaloraError, UsageError, naming
from schemalora.jsonl import read_json

_OBJECT = "expected package.module:name or path/to/file.py:name"
_CONTRACT = "a contract is package.module:Model, path/to/file.py:Model or schema.json"


def load_contract(source: str, *, optional_keys: bool = False) -> Contract:
    """The contract that `source` names.

    Args:
        source: `package.module:Model`, `path/to/file.py:Model`, `schema.json`, or a saved contract.
        optional_keys: keys with a default may be left out.

    Raises:
        UsageError: nothing there has that name, or importing it failed.
        SchemaError: what is there cannot become a contract.
    """
    if ":" not in source or source.endswith(".json"):
        return _from_file(Path(source))
    found = load_object(source, expected=_CONTRACT)
    if isinstance(found, Contract):
        return found
    return Contract.from_model(found, optional_keys=optional_keys)


def load_object(source: str, *, expected: str = _OBJECT) -> Any:
    """The object that `package.module:name` or `path/to/file.py:name` names.

    Args:
        source: the place and the name.
        expected: what error messages say a source looks like.

    Raises:
        UsageError: nothing there has that name, or importing it failed.
    """
    place, _, name = source.rpartition(":")
    if not place.strip() or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{source!r}: {expected}")
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UsageError(f"{place}: no such file; {expected}")
        found: Any = _import_file(Path(place))
    else:
        found = _import_module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{place} has no {name!r}; {expected}")
        found = getattr(found, part)
    return found


def _from_file(path: Path) -> Contract:
    if path.suffix != ".json":
        raise UsageError(f"{path}: {_CONTRACT}")
    data = read_json(path)
    with naming(path):
        if "format_version" in data and "schema" in data and "fingerprint" in data:
            return Contract.from_dict(data)
        title = data.get("title")
        return Contract.from_json_schema(data, name=title if isinstance(title, str) else path.stem)


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _import_error(name, error) from error


def _import_file(path: Path) -> ModuleType:
    """Imports a file under a name of its own, so that its classes can be found again."""
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path.resolve()):
        return known
    if known is not None:
        name = f"_schemalora_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _its_folder_on_the_path(path):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise _import_error(str(path), error) from error
    return module


@contextmanager
def _its_folder_on_the_path(path: Path) -> Generator[None]:
    """Lets a file import its neighbours, as it could if Python ran it.

    While it is imported, that is: what a function imports later is not found. Neighbours of one
    name in two folders are one module to Python, here as everywhere.
    """
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        # The file may have changed the list itself.
        if folder in sys.path:
            sys.path.remove(folder)


def _import_error(place: str, error: BaseException) -> SchemaloraError:
    """The error of a module that cannot be imported; our own say enough as they are."""
    if isinstance(error, SchemaloraError):
        return error
    if isinstance(error, SystemExit):
        return UsageError(
            f"cannot import {place}: it ended the program (SystemExit: {error.code}); "
            'put what is to run under `if __name__ == "__main__":`'
        )
    reason = f"cannot import {place}: {type(error).__name__}: {error}"
    if place.endswith(".py") and "relative import" in str(error):
        reason += "; a file that belongs to a package is named package.module:name"
    return UsageError(reason)
