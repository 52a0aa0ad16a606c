"""The probability of a field is that of the tokens that spell its value, and of no others."""

import math

import pytest
import torch
from pydantic import BaseModel

from inference.conftest import MESSAGES
from schemalora.contract import Contract
from schemalora.formatting import build_prompt, encode_prompt
from schemalora.inference import load, predict
from schemalora.inference.confidence import field_confidence
from schemalora.records import read_predictions

SCHEMA = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["refund", "cancel"]},
        "entities": {
            "type": "object",
            "properties": {
                "order_id": {"type": ["string", "null"]},
                "amount": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["order_id", "amount", "tags"],
        },
        "flag": {"type": "boolean"},
    },
    "required": ["intent", "entities", "flag"],
}
CONTRACT = Contract.from_json_schema(SCHEMA)
TEXT = '{"intent":"refund","entities":{"order_id":null,"amount":12,"tags":["é","日"]},"flag":true}'


def spelled(tokenizer, path, *, text=TEXT, contract=CONTRACT):
    """The tokens whose probability the field's changes with."""
    tokens = tokenizer.encode(text, add_special_tokens=False)
    found = []
    for place in range(len(tokens)):
        logprobs = [0.0] * len(tokens)
        logprobs[place] = math.log(0.5)
        confidence = field_confidence(tokenizer, tokens, logprobs, contract.fields.values())
        if confidence[path] == 0.5:
            found.append(tokens[place])
        else:
            assert confidence[path] == 1.0
    return tokenizer.decode(found)


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ("$.intent", '":"refund","'),
        ("$.entities.order_id", '":null'),
        ("$.entities.amount", '":12,"'),
        ("$.entities.tags", '":["é","日"]'),
        ("$.flag", '":true'),
    ],
)
def test_which_tokens_count(tokenizer, path, tokens):
    assert spelled(tokenizer, path) == tokens


class Parcel(BaseModel):
    carrier: str
    weight: int


class Order(BaseModel):
    model_config = {"extra": "allow"}

    name: str
    parcel: Parcel | None = None
    note: str | None = None


@pytest.mark.parametrize(
    ("text", "path", "tokens"),
    [
        # What is null decides for all that it would have held.
        ('{"name":"x","parcel":null,"note":"y"}', "$.parcel.weight", '":null'),
        ('{"name":"x","parcel":null,"note":"y"}', "$.parcel.carrier", '":null'),
        # Keys and what stands between values decide that a key is absent; other values do not.
        ('{"name":"x","note":"y"}', "$.parcel.weight", '{"name":"","note":""}'),
        ('{"name":"x","parcel":{"weight":3}}', "$.parcel.carrier", '":{"weight":}}'),
        ('{"name":"x","parcel":{"weight":3}}', "$.note", '{"name":"","parcel":}}'),
        ('"text"', "$.note", '"text"'),
    ],
)
def test_what_is_absent_is_as_sure_as_what_left_it_out(tokenizer, text, path, tokens):
    contract = Contract.from_model(Order, optional_keys=True)
    assert spelled(tokenizer, path, text=text, contract=contract) == tokens


def test_what_is_not_json_has_no_confidence(tokenizer):
    for text in ("", "no", "{", '{"intent"', '{"intent":"refund"', '{"intent" 3}', "[" * 5000):
        tokens = tokenizer.encode(text, add_special_tokens=False)
        assert (
            field_confidence(tokenizer, tokens, [0.0] * len(tokens), CONTRACT.fields.values()) == {}
        )


def test_constrained_confidence_is_renormalised_under_the_mask(adapter_folder, tmp_path, contract):
    loaded = load(adapter_folder, dtype="float32")
    output = tmp_path / "p.jsonl"
    found = list(
        predict(loaded, MESSAGES, constrained=True, confidence=True, batch_size=3, output=output)
    )
    assert [one.confidence for one in read_predictions(output)] == [one.confidence for one in found]
    prompt = encode_prompt(
        loaded.tokenizer,
        build_prompt(contract, MESSAGES[0], prompt_format=loaded.prompt_format),
    )
    # The first free token chooses among the three kinds; the rest of the word is forced.
    opening = loaded.tokenizer.encode('{"kind":"', add_special_tokens=False)
    with torch.inference_mode():
        logits = loaded.model(torch.tensor([[*prompt, *opening]])).logits[0, -1]
    kind = contract.parse(found[0].completion).value["kind"]
    first = {
        word: loaded.tokenizer.encode(f'{{"kind":"{word}"', add_special_tokens=False)[len(opening)]
        for word in ("refund", "cancel", "other")
    }
    one = found[0].confidence["$.kind"]
    # Shorter tokens of the same words are allowed as well, so this bounds it from above.
    bound = logits[list(first.values())].softmax(0)[list(first).index(kind)].item()
    assert 0 < one <= bound + 1e-4
    for prediction in found:
        assert prediction.confidence.keys() == contract.fields.keys()
