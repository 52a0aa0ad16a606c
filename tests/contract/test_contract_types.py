"""What the completion schema says of types beyond pydantic's own, and what endpoints get of it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import InitVar
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypeAliasType

import zoo
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.sampling import sample
from schemalora.schema import matches


class Endpoint(BaseModel):
    default: int = 3
    moment: NaiveDatetime
    price: Decimal = Decimal(1)
    pet: Annotated[zoo.Cat | zoo.Dog, Field(discriminator="kind")]
    word: Literal["default", "examples"] = "default"


def test_response_format_has_no_keyword_that_strict_endpoints_refuse() -> None:
    contract = Contract.from_model(Endpoint)
    payload: Any = contract.response_format()
    schema = payload["json_schema"]["schema"]
    assert list(schema["properties"]) == ["default", "moment", "price", "pet", "word"]
    assert schema["properties"]["word"]["enum"] == ["default", "examples"]
    assert "oneOf" not in schema["properties"]["pet"]
    for word in ('"default": 3', "discriminator", "decimal", "naive-date-time", "oneOf"):
        assert word not in json.dumps(schema)
    same = Contract.from_json_schema(schema)
    for target in sample(contract, 20, seed=0):
        assert same.parse(contract.encode(target)).compliant


class Rich(BaseModel):
    day: dt.date = Field(ge=dt.date(2024, 2, 1), lt=dt.date(2024, 3, 1))
    moment: dt.datetime = Field(gt=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    clock: dt.time = Field(ge=dt.time(9), le=dt.time(9, 30))
    span: dt.timedelta = Field(ge=dt.timedelta(hours=1), le=dt.timedelta(hours=2))
    naive: NaiveDatetime
    aware: AwareDatetime
    price: Decimal = Field(max_digits=5, decimal_places=2, ge=0)
    digits: Decimal = Field(max_digits=3)
    by_number: dict[int, bool] = Field(min_length=1)
    by_day: dict[dt.date, bool] = Field(min_length=1)


def test_the_schema_says_what_pydantic_s_own_leaves_out() -> None:
    contract = Contract.from_model(Rich)
    for target in sample(contract, 40, seed=0):
        assert matches(contract.tree, target)
        assert Contract.from_dict(contract.to_dict()).parse(contract.encode(target)).compliant
    good: Any = next(iter(sample(contract, 1, seed=1)))
    for name, value in (
        ("price", "1234.5"),
        ("price", "1.234"),
        ("price", "-1.00"),
        ("price", 1000),
        ("digits", "1234"),
        ("digits", "12.34"),
        ("by_number", {"one": True}),
        ("by_day", {"today": True}),
        ("aware", "2024-01-01T00:00:00"),
    ):
        assert not matches(contract.tree, {**good, name: value}), (name, value)
        assert not contract.parse(contract.encode({**good, name: value})).compliant


@pydantic_dataclass
class Started:
    name: str
    seed: InitVar[int]


def test_an_init_var_cannot_be_written_from_an_instance() -> None:
    contract = Contract.from_model(Started)
    assert contract.parse('{"name":"a","seed":1}').compliant
    with pytest.raises(UsageError, match=r"InitVar.*\$\.seed"):
        contract.encode(Started(name="a", seed=1))


Nested = TypeAliasType("Nested", "list[Nested] | int")


class SecondsSpan(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float")

    span: dt.timedelta


def test_times_are_written_as_they_are_read() -> None:
    contract = Contract.from_model(SecondsSpan)
    written = contract.encode(SecondsSpan(span=dt.timedelta(seconds=90)))
    assert contract.parse(written).compliant


def test_a_list_of_itself_is_described() -> None:
    contract = Contract.from_model(list[Nested])
    assert "like $" in contract.instructions
