"""Types that define their own core schema, and what only such types bring about."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    GetCoreSchemaHandler,
    RootModel,
    SerializeAsAny,
    Tag,
    create_model,
)
from pydantic_core import core_schema

from schemalora.contract import Contract
from schemalora.errors import SchemaError, UsageError
from schemalora.sampling import sample


def contract_of(schema: core_schema.CoreSchema) -> Contract:
    """The contract of a model with one field `v` of a type with this core schema."""

    class Own:
        @classmethod
        def __get_pydantic_core_schema__(
            cls, source: Any, handler: GetCoreSchemaHandler
        ) -> core_schema.CoreSchema:
            return schema

    return Contract.from_model(create_model("Holder", v=(Own, ...)))


INTEGER = core_schema.int_schema()
TYPED = core_schema.typed_dict_schema({"a": core_schema.typed_dict_field(INTEGER)})
CALL = core_schema.call_schema(
    core_schema.arguments_schema([core_schema.arguments_parameter("a", INTEGER)]), dict[str, int]
)
PLAIN = core_schema.no_info_plain_validator_function(lambda value: value)
CHAIN = core_schema.chain_schema([core_schema.str_schema(), PLAIN])


@pytest.mark.parametrize("schema", [TYPED, CALL], ids=["typed dict", "call"])
def test_objects_are_closed_and_strict_at_every_depth(schema: core_schema.CoreSchema) -> None:
    contract = contract_of(schema)
    assert contract.parse('{"v":{"a":1}}').compliant
    for text, kind in (
        ('{"v":{"a":"1"}}', "wrong_type"),
        ('{"v":{"a":1,"b":2}}', "extra_key"),
        ('{"v":{}}', "missing_key"),
    ):
        assert [one.kind for one in contract.parse(text).violations] == [kind]
    for target in sample(contract, 5, seed=0):
        assert contract.parse(contract.encode(target)).compliant


def test_a_chain_is_checked_step_by_step() -> None:
    contract = contract_of(CHAIN)
    assert contract.parse('{"v":"a"}').compliant
    assert [one.path for one in contract.parse('{"v":1}').violations] == ["$.v"]


def test_a_plain_validator_function_takes_anything() -> None:
    contract = contract_of(PLAIN)
    for text in ('{"v":[1]}', '{"v":null}', '{"v":{"a":{}}}'):
        assert contract.parse(text).compliant


def test_a_type_without_a_json_schema_is_refused() -> None:
    parameters = [
        core_schema.arguments_parameter("a", INTEGER, mode="positional_only"),
        core_schema.arguments_parameter("b", INTEGER, mode="keyword_only"),
    ]
    schema = core_schema.arguments_schema(
        parameters, serialization=core_schema.to_string_ser_schema()
    )
    with pytest.raises(SchemaError, match="positional-only"):
        contract_of(schema)


class Base(BaseModel):
    a: int


class Longer(Base):
    b: int = 2


class AnyBase(BaseModel):
    v: SerializeAsAny[Base]


def test_an_instance_is_written_as_the_type_that_is_read() -> None:
    contract = Contract.from_model(AnyBase)
    assert contract.encode(AnyBase(v=Longer(a=1))) == '{"v":{"a":1}}'


class Infinite(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")

    x: float


def test_numbers_that_json_has_no_word_for_cannot_be_encoded() -> None:
    with pytest.raises(UsageError, match="cannot encode the instance"):
        Contract.from_model(Infinite).encode(Infinite(x=float("inf")))


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "number"


class Bare(
    RootModel[
        Annotated[Annotated[str, Tag("text")] | Annotated[int, Tag("number")], Discriminator(_kind)]
    ]
):
    pass


def test_tags_of_a_union_at_the_root_are_no_part_of_the_path() -> None:
    contract = Contract.from_model(Bare)
    assert contract.parse('"a"').compliant
    assert [one.path for one in contract.parse("1.5").violations] == ["$"]


@pytest.mark.parametrize("second", [None, KeyError("gone")], ids=["recovers", "raises otherwise"])
def test_a_validator_that_changes_its_mind_is_still_a_violation(second: Exception | None) -> None:
    calls = itertools.count()

    def unreliable(value: int) -> int:
        call = next(calls)
        if call == 0:
            raise ValueError("down")
        if call == 1 and second is not None:
            raise second
        return value

    model = create_model("Unreliable", n=(Annotated[int, AfterValidator(unreliable)], ...))
    contract = Contract.from_model(model)
    first = contract.parse('{"n":1}')
    assert [(one.kind, one.path) for one in first.violations] == [("validator", "$")]
    assert ("gone" if second else "down") in first.violations[0].message
    assert contract.parse('{"n":1}').compliant


def test_a_lone_surrogate_in_the_text_is_the_texts_fault() -> None:
    violations = Contract.from_model(Base).parse('{"a":"\ud800"}').violations
    assert [(one.kind, one.path) for one in violations] == [("not_json", "$")]
