"""Members: the schemas that hold together at one place of the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

import referencing.exceptions
from jsonschema_rs import meta
from jsonschema_specifications import REGISTRY
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012, lookup_recursive_ref, specification_with

from schemalora.errors import SchemaError
from schemalora.jsonvalue import JsonValue

SchemaDict: TypeAlias = "dict[str, JsonValue]"
Schema: TypeAlias = "SchemaDict | bool"

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
MemberKey: TypeAlias = "tuple[int, frozenset[str], tuple[str, ...]]"


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What all members of one schema document share."""

    draft: int
    made: dict[object, SchemaDict] = field(default_factory=dict[object, "SchemaDict"])
    """Schemas that reading made up, such as the opposite of an `if`; kept for their identity."""
    uri: str = ""
    dynamic: bool = False
    """Whether it matters through which schemas a schema was reached (`$dynamicRef`)."""

    def scope(self, resolver: Any) -> tuple[str, ...]:
        """The resources a dynamic reference looks through, each where it was first entered."""
        if not self.dynamic:
            return ()
        uris = [uri for uri, _ in resolver.dynamic_scope()]
        return tuple(dict.fromkeys((self.uri, *reversed(uris))))


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One schema object with what resolves its references; `used` keywords count no more."""

    schema: SchemaDict
    resolver: Any  # referencing has no public name for its Resolver[JsonValue]
    document: Document
    used: frozenset[str] = frozenset()

    @property
    def draft(self) -> int:
        """The draft of the document: 4, 6, 7, 2019 or 2020."""
        return self.document.draft

    @property
    def key(self) -> MemberKey:
        """Identity: schemas are read once into memory and never copied."""
        return (id(self.schema), self.used, self.document.scope(self.resolver))

    def get(self, keyword: str) -> JsonValue:
        """The keyword's value, or None where it is absent or already used."""
        return None if keyword in self.used else self.schema.get(keyword)

    def has(self, keyword: str) -> bool:
        """Whether the keyword is there and still counts; a null may be its value."""
        return keyword in self.schema and keyword not in self.used

    def using(self, *keywords: str) -> Member:
        """The same member without these keywords."""
        return replace(self, used=self.used | frozenset(keywords))

    def sub(self, schema: JsonValue) -> Member:
        """The member of a schema that lies inside this one."""
        if not isinstance(schema, dict):
            return Member(_BOOLEANS[schema is not False], self.resolver, self.document)
        return Member(schema, self._inside(schema), self.document)

    def make(self, purpose: str, schema: SchemaDict) -> Member:
        """A member that reading makes up where this one stands; the same one for a same purpose."""
        made = self.document.made.setdefault((id(self.schema), purpose), schema)
        return Member(made, self.resolver, self.document)

    def _inside(self, schema: SchemaDict) -> Any:
        # Only a schema with an id of its own changes what its references are relative to.
        if "$id" not in schema and "id" not in schema:
            return self.resolver
        specification = _specification(self.draft)
        resource: Resource[Any] = specification.create_resource(schema)
        try:
            return self.resolver.in_subresource(resource)
        except (TypeError, AttributeError, ValueError):
            return self.resolver

    def subs(self, keyword: str) -> list[Member]:
        """The members of a keyword that holds a list of schemas."""
        value = self.get(keyword)
        return [self.sub(item) for item in value] if isinstance(value, list) else []

    def sub_map(self, keyword: str) -> dict[str, Member]:
        """The members of a keyword that holds schemas by name."""
        value = self.get(keyword)
        if not isinstance(value, dict):
            return {}
        return {name: self.sub(item) for name, item in value.items()}

    def references(self) -> Iterator[tuple[str, str]]:
        """The reference keywords that are there, with what they point to."""
        for keyword in REFERENCES:
            target = self.get(keyword)
            if isinstance(target, str):
                yield keyword, target

    def follow(self, keyword: str, target: str, *, path: str = "$") -> Member:
        """The member a reference points to.

        Raises:
            SchemaError: it points to nothing that is here; nothing is ever fetched.
        """
        try:
            if keyword == "$recursiveRef":
                resolved = lookup_recursive_ref(self.resolver)
            else:
                resolved = self.resolver.lookup(target)
        except (referencing.exceptions.Unresolvable, ValueError, LookupError, TypeError) as error:
            reason = (
                f"{keyword} {target!r} points to nothing in this schema; references to other "
                "documents are not fetched: put what they point to under $defs"
            )
            raise SchemaError(path, reason) from error
        contents = resolved.contents
        if not isinstance(contents, (dict, bool)):
            raise SchemaError(path, f"{keyword} {target!r} points to something that is no schema")
        if isinstance(contents, bool):
            contents = _BOOLEANS[contents]
        return Member(cast("SchemaDict", contents), resolved.resolver, self.document)


# Boolean schemas as dictionaries, so that every member has an identity of its own.
_BOOLEANS: Mapping[bool, SchemaDict] = {True: {}, False: {"not": {}}}

_DIALECTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}


def draft_of(schema: Schema) -> int:
    """The draft of a schema: 4, 6, 7, 2019 or 2020.

    `$schema` tells. Where it does not, it is 2020-12, unless the schema is only valid under the
    rules of an older draft: a list of `items`, or a boolean `exclusiveMinimum`.
    """
    named = schema.get("$schema") if isinstance(schema, dict) else None
    for draft, dialect in _DIALECTS.items():
        if isinstance(named, str) and named.rstrip("#") == dialect.rstrip("#"):
            return draft
    if isinstance(named, str) and "draft-03" in named:
        return 4
    for draft in (2020, 7, 4):
        if isinstance(schema, dict) and meta.is_valid(with_dialect(schema, draft)):
            return draft
    return 2020


def with_dialect(schema: SchemaDict, draft: int) -> SchemaDict:
    """The schema with the `$schema` of its draft, so that no reader has to guess or to fetch."""
    return {**schema, "$schema": _DIALECTS[draft]}


def _specification(draft: int) -> Any:
    return specification_with(_DIALECTS[draft], default=DRAFT202012)


def root_member(schema: Schema) -> Member:
    """The member of a whole schema document."""
    draft = draft_of(schema)
    if isinstance(schema, bool):
        schema = _BOOLEANS[schema]
    resource: Resource[Any] = _specification(draft).create_resource(schema)
    uri = resource.id() or ""
    registry: Registry[Any] = REGISTRY.with_resource(uri, resource)
    document = Document(draft, uri=uri, dynamic=draft >= 2019 and _is_dynamic(schema))
    return Member(schema, registry.resolver(uri), document)


def _is_dynamic(schema: JsonValue) -> bool:
    """Whether a dynamic reference is there, or a reference to a meta-schema, which has some."""
    if isinstance(schema, list):
        return any(map(_is_dynamic, schema))
    if not isinstance(schema, dict):
        return False
    target = schema.get("$ref")
    return (
        any(word in schema for word in ("$dynamicRef", "$recursiveRef"))
        or (isinstance(target, str) and target.startswith("https://json-schema.org/draft/"))
        or any(map(_is_dynamic, schema.values()))
    )
