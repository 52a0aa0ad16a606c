"""Contracts of models: closed, complete, and faithful on the wire."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    ImportString,
    PlainValidator,
    SecretStr,
)

import zoo
from schemalora.contract import Contract, Derived, Extracted, FreeText, load_contract
from schemalora.contract.loading import load_object
from schemalora.errors import SchemaError, UsageError
from schemalora.jsonvalue import canonical_json
from schemalora.sampling import sample

CONTRACTS = {getattr(m, "__name__", str(m)): Contract.from_model(m) for m in zoo.MODELS}


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_instances_go_round(name: str) -> None:
    contract = CONTRACTS[name]
    for target in sample(contract, 15, seed=8):
        instance = contract.parse(contract.encode(target)).instance
        again = contract.parse(contract.encode(instance))
        assert again.violations == ()
        assert again.instance == instance


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_the_completion_schema_accepts_what_parsing_accepts(name: str) -> None:
    contract = CONTRACTS[name]
    validator = jsonschema_rs.validator_for(contract.json_schema, validate_formats=True)
    for target in sample(contract, 15, seed=8):
        assert validator.is_valid(target), target


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_saving_keeps_all_but_the_model(name: str, tmp_path: Path) -> None:
    contract = CONTRACTS[name]
    contract.save(tmp_path / "contract.json")
    again = Contract.load(tmp_path / "contract.json")
    assert again.fingerprint == contract.fingerprint
    assert again.to_dict() == contract.to_dict()
    assert dict(again.fields) == dict(contract.fields)
    assert again.instructions == contract.instructions
    assert again.model is None
    assert json.loads((tmp_path / "contract.json").read_text())["format_version"] == 1


def closed_objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, dict):
        inner = [one for value in schema.values() for one in closed_objects(value)]
        return [schema, *inner] if "properties" in schema else inner
    return (
        [one for value in schema for one in closed_objects(value)]
        if isinstance(schema, list)
        else []
    )


def test_the_completion_schema_is_closed_and_complete() -> None:
    for name in ("Ticket", "Tree", "Bounded", "Aliased", "Plain", "Checked", "Forbidding"):
        for one in closed_objects(CONTRACTS[name].json_schema):
            if one.get("title") == "Open":
                assert one["additionalProperties"] is True
                continue
            assert one["additionalProperties"] is False
            assert set(one["required"]) == set(one["properties"])


def test_optional_keys_may_be_left_out() -> None:
    contract = Contract.from_model(zoo.Ticket, optional_keys=True)
    short = {"intent": "refund", "priority": "low", "entities": {}, "needs_clarification": False}
    assert contract.parse(json.dumps(short)).instance == zoo.Ticket(
        intent="refund", priority="low", entities=zoo.Entities(), needs_clarification=False
    )
    assert not contract.parse(json.dumps({**short, "x": 1})).compliant
    assert contract.fingerprint != CONTRACTS["Ticket"].fingerprint
    assert contract.json_schema["required"] == [
        "intent",
        "priority",
        "entities",
        "needs_clarification",
    ]


def test_a_typed_dict_says_for_itself_what_is_required() -> None:
    contract = CONTRACTS["Movie"]
    assert contract.parse('{"title":"a"}').compliant
    assert not contract.parse('{"title":"a","rating":1}').compliant


def test_extra_keys_where_the_model_allows_them() -> None:
    assert CONTRACTS["Open"].parse('{"known":1,"more":[2]}').compliant
    assert CONTRACTS["OpenTyped"].parse('{"known":1,"more":2}').compliant
    violations = CONTRACTS["OpenTyped"].parse('{"known":1,"more":"x"}').violations
    assert [(one.kind, one.path) for one in violations] == [("wrong_type", "$.more")]


def test_encode_is_canonical() -> None:
    contract = CONTRACTS["Ticket"]
    value = {
        "needs_clarification": False,
        "clarifying_question": "Größe \u2028?",
        "entities": {"product": None, "order_id": "A"},
        "priority": "low",
        "intent": "other",
    }
    text = contract.encode(value)
    assert text == (
        '{"intent":"other","priority":"low","entities":{"order_id":"A","product":null},'
        '"needs_clarification":false,"clarifying_question":"Größe \u2028?"}'
    )
    assert not contract.in_order(value)
    assert contract.in_order(json.loads(text))
    assert contract.encode(contract.parse(text).instance) == text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from(sorted(CONTRACTS)))
def test_encode_keeps_the_value(value: Any, name: str) -> None:
    try:
        text = CONTRACTS[name].encode(value)
    except UnicodeEncodeError:
        return
    assert json.loads(text) == value
    assert CONTRACTS[name].encode(json.loads(text)) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.1, "0.1"), (-0.0, "0"), (1e22, "1e+22")]
)
def test_equal_numbers_have_one_text(value: float, text: str) -> None:
    assert Contract.from_json_schema({}).encode([value]) == f"[{text}]"


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), {"a": float("inf")}])
def test_what_is_no_json_value_cannot_be_encoded(value: Any) -> None:
    with pytest.raises(UsageError, match="cannot encode"):
        Contract.from_json_schema({}).encode(value)
    with pytest.raises(UsageError, match="cannot encode"):
        CONTRACTS["Ticket"].encode(value)


def test_secrets_and_sets_are_written_so_that_they_can_be_read() -> None:
    class Model(BaseModel):
        secret: SecretStr
        names: set[str]
        amount: Decimal

    contract = Contract.from_model(Model)
    one = Model(secret=SecretStr("s3cret"), names={"b", "a", "c"}, amount=Decimal("1.50"))
    assert contract.encode(one) == '{"secret":"s3cret","names":["a","b","c"],"amount":"1.50"}'


def test_key_order_is_part_of_the_fingerprint() -> None:
    class One(BaseModel):
        a: int
        b: int

    class Two(BaseModel):
        b: int
        a: int

    first = Contract.from_json_schema({"properties": {"a": {}, "b": {}}, "type": "object"})
    second = Contract.from_json_schema({"properties": {"b": {}, "a": {}}, "type": "object"})
    assert first.fingerprint != second.fingerprint
    assert Contract.from_model(One).fingerprint != Contract.from_model(Two).fingerprint
    assert Contract.from_model(One).fingerprint == Contract.from_model(One).fingerprint


def test_relations_are_part_of_the_fingerprint() -> None:
    def contract_with(mark: Any) -> Contract:
        class Model(BaseModel):
            a: Annotated[str, mark]

        return Contract.from_model(Model)

    marks = [Extracted(), Derived(), FreeText(), FreeText(comparison="exact")]
    assert len({contract_with(mark).fingerprint for mark in marks}) == 4
    assert contract_with(Derived()).json_schema == contract_with(FreeText()).json_schema


def test_fields_of_the_flagship_shape() -> None:
    fields = CONTRACTS["Ticket"].fields
    assert list(fields) == [
        "$.intent",
        "$.priority",
        "$.entities.order_id",
        "$.entities.product",
        "$.needs_clarification",
        "$.clarifying_question",
    ]
    assert fields["$.intent"].allowed == (
        "refund",
        "cancel",
        "billing",
        "tech_support",
        "shipping",
        "other",
    )
    assert [field.relation for field in fields.values()] == [
        "derived",
        "derived",
        "extracted",
        "extracted",
        "derived",
        "free_text",
    ]
    assert [field.nullable for field in fields.values()] == [False, False, True, True, False, True]
    assert fields["$.clarifying_question"].comparison == "ignored"
    assert fields["$.entities.order_id"].keys == ("entities", "order_id")
    assert fields["$.entities.order_id"].kinds == ("string", "null")


def test_fields_of_containers_and_recursion() -> None:
    containers = CONTRACTS["Containers"].fields
    assert containers["$.unique"].comparison == "unordered"
    assert containers["$.numbers"].comparison == "ordered"
    assert containers["$.mapping"].kinds == ("object",)
    assert "$.plain.tags" in containers
    assert list(CONTRACTS["Tree"].fields) == ["$.name", "$.children", "$.parent"]
    assert list(CONTRACTS["Tags"].fields) == ["$"]
    marked = Contract.from_json_schema(zoo.SCHEMAS["marked"]).fields
    assert (marked["$.name"].relation, marked["$.name"].comparison) == ("extracted", "exact")
    assert (marked["$.reply"].relation, marked["$.reply"].comparison) == ("free_text", "exact")


def test_response_format() -> None:
    payload: Any = CONTRACTS["Ticket"].response_format()
    assert payload["type"] == "json_schema"
    assert payload["json_schema"]["name"] == "Ticket"
    assert payload["json_schema"]["strict"] is True
    assert "x-relation" not in json.dumps(payload)


class Arbitrary:
    pass


class WithCallable(BaseModel):
    a: int
    run: list[Callable[[], int]]


class WithClass(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    inner: dict[str, Arbitrary]


class WithType(BaseModel):
    kind: type[int]


class WithAliasPath(BaseModel):
    name: str = Field(validation_alias=AliasPath("names", 0))


class Code(Enum):
    PLAIN = "a"
    PAIR = ("b", 1)


class WithTupleMember(BaseModel):
    codes: list[Code]


class WithImport(BaseModel):
    names: dict[str, ImportString[Any]]


class WithTypedImport(BaseModel):
    name: ImportString[int]


class Undefined(BaseModel):
    other: "Nowhere"  # noqa: F821, UP037  # pyright: ignore


@pytest.mark.parametrize(
    ("model", "path", "reason"),
    [
        (WithCallable, "$.run[*]", "callable"),
        (WithClass, "$.inner.*", "Arbitrary"),
        (WithType, "$.kind", "class object"),
        (WithAliasPath, "$.name", "AliasPath"),
        (WithTupleMember, "$.codes[*]", r"Code.PAIR .* \('b', 1\)"),
        (WithImport, "$.names.*", "imported"),
        (WithTypedImport, "$.name", "imported"),
        (Undefined, "$", "Nowhere"),
        (Arbitrary, "$", "Arbitrary"),
    ],
)
def test_what_cannot_be_supported_is_refused_with_its_path(
    model: Any, path: str, reason: str
) -> None:
    with pytest.raises(SchemaError, match=reason) as caught:
        Contract.from_model(model)
    assert caught.value.path == path


def a_function(a: int, b: int) -> int:
    return a + b


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (Arbitrary, "^Arbitrary"),
        (Arbitrary(), "Arbitrary object"),
        (list[Arbitrary], "pydantic cannot build list: .*Arbitrary"),
        (a_function, "^a_function"),
        (lambda text: text, "lambda"),
        (partial(a_function, 1), "partial"),
        (print, "^print"),
        (zoo.Ticket.model_validate, "^model_validate"),
        (3, "^3"),
    ],
)
def test_what_is_no_model_is_refused_with_good_advice(what: Any, name: str) -> None:
    with pytest.raises(SchemaError, match=f"{name}.* is no Pydantic model") as caught:
        Contract.from_model(what)
    assert "derive it from pydantic.BaseModel" in str(caught.value)
    assert "arbitrary_types_allowed" not in str(caught.value)


def test_a_plain_validator_takes_any_json_and_has_the_last_word() -> None:
    def odd(value: Any) -> int:
        if not isinstance(value, int) or value % 2 == 0:
            raise ValueError("must be odd")
        return value

    class Model(BaseModel):
        number: Annotated[int, PlainValidator(odd)]

    contract = Contract.from_model(Model)
    for target in sample(contract, 5, seed=0):
        assert contract.parse(contract.encode(target)).instance.number % 2 == 1


def test_below_a_before_validator_only_the_json_form_is_read() -> None:
    contract = CONTRACTS["BeforeAll"]
    good = '{"day":"2024-02-29","id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}'
    assert contract.parse(good).compliant
    for day in ("17", "1.5", "true", "[]", '"2023-02-29"'):
        assert not contract.parse(good.replace('"2024-02-29"', day)).compliant


def test_names_with_defer_build_and_forward_references() -> None:
    class Deferred(BaseModel):
        model_config = ConfigDict(defer_build=True)
        a: int

    assert Contract.from_model(Deferred).parse('{"a":1}').compliant
    assert Contract.from_model(list[int]).parse("[1]").compliant
    assert Contract.from_model(zoo.Box[int]).name == "Box[int]"


def test_loading_by_module_and_by_file(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type":"integer"}')
    (tmp_path / "model.py").write_text(
        "from pydantic import BaseModel\nclass M(BaseModel):\n    class N(BaseModel):\n"
        "        a: int\n"
        "from schemalora.contract import Contract\nREADY = Contract.from_model(M.N)\nONE = 1\n"
    )
    (tmp_path / "broken.py").write_text("1/0\n")
    (tmp_path / "exits.py").write_text("import sys\nsys.exit(0)\n")
    assert load_contract("zoo:Ticket").model is zoo.Ticket
    assert load_contract(str(tmp_path / "schema.json")).name == "schema"
    file = str(tmp_path / "model.py")
    assert load_contract(f"{file}:M.N").parse('{"a":1}').compliant
    assert load_contract(f"{file}:READY").model is load_contract(f"{file}:READY").model
    CONTRACTS["Ticket"].save(tmp_path / "saved.json")
    assert (
        load_contract(str(tmp_path / "saved.json")).fingerprint == CONTRACTS["Ticket"].fingerprint
    )
    for wrong, message in [
        ("nowhere.to.be:Found", "cannot import"),
        ("zoo:Nothing", "has no 'Nothing'"),
        ("zoo", "a contract is"),
        (f"{tmp_path}/none.py:M", "no such file"),
        (f"{tmp_path}/broken.py:M", "ZeroDivisionError"),
        (f"{tmp_path}/none.json", "cannot be read"),
        (f"{tmp_path}/exits.py:M", r"cannot import .*exits.py.*SystemExit: 0"),
        (f"{tmp_path}/model.py:", "a contract is"),
        (f"{tmp_path}/model.py:M..N", "a contract is"),
        (":", "^':': a contract is"),
        (":Ticket", "a contract is"),
        (" :Ticket", "a contract is"),
    ]:
        with pytest.raises(UsageError, match=message) as caught:
            load_contract(wrong)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_no_contract_is_named(tmp_path: Path) -> None:
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps({**CONTRACTS["Ticket"].to_dict(), "format_version": 99}))
    for load in (Contract.load, lambda path: load_contract(str(path))):
        with pytest.raises(UsageError, match=r"newer.json: not a contract of .*but 99"):
            load(newer)
    broken = tmp_path / "broken.json"
    broken.write_text('{"type":"object","properties":{"a":{"type":"text"}}}')
    with pytest.raises(SchemaError, match=r"broken.json: "):
        load_contract(str(broken))
    broken.write_text(json.dumps({**CONTRACTS["Ticket"].to_dict(), "schema": {"type": "text"}}))
    with pytest.raises(SchemaError, match=r"broken.json: ") as caught:
        Contract.load(broken)
    assert caught.value.path == "$"


def test_other_objects_are_not_called_contracts(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("def render(target, rng): ...\n")
    assert callable(load_object(f"{tmp_path}/made.py:render"))
    for wrong in (f"{tmp_path}/none.py:render", f"{tmp_path}/made.py:other", "render", ":"):
        with pytest.raises(UsageError, match=r"expected package.module:name") as caught:
            load_object(wrong)
        assert "contract" not in str(caught.value)


def test_a_file_that_could_not_be_imported_is_imported_again(tmp_path: Path) -> None:
    file = tmp_path / "mended.py"
    file.write_text("from schemalora.errors import UsageError\nraise UsageError('not yet')\n")
    with pytest.raises(UsageError, match=r"^not yet$"):
        load_contract(f"{file}:M")
    file.write_text("from pydantic import BaseModel\nclass M(BaseModel):\n    number: int\n")
    assert load_contract(f"{file}:M").parse('{"number":1}').compliant


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "shared_kinds.py").write_text("from typing import Literal\nKind = Literal['a']\n")
    head = "from pydantic import BaseModel\n"
    body = "class M(BaseModel):\n    kind: Kind\n"
    file = tmp_path / "with_neighbour.py"
    file.write_text(f"{head}from shared_kinds import Kind\n{body}")
    path = list(sys.path)
    assert load_contract(f"{file}:M").parse('{"kind":"a"}').compliant
    assert sys.path == path
    relative = tmp_path / "of_a_package.py"
    relative.write_text(f"{head}from .shared_kinds import Kind\n{body}")
    with pytest.raises(UsageError, match=r"of_a_package.*is named package.module:name"):
        load_contract(f"{relative}:M")


def test_from_dict_refuses_what_is_no_contract() -> None:
    for data in ({}, {"format_version": 1}, {"format_version": 99, "schema": {}, "name": "a"}):
        with pytest.raises(UsageError):
            Contract.from_dict(data)


def test_own_instructions_win() -> None:
    contract = Contract.from_model(zoo.Ticket, instructions="Do as you are told.")
    assert contract.instructions == "Do as you are told."
    assert Contract.from_dict(contract.to_dict()).instructions == "Do as you are told."
    assert "Ticket" in repr(contract)


def test_instructions_tell_the_shape() -> None:
    text = CONTRACTS["Documented"].instructions
    for part in (
        "An order as it came in.",
        "total: number (>= 0) # In euros.",
        "note: string | null",
    ):
        assert part in text
    assert CONTRACTS["Bounded"].instructions.count("\n") == 13
    tree = CONTRACTS["Tree"].instructions
    assert "children: [Tree as in $, ...]" in tree
    assert "refund | cancel" in CONTRACTS["Ticket"].instructions
    assert (
        len(CONTRACTS["Ticket"].instructions)
        < len(canonical_json(CONTRACTS["Ticket"].json_schema)) / 3
    )
    odd = Contract.from_json_schema(
        {"type": "object", "properties": {"a b": {"enum": ["string", "ok", 1, None]}, "c": {}}}
    )
    assert '"a b"?: "string" | ok | 1 | null' in odd.instructions
    many = Contract.from_json_schema({"enum": [f"v{i}" for i in range(100)]})
    assert "(100 values)" in many.instructions
