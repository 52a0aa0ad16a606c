"""The starter project that `schemalora init` writes for somebody's own model."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from schemalora.contract import Contract, Field, load_contract
from schemalora.errors import UsageError
from schemalora.jsonl import atomic_write
from schemalora.jsonvalue import JsonValue
from schemalora.synthesis import starter_files
from schemalora.synthesis.wording import name_in_words, value_in_words

_SLOT_NAME = re.compile(r"[^\s{}|<>()\[\]\\](?:[^{}|<>()\[\]\\]*[^\s{}|<>()\[\]\\])?")
_MOST_CHOICES = 40
_PYTHON_FILES = ("contract.py", "renderer.py", "make_data.py", "test_contract.py")


def write_starter(source: str, folder: str | Path) -> list[Path]:
    """Writes a project that makes, audits and trains on data for a model, and runs as it is.

    Args:
        source: the model, as `package.module:Model`, `path/to/file.py:Model` or `schema.json`.
        folder: where to; made where it does not exist.

    Returns:
        The files written.

    Raises:
        UsageError: the model cannot be found, its module is called like one of the project's, or
            one of the files is there already; nothing is overwritten, and nothing is written then.
        SchemaError: the model cannot become a contract.
    """
    module = source.rpartition(":")[0]
    if not module.endswith(".py") and f"{module.partition('.')[0]}.py" in _PYTHON_FILES:
        raise UsageError(f"{source}: the project has a module of that name; give the model's file")
    contract = load_contract(source)
    folder = Path(folder)
    contents = {
        "contract.py": _contract_code(source, folder),
        "renderer.py": renderer_code(contract),
        "make_data.py": starter_files.MAKE_DATA,
        "test_contract.py": starter_files.TEST,
        "train.toml": starter_files.CONFIG.replace("$NAME", contract.name),
        "README.md": starter_files.README.replace("$NAME", contract.name),
    }
    paths = [folder / name for name in contents]
    for path in paths:
        if path.exists():
            raise UsageError(f"{path} is there already; give another folder")
    for path, text in zip(paths, contents.values(), strict=True):
        with atomic_write(path) as file:
            file.write(text)
    return paths


def _contract_code(source: str, folder: Path) -> str:
    """The project's contract.py: files are named from its own place."""
    place, separator, name = source.rpartition(":")
    path = Path(source if source.endswith(".json") or not separator else place)
    code = starter_files.CONTRACT
    if path.suffix in (".py", ".json"):
        file = f"str(HERE / {_relative(path, folder)})"
        return code.replace("$SOURCE", f'{file} + ":{name}"' if path.suffix == ".py" else file)
    if _is_in_current_folder(place):
        # The project is another folder, from which the module and its neighbours are not found.
        code = starter_files.LOCAL_CONTRACT.replace("$ROOT", _relative(Path(), folder))
    return code.replace("$SOURCE", json.dumps(source))


def _relative(path: Path, folder: Path) -> str:
    return json.dumps(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())


def _is_in_current_folder(module: str) -> bool:
    """Whether a module that has been imported was found by way of the current folder."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return False
    path = Path(file).resolve()
    levels = module.count(".") + (path.name == "__init__.py")
    return path.parents[levels] == Path.cwd().resolve()


def renderer_code(contract: Contract) -> str:
    """The renderer of a starter project, as Python."""
    slots = _slots(contract)
    if not slots or not all(_SLOT_NAME.fullmatch(name) for name, _ in slots):
        return starter_files.PLAIN_RENDERER
    banks: list[str] = []
    facts: list[str] = []
    for name, field in slots:
        if field.relation == "derived" and _is_small_choice(field):
            banks.append(_bank(name, field))
            facts.append(f"{{{name}_said}}")
        else:
            facts.append(_fact(name))
    templates = "\n".join(
        _template([opening, *order])
        for opening, order in zip(starter_files.BODIES, _orders(facts), strict=True)
    )
    return starter_files.RENDERER.replace("$TEMPLATES", templates).replace(
        "$BANKS", "\n".join(banks)
    )


def _template(parts: list[str]) -> str:
    """A template on as many lines as it has facts."""
    lines = [_python_string(part + " " * (part is not parts[-1])) for part in parts]
    return "    (\n" + "\n".join(f"        {line}" for line in lines) + "\n    ),"


def _is_small_choice(field: Field) -> bool:
    values = field.allowed or ()
    return 0 < len(values) <= _MOST_CHOICES and not any(
        isinstance(value, (dict, list)) for value in values
    )


def _slots(contract: Contract) -> list[tuple[str, Field]]:
    """Each field that texts speak of, by its shortest slot name."""
    fields = [field for field in contract.fields.values() if field.relation != "free_text"]
    last = [field.keys[-1] if field.keys else "value" for field in contract.fields.values()]
    return [
        (name if last.count(name) == 1 else ".".join(field.keys), field)
        for field in fields
        for name in (field.keys[-1] if field.keys else "value",)
    ]


def _fact(name: str) -> str:
    label = _escaped(name_in_words(name.replace(".", " ")))
    return f"[(The {label} is|{_capital(label)}:) {{{name}}}.|]"


def _bank(name: str, field: Field) -> str:
    """A bank with a plain phrase for each value of a derived field."""
    label = name_in_words(name.replace(".", " "))
    lines: list[str] = []
    for value in (*(field.allowed or ()), *((None,) if field.nullable else ())):
        said = _escaped(value_in_words(value) or "nothing")
        phrases = (f"The {_escaped(label)} is {said}.", f"As to the {_escaped(label)}: {said}.")
        lines.append(f"            {_literal(value)}: ({', '.join(map(_python_string, phrases))}),")
    return "\n".join(
        (
            f"    {_python_string(name + '_said')}: PhraseBank(",
            f"        {_python_string(name)},",
            "        {",
            *lines,
            "        },",
            "    ),",
        )
    )


def _orders(facts: list[str]) -> list[list[str]]:
    """The facts in another order for each of the bodies."""
    orders: list[list[str]] = []
    for turn in range(len(starter_files.BODIES)):
        at = turn % len(facts)
        order = facts[at:] + facts[:at]
        orders.append(order[::-1] if turn % 2 else order)
    return orders


def _escaped(text: str) -> str:
    return re.sub(r"([{}|<>()\[\]\\])", r"\\\1", text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _literal(value: JsonValue) -> str:
    return _python_string(value) if isinstance(value, str) else repr(value)


def _python_string(value: str) -> str:
    return json.dumps(value, ensure_ascii=True)
