"""The zoo: the schemas and models every property runs over."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import ipaddress
import pathlib
import uuid
from collections import deque
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    AnyUrl,
    AwareDatetime,
    Base64Str,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    EmailStr,
    Field,
    FutureDate,
    HttpUrl,
    Json,
    NaiveDatetime,
    NonNegativeInt,
    PastDate,
    PlainSerializer,
    PositiveFloat,
    RootModel,
    SecretStr,
    StrictInt,
    StringConstraints,
    Tag,
    computed_field,
    conlist,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic import Discriminator as CallableDiscriminator
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from schemalora.contract import Derived, Extracted, FreeText

# -- models


class Entities(BaseModel):
    order_id: Annotated[str | None, Extracted()] = None
    product: Annotated[str | None, Extracted()] = None


class Ticket(BaseModel):
    """The flagship's shape."""

    intent: Literal["refund", "cancel", "billing", "tech_support", "shipping", "other"]
    priority: Literal["low", "medium", "high"]
    entities: Entities
    needs_clarification: Annotated[bool, Derived()]
    clarifying_question: Annotated[str | None, FreeText()] = None


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"
    HALF = 0.5


class Scalars(BaseModel):
    text: str
    whole: int
    real: float
    flag: bool
    nothing: None
    colour: Colour
    level: Level
    mixed: Mixed
    literal: Literal["a", 1, True, None]
    optional: int | None = None


class Bounded(BaseModel):
    positive: int = Field(gt=0)
    percent: float = Field(ge=0, le=100)
    even: int = Field(multiple_of=2, ge=-10, le=10)
    narrow: float = Field(gt=0.1, lt=0.2)
    code: str = Field(pattern=r"^[A-Z]{2}-\d{3,5}$")
    short: str = Field(min_length=2, max_length=4)
    some: list[int] = Field(min_length=1, max_length=3)
    constrained: Annotated[str, StringConstraints(min_length=1, to_lower=True)]
    natural: NonNegativeInt
    rate: PositiveFloat
    few: conlist(str, min_length=2, max_length=2)  # pyright: ignore


class Temporal(BaseModel):
    day: dt.date
    moment: dt.datetime
    clock: dt.time
    span: dt.timedelta
    aware: AwareDatetime
    naive: NaiveDatetime
    past: PastDate
    future: FutureDate


class Typed(BaseModel):
    decimal: Decimal
    price: Decimal = Field(ge=0, max_digits=6, decimal_places=2)
    id: uuid.UUID
    raw: bytes
    path: pathlib.Path
    v4: ipaddress.IPv4Address
    v6: ipaddress.IPv6Network
    any_url: AnyUrl
    url: HttpUrl
    mail: EmailStr
    secret: SecretStr
    embedded: Json[list[int]]
    base64: Base64Str
    size: ByteSize
    strict: StrictInt


class Pair(NamedTuple):
    left: int
    right: str = "none"


@dataclasses.dataclass
class Plain:
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)


@pydantic_dataclass
class Checked:
    amount: int = Field(gt=0)
    unit: Literal["kg", "lb"] = "kg"


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Containers(BaseModel):
    numbers: list[int]
    unique: set[str]
    frozen: frozenset[int]
    pair: tuple[int, str]
    many: tuple[int, ...]
    named: Pair
    mapping: dict[str, int]
    by_number: dict[int, bool]
    by_colour: dict[Colour, int]
    nested: dict[str, list[dict[str, float]]]
    queue: deque[int]
    plain: Plain
    checked: Checked
    movie: Movie
    anything: Any
    list_of_any: list
    dict_of_any: dict


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    user_name: str = Field(alias="userName")
    read: int = Field(validation_alias="in")
    both: int = Field(validation_alias="reading", serialization_alias="writing")
    choice: str = Field(validation_alias=AliasChoices("first", "second"))
    hidden: int = Field(default=3, exclude=True)
    odd: str = Field(alias="odd key $.[0]")

    @computed_field
    @property
    def shout(self) -> str:
        return self.user_name.upper()


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    known: int


class OpenTyped(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]

    known: int


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: str = "none"
    open: Open = Open(known=1)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tricks: list[str]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    plain: Cat | Dog
    many: list[Cat | Dog | str]
    either: int | str | None
    float_or_int: float | int


def _kind_of(value: Any) -> str:
    return "text" if isinstance(value, str) else "number"


class Tagged(BaseModel):
    value: Annotated[
        Annotated[str, Tag("text")] | Annotated[int, Tag("number")],
        CallableDiscriminator(_kind_of),
    ]


class Tree(BaseModel):
    name: str
    children: list[Tree] = []
    parent: Tree | None = None


class Left(BaseModel):
    right: Right | None


class Right(BaseModel):
    left: Left | None
    value: int


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T
    more: list[T] = []


class Boxes(BaseModel):
    ints: Box[int]
    boxes: Box[Box[Colour]]


class Expression(BaseModel):
    op: Literal["add", "mul"]
    args: list[Expression | float] = Field(min_length=1)


class Tags(RootModel[list[str]]):
    pass


class Matrix(RootModel[list[tuple[float, float]]]):
    pass


class Validated(BaseModel):
    low: int
    high: int
    even: int
    code: str
    lower: Annotated[str, AfterValidator(str.lower)]
    listed: Annotated[list[int], BeforeValidator(lambda v: [v] if isinstance(v, int) else v)]

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value

    @field_validator("code")
    @classmethod
    def _code(cls, value: str) -> str:
        assert value.startswith("v"), "must start with v"
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Validated:
        if self.low > self.high:
            raise ValueError("low must not exceed high")
        return self


class Serialized(BaseModel):
    rounded: Annotated[float, PlainSerializer(lambda v: round(v, 1))]
    day: dt.date

    @field_serializer("day")
    def _write(self, value: dt.date) -> str:
        return value.strftime("%d.%m.%Y")


class Documented(BaseModel):
    """An order as it came in."""

    number: str = Field(description="The order number.", examples=["ORD-12345"])
    total: float = Field(description="In euros.", ge=0)
    note: str | None = Field(None, description="What else was said.")
    lines: list[Entities] = Field(default=[], description="One line an article.")


class BeforeAll(BaseModel):
    day: dt.date
    id: uuid.UUID

    @model_validator(mode="before")
    @classmethod
    def _look(cls, value: Any) -> Any:
        return value


MODELS: tuple[Any, ...] = (
    Ticket,
    Scalars,
    Bounded,
    Temporal,
    Typed,
    Containers,
    Aliased,
    Open,
    OpenTyped,
    Forbidding,
    Owner,
    Tagged,
    Tree,
    Left,
    Boxes,
    Box[int],
    Expression,
    Tags,
    Matrix,
    Validated,
    Serialized,
    Documented,
    BeforeAll,
    Plain,
    Checked,
    Movie,
    Pair,
)

# -- schemas

SCHEMAS: dict[str, Any] = {
    "anything": {},
    "string": {"type": "string", "minLength": 2, "maxLength": 5},
    "integer": {"type": "integer", "minimum": 3, "exclusiveMaximum": 9},
    "number": {"type": "number", "multipleOf": 0.25, "minimum": -1, "maximum": 1},
    "null": {"type": "null"},
    "const": {"const": {"a": [1, None]}},
    "enum": {"enum": ["a", 2, None, [1], {"b": True}]},
    "types": {"type": ["string", "integer", "null"]},
    "object": {
        "type": "object",
        "properties": {"b": {"type": "string"}, "a": {"type": "integer"}, "c": False},
        "required": ["a"],
        "additionalProperties": False,
    },
    "open object": {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    "patterns": {
        "type": "object",
        "patternProperties": {"^x-[a-z]+$": {"type": "boolean"}, "^n": {"type": "number"}},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "names": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-c]{2}$"},
        "additionalProperties": {"const": 1},
        "minProperties": 1,
        "maxProperties": 3,
    },
    "array": {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "maximum": 9},
        "minItems": 2,
        "maxItems": 4,
        "uniqueItems": True,
    },
    "tuple": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
        "minItems": 2,
    },
    "old tuple": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [{"type": "string"}, {"type": "integer"}],
        "additionalItems": {"type": "boolean"},
    },
    "contains": {
        "type": "array",
        "items": {"type": "integer"},
        "contains": {"minimum": 100},
        "minContains": 2,
        "maxContains": 3,
    },
    "all of": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 5}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "any of": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]},
    "one of": {
        "oneOf": [
            {"type": "integer", "multipleOf": 2, "minimum": 0, "maximum": 60},
            {"type": "integer", "multipleOf": 3, "minimum": 0, "maximum": 60},
        ]
    },
    "any of required": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        "additionalProperties": False,
    },
    "discriminated": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}},
                "required": ["kind", "x"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"kind": {"const": "b"}, "y": {"type": "string"}},
                "required": ["kind", "y"],
                "additionalProperties": False,
            },
        ],
        "discriminator": {"propertyName": "kind"},
    },
    "not": {"type": "integer", "not": {"enum": [1, 2]}, "minimum": 0, "maximum": 5},
    "not required": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "not": {"required": ["a", "b"]},
    },
    "if": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "x": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        "then": {"required": ["x"]},
        "else": {"properties": {"x": False}},
    },
    "dependent required": {
        "type": "object",
        "properties": {"card": {"type": "integer"}, "address": {"type": "string"}},
        "dependentRequired": {"card": ["address"]},
    },
    "dependent schemas": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "dependentSchemas": {"a": {"required": ["b"], "properties": {"b": {"minLength": 3}}}},
    },
    "dependencies": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "null"}},
        "dependencies": {"a": ["b"], "b": {"required": ["c"]}},
    },
    "recursive": {
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                },
                "required": ["value", "kids"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/tree",
    },
    "linked": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
    },
    "anchors": {
        "$id": "https://example.com/root.json",
        "$defs": {
            "a": {"$anchor": "word", "type": "string", "minLength": 1},
            "b": {"$id": "other.json", "type": "array", "items": {"$ref": "root.json#word"}},
        },
        "properties": {"x": {"$ref": "other.json"}, "y": {"$ref": "#word"}},
        "type": "object",
        "required": ["x", "y"],
    },
    "dynamic": {
        "$id": "https://example.com/tree",
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {
            "data": {"type": "integer"},
            "children": {"type": "array", "items": {"$dynamicRef": "#node"}},
        },
        "required": ["data"],
    },
    "unevaluated": {
        "type": "object",
        "allOf": [{"properties": {"a": {"type": "integer"}}}],
        "properties": {"b": {"type": "string"}},
        "required": ["a", "b"],
        "unevaluatedProperties": False,
    },
    "unevaluated items": {
        "type": "array",
        "prefixItems": [{"type": "string"}],
        "unevaluatedItems": {"type": "integer"},
        "minItems": 1,
    },
    "draft 4": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": "http://example.com/four",
        "definitions": {"p": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}},
        "type": "object",
        "properties": {"p": {"$ref": "#/definitions/p", "maximum": -5}},
        "required": ["p"],
    },
    "draft 6 exclusive": {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
    },
    "draft 7 format": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "span": {"type": "string", "format": "duration"},
        },
        "required": ["id", "span"],
    },
    "formats": {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name}
            for name in (
                "date",
                "time",
                "date-time",
                "duration",
                "email",
                "hostname",
                "ipv4",
                "ipv6",
                "uri",
                "uri-reference",
                "iri",
                "uri-template",
                "uuid",
                "json-pointer",
                "relative-json-pointer",
                "regex",
                "int32",
            )
        },
        "required": ["date", "email", "uuid"],
    },
    "patterns of strings": {
        "type": "object",
        "properties": {
            "plate": {"type": "string", "pattern": "^[A-Z]{1,3}-[A-Z]{1,2} [1-9]\\d{0,3}$"},
            "semver": {
                "type": "string",
                "pattern": r"^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$",
            },
            "slug": {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$", "maxLength": 12},
            "loose": {"type": "string", "pattern": "foo|bar"},
            "letters": {"type": "string", "pattern": r"^\p{Lu}\p{Ll}+$"},
            "unicode": {"type": "string", "pattern": "^[\\u4e00-\\u4e10]{2}$"},
            "password": {"type": "string", "pattern": r"^(?=.*[A-Z])(?=.*\d).{8,}$"},
            "not": {"type": "string", "pattern": "^[^,;]+$"},
            "two": {
                "allOf": [
                    {"type": "string", "pattern": "^[a-z]+$"},
                    {"pattern": "x"},
                    {"minLength": 6},
                ]
            },
        },
        "additionalProperties": False,
    },
    "enum in all of": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}, {"minimum": 3}]},
    "content": {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"type": "array", "items": {"type": "integer"}},
    },
    "deep all of": {
        "allOf": [{"allOf": [{"type": "integer"}, {"anyOf": [{"minimum": 5}, {"maximum": 2}]}]}],
        "anyOf": [{"multipleOf": 3}, {"multipleOf": 5}],
        "minimum": 0,
        "maximum": 30,
    },
    "marked": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "x-relation": "extracted"},
            "reply": {"type": "string", "x-relation": "free_text", "x-comparison": "exact"},
        },
        "required": ["name", "reply"],
    },
}
