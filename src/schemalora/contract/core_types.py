"""What single nodes of a pydantic core schema need: their wire name, their JSON form, a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from pydantic_core import PydanticCustomError, core_schema

from schemalora.errors import SchemaError
from schemalora.schema import child_path

CoreSchema: TypeAlias = "dict[str, Any]"

_UNREACHABLE = {
    "callable": "a callable has no JSON form; leave the field out of the model",
    "is-subclass": "a class object has no JSON form; leave the field out of the model",
    "generator": "an iterator is consumed when it is read; use a list",
}
_LIBRARIES = ("pydantic", "annotated_types")
_TEXT_TYPES = frozenset({"date", "datetime", "time", "timedelta"})
_LAX_TYPES = frozenset({"decimal", "bytes", "set", "frozenset", "tuple", "fraction", "counter"})
_KEY_TYPES = frozenset({"int", "float", "bool"})


def unreachable_reason(schema: Mapping[str, Any]) -> str | None:
    """Why no JSON value can satisfy a node, or None where one can."""
    kind = schema["type"]
    if kind == "is-instance":
        name = getattr(schema.get("cls"), "__name__", str(schema.get("cls")))
        return f"the class {name} has no JSON form; use a model, or leave the field out"
    if kind == "enum":
        return _unreachable_member(schema)
    if kind.startswith("function-") and _imports(schema["function"]):
        return "a completion must not choose what is imported; use a Literal of names"
    return _UNREACHABLE.get(kind)


def _unreachable_member(schema: Mapping[str, Any]) -> str | None:
    for member in schema["members"]:
        if not _is_read_back(member.value) and "missing" not in schema:
            return (
                f"{member} has the value {member.value!r}, which no JSON value equals; give it a "
                "string, a number or a list"
            )
    return None


def _is_read_back(value: Any) -> bool:
    try:
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError):
        return False


def _imports(holder: Mapping[str, Any]) -> bool:
    """Whether a validator is that of pydantic's `ImportString`."""
    function = holder["function"]
    name = getattr(function, "__name__", "")
    return name == "import_string" and _module_of(function).startswith("pydantic")


def wire_name(name: str, field: Mapping[str, Any], path: str) -> str:
    """The one key under which a field is on the wire.

    Raises:
        SchemaError: the field can only be read from inside another value (`AliasPath`).
    """
    alias = field.get("validation_alias")
    if alias is None:
        return name
    if isinstance(alias, str):
        return alias
    choices = cast("list[Any]", alias)
    paths = choices if choices and isinstance(choices[0], list) else [choices]
    for one in paths:
        if len(one) == 1 and isinstance(one[0], str):
            return one[0]
    raise SchemaError(
        child_path(path, name),
        "an AliasPath reads this field from inside another one, which has no place of its own on "
        "the wire; give the field a plain alias",
    )


def is_hidden(field: CoreSchema) -> bool:
    """Whether the model keeps a whole field out of its JSON Schema (`SkipJsonSchema`)."""
    node: CoreSchema | None = field
    while node is not None and node["type"] != "union":
        metadata = cast(CoreSchema, node.get("metadata") or {})
        functions = cast("list[Any]", metadata.get("pydantic_js_annotation_functions", []))
        for function in functions:
            owner = getattr(function, "__self__", None)
            if type(owner).__name__ == "SkipJsonSchema":
                return True
        node = node.get("schema")
    return False


def read_json_form(made: CoreSchema) -> CoreSchema:
    """A node below a `before` validator that takes the JSON form of its type, as JSON mode does."""
    kind = made["type"]
    if kind == "dict" and isinstance(made.get("keys_schema"), dict):
        keys = cast(CoreSchema, made["keys_schema"])
        lax = {**keys, "strict": False} if keys["type"] in _KEY_TYPES else keys
        return {**made, "keys_schema": lax}
    if kind in _LAX_TYPES:
        return {**made, "strict": False}
    if kind in _TEXT_TYPES:
        lax: Any = {**made, "strict": False}
        return cast(CoreSchema, core_schema.no_info_before_validator_function(_refuse_number, lax))
    return made


def _refuse_number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    return value


def own_validator_name(schema: CoreSchema) -> str | None:
    """The name of a node's validator function, unless it has none or pydantic wrote it."""
    holder: Any = schema.get("function")
    if not schema["type"].startswith("function-") or not isinstance(holder, dict):
        return None
    function: Any = cast("dict[str, Any]", holder).get("function")
    if isinstance(function, type) or _module_of(function).startswith(_LIBRARIES):
        return None
    return getattr(function, "__name__", None) or type(function).__name__


def has_own_serialization(made: CoreSchema) -> bool:
    """Whether a function that is not pydantic's decides how the node is written."""
    function = _serializer_of(made)
    return function is not None and not _module_of(function).startswith("pydantic")


def write_faithfully(made: CoreSchema) -> None:
    """Serialisation that validation can read back: secrets as they are, sets in a fixed order."""
    function = _serializer_of(made)
    if made.get("serialization") == {"type": "any"}:
        # `SerializeAsAny`: what was read is of the declared type, which may have no other writer.
        del made["serialization"]
    if made["type"] in ("set", "frozenset") and "serialization" not in made:
        made["serialization"] = core_schema.wrap_serializer_function_ser_schema(_in_fixed_order)
    elif _module_of(function) == "pydantic.types" and "secret" in getattr(function, "__name__", ""):
        made["serialization"] = core_schema.plain_serializer_function_ser_schema(_reveal)


def _serializer_of(made: CoreSchema) -> Any:
    serialization: Any = made.get("serialization")
    if not isinstance(serialization, dict):
        return None
    return cast("dict[str, Any]", serialization).get("function")


def _module_of(function: Any) -> str:
    return getattr(function, "__module__", None) or ""


def _in_fixed_order(value: Any, write: Callable[[Any], list[Any]]) -> list[Any]:
    return sorted(write(value), key=lambda item: json.dumps(item, sort_keys=True, default=str))


def _reveal(value: Any) -> Any:
    return value.get_secret_value()
