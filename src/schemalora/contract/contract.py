"""The contract: what every completion must satisfy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

from schemalora.contract.checkers import Checker
from schemalora.contract.endpoint import for_endpoint
from schemalora.contract.fields import Field, leaf_fields
from schemalora.contract.instructions import describe
from schemalora.contract.jsontext import JsonText, depth, read_fast
from schemalora.contract.model_checker import ModelChecker
from schemalora.contract.model_schema import completion_schema, core_schema_of
from schemalora.contract.ordering import keys_in_order, ordered
from schemalora.contract.outcome import Outcome, Violation
from schemalora.contract.schema_checker import SchemaChecker
from schemalora.errors import SchemaError, UsageError, naming
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.schema import ROOT, Node, read_schema
from schemalora.schema.ambiguity import is_ambiguous, steps
from schemalora.schema.annotations import COMPARISON_KEYWORD, RELATION_KEYWORD
from schemalora.schema.heights import Heights
from schemalora.schema.soundness import check_inhabited

FORMAT_VERSION = 1
_SAFE_BRACKETS = 8
_STEPS_PER_CHARACTER = 128
_FREE_STEPS = 8_192
_JSON_TYPES = (dict, list, str, int, float, bool, type(None))


class Contract:
    """What every completion must satisfy; made by `from_model` or `from_json_schema`."""

    def __init__(
        self,
        *,
        name: str,
        schema: dict[str, JsonValue],
        tree: Node,
        checker: Checker,
        model: Any = None,
        instructions: str | None = None,
    ) -> None:
        self._name = name
        self._schema = schema
        self._checker = checker
        self._model = model
        self._instructions = instructions
        self._tree = tree
        self._heights = Heights()
        check_inhabited(self._tree, self._heights)

    @classmethod
    def from_model(
        cls, model: Any, *, instructions: str | None = None, optional_keys: bool = False
    ) -> Self:
        """The contract of a pydantic model, or of any other type that pydantic validates.

        Args:
            model: a `BaseModel` class, dataclass, TypedDict, or a type such as `list[int]`.
            instructions: what the prompt says about the contract; derived where None.
            optional_keys: keys with a default may be left out.

        Raises:
            SchemaError: a field that JSON cannot carry, with its path.
        """
        core = core_schema_of(model)
        schema = completion_schema(core, optional_keys=optional_keys)
        return cls(
            name=getattr(model, "__name__", None) or str(schema.get("title", "Contract")),
            schema=schema,
            tree=read_schema(schema),
            checker=ModelChecker(core, optional_keys=optional_keys),
            model=model,
            instructions=instructions,
        )

    @classmethod
    def from_json_schema(
        cls,
        schema: Mapping[str, JsonValue],
        *,
        name: str | None = None,
        instructions: str | None = None,
    ) -> Self:
        """The contract of a JSON Schema, draft 4 to 2020-12, exactly as it is written.

        Raises:
            SchemaError: what is given is no JSON Schema, or no value can satisfy it.
        """
        own = _own_copy(schema)
        title = own.get("title")
        try:
            return cls(
                name=name or (title if isinstance(title, str) and title else "Contract"),
                schema=own,
                tree=read_schema(own),
                checker=SchemaChecker(own),
                instructions=instructions,
            )
        except RecursionError as error:
            reason = "a chain of references is longer than the program's stack allows; shorten it"
            raise SchemaError(ROOT, reason) from error

    @property
    def name(self) -> str:
        """The model's name, or the one that was given."""
        return self._name

    @property
    def model(self) -> Any:
        """The model the contract was made from, or None."""
        return self._model

    @property
    def tree(self) -> Node:
        """The root of the node tree."""
        return self._tree

    @property
    def validators(self) -> tuple[tuple[str, str], ...]:
        """The Python validators that no schema shows: the path and the name of each."""
        return self._checker.validators

    @property
    def heights(self) -> Heights:
        """How deep the shallowest value of each node is."""
        return self._heights

    @cached_property
    def json_schema(self) -> dict[str, JsonValue]:
        """The completion schema, plain JSON Schema."""
        return cast("dict[str, JsonValue]", _without_marks(self._schema))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The leaves by path, in order."""
        return leaf_fields(self._tree)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that decides what is right: the schema in its key order, the relations."""
        text = canonical_json(cast(JsonValue, self._schema))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def instructions(self) -> str:
        """What the prompt says about the contract."""
        return describe(self._tree) if self._instructions is None else self._instructions

    def encode(self, value: Any) -> str:
        """The canonical text of a JSON value or a model instance: the completion to learn.

        Keys take the contract's order; there are no spaces; UTF-8 stays as it is.

        Raises:
            UsageError: what is given is neither a JSON value nor an instance of the model.
        """
        if isinstance(value, _JSON_TYPES):
            try:
                return self._text(cast(JsonValue, value))
            except TypeError:
                pass  # a dict or list that is an instance: of a TypedDict, of `list[date]`
            except ValueError as error:
                raise UsageError(f"cannot encode the value: {error}") from error
        try:
            return self._text(self._checker.wire(value))
        except ValueError as error:
            raise UsageError(f"cannot encode the instance: {error}") from error

    def _text(self, value: JsonValue) -> str:
        return canonical_json(ordered(self._tree, value))

    def parse(self, completion: str) -> Outcome:
        """The value of a completion, or what violates the contract; nothing is ever raised."""
        try:
            return self._parse(completion)
        except RecursionError:  # the caller's own stack was nearly full
            return Outcome(
                (Violation("too_deep", ROOT, "the program's own stack is nearly full"),), False
            )

    def _parse(self, completion: str) -> Outcome:
        text = read_fast(completion)
        if not isinstance(text, JsonText):
            return self._check(completion, text)
        if not text.valid:
            return Outcome(text.violations, False)
        outcome = self._check(completion, text.value)
        if not text.violations:
            return outcome
        return Outcome((*text.violations, *outcome.violations), True, text.value)

    def _check(self, completion: str, value: JsonValue) -> Outcome:
        brackets = completion.count("[") + completion.count("{")
        if brackets > _SAFE_BRACKETS and self._ambiguous:
            most = _STEPS_PER_CHARACTER * len(completion) + _FREE_STEPS
            if steps(self._tree, value) > most:
                message = (
                    f"a union within itself takes more than {most:,} steps to check; "
                    "a key with a constant of its own in each branch would tell them apart"
                )
                return Outcome((Violation("too_deep", ROOT, message),), True, value)
        try:
            return self._checker.check(completion, value)
        except UnicodeEncodeError:
            message = "a lone surrogate cannot be written as UTF-8"
            return Outcome((Violation("not_json", ROOT, message, "other"),), False)

    @cached_property
    def _ambiguous(self) -> bool:
        return is_ambiguous(self._tree)

    def wire(self, instance: Any) -> JsonValue:
        """The JSON value of a model instance, under the names that parsing reads.

        Raises:
            UsageError: what is given is no instance of the model.
        """
        return self._checker.wire(instance)

    def in_order(self, value: JsonValue) -> bool:
        """Whether the keys of the value stand in the contract's order."""
        return keys_in_order(value, ordered(self._tree, value))

    def response_format(self) -> dict[str, JsonValue]:
        """The `response_format` payload of OpenAI-style interfaces.

        Its schema means what `json_schema` means, without defaults and other keywords that assert
        nothing, for which strict endpoints refuse a request.
        """
        schema: dict[str, JsonValue] = {
            "name": self._name,
            "schema": for_endpoint(self.json_schema),
            "strict": True,
        }
        return {"type": "json_schema", "json_schema": schema}

    def to_dict(self) -> dict[str, JsonValue]:
        """The contract as JSON: its schema with the relations, and its instructions."""
        return {
            "format_version": FORMAT_VERSION,
            "name": self._name,
            "fingerprint": self.fingerprint,
            "schema": self._schema,
            "instructions": self._instructions,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, JsonValue]) -> Self:
        """The contract of `to_dict`; the model itself is not part of it, its schema is.

        Raises:
            UsageError: the JSON is no contract, or of another format version.
        """
        if data.get("format_version") != FORMAT_VERSION:
            raise UsageError(
                f"not a contract of format_version {FORMAT_VERSION}, but "
                f"{data.get('format_version')!r}; use the release that wrote it"
            )
        schema, name, instructions = data.get("schema"), data.get("name"), data.get("instructions")
        if not isinstance(schema, dict) or not isinstance(name, str):
            raise UsageError("not a contract: it holds no schema or no name")
        return cls(
            name=name,
            schema=schema,
            tree=read_schema(schema),
            checker=SchemaChecker(schema),
            instructions=instructions if isinstance(instructions, str) else None,
        )

    def save(self, path: str | Path) -> None:
        """Writes the contract as one JSON file."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a contract that `save` wrote.

        Raises:
            UsageError: no such file, or it holds no contract; the message names the file.
            SchemaError: its schema cannot become a contract; the reason names the file.
        """
        data = read_json(path)
        with naming(path):
            return cls.from_dict(data)

    def __repr__(self) -> str:
        return f"Contract({self._name!r}, {len(self.fields)} fields, {self.fingerprint[:12]})"


_MAX_SCHEMA_DEPTH = 160
"""Levels of brackets in a schema; an object within an object takes two of them."""
_TOO_NESTED = (
    f"nested deeper than {_MAX_SCHEMA_DEPTH} levels of JSON; give its inner parts names in $defs"
)


def _own_copy(schema: object) -> dict[str, JsonValue]:
    """A copy of a schema that nobody else can change; a boolean schema becomes an object."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    try:
        text = canonical_json(cast(JsonValue, schema))
    except RecursionError as error:
        raise SchemaError(ROOT, f"the schema is {_TOO_NESTED}") from error
    except (TypeError, ValueError) as error:
        raise SchemaError(ROOT, f"the schema is no JSON value ({error})") from error
    if (levels := depth(text)) > _MAX_SCHEMA_DEPTH:
        raise SchemaError(ROOT, f"with {levels} levels, the schema is {_TOO_NESTED}")
    copy: Any = json.loads(text)
    if not isinstance(copy, dict):
        raise SchemaError(ROOT, "a JSON Schema is an object or a boolean")
    return cast("dict[str, JsonValue]", copy)


def _without_marks(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {
            key: _without_marks(item)
            for key, item in value.items()
            if key not in (RELATION_KEYWORD, COMPARISON_KEYWORD)
        }
    return [_without_marks(item) for item in value] if isinstance(value, list) else value
