"""What an application imports."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel

from inference.conftest import MESSAGES, Answer
from schemalora.errors import AdapterMismatchError, ExtractionError, UsageError
from schemalora.inference import Extractor, load, predict


@pytest.fixture(scope="module")
def loaded(adapter_folder):
    return load(adapter_folder, dtype="float32")


@pytest.fixture(scope="module")
def extract(loaded):
    return Extractor(loaded, model=Answer, max_new_tokens=40, batch_size=4)


@pytest.fixture(scope="module")
def expected(loaded):
    found = predict(loaded, MESSAGES, constrained=True, max_new_tokens=40)
    return [Answer.model_validate_json(one.completion) for one in found]


def test_a_text_becomes_a_validated_instance(extract, expected):
    assert [extract(text) for text in MESSAGES] == expected


def test_the_model_may_have_another_name(loaded, expected):
    class Reply(Answer, title="Answer"):
        __doc__ = Answer.__doc__

    extract = Extractor(loaded, model=Reply, max_new_tokens=40)
    assert [one.model_dump() for one in extract.batch(MESSAGES)] == [
        one.model_dump() for one in expected
    ]


def test_a_batch(extract, expected):
    assert extract.batch(MESSAGES) == expected
    assert extract.batch([]) == []


def test_without_a_model_the_value_is_json(adapter_folder, expected):
    extract = Extractor.load(adapter_folder, dtype="float32", max_new_tokens=40)
    assert extract(MESSAGES[0]) == expected[0].model_dump()


def test_many_threads(extract, expected):
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(extract, MESSAGES * 6))
    assert found == expected * 6


@pytest.mark.parametrize(
    "opening", ["\n", "\n\n", "  ", " \n", "\r\n", "\t", "\x0b", "\u2028", "\ufeff"]
)
def test_a_text_may_open_with_white_space(loaded, opening):
    """A tokenizer may cut it into one token with the line break that stands before the text."""
    extract = Extractor(loaded, model=Answer, max_new_tokens=40)
    texts = [opening + MESSAGES[0], MESSAGES[1]]
    found = predict(loaded, texts, constrained=True, max_new_tokens=40)
    expected = [Answer.model_validate_json(one.completion) for one in found]
    assert [extract(text) for text in texts] == expected
    assert extract.batch(texts) == expected


def test_two_extractors_of_one_model_in_two_threads(loaded, expected):
    both = [Extractor(loaded, model=Answer, max_new_tokens=40) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda extract: extract.batch(MESSAGES * 3), both))
    assert found == [expected * 3] * 2


def test_async(extract, expected):
    async def all_of_them():
        return await asyncio.gather(*map(extract.extract, MESSAGES))

    assert asyncio.run(all_of_them()) == expected


def test_an_error_holds_the_raw_completion(loaded, expected):
    extract = Extractor(loaded, model=Answer, constrained=False, max_new_tokens=9)
    with pytest.raises(ExtractionError, match="does not satisfy the contract") as caught:
        extract(MESSAGES[0])
    assert caught.value.completion
    assert caught.value.violations[0].kind == "not_json"
    assert all(isinstance(one, ExtractionError) for one in extract.batch(MESSAGES[:2]))


def test_a_text_that_is_too_long_fails_alone(extract, expected):
    with pytest.raises(UsageError, match="too long"):
        extract("word " * 5000)
    assert extract(MESSAGES[0]) == expected[0]


def test_another_model_is_refused(loaded):
    class Other(BaseModel):
        kind: str

    with pytest.raises(AdapterMismatchError, match="contract"):
        Extractor(loaded, model=Other)


def test_a_base_model_has_no_contract(loaded, base_folder):
    with pytest.raises(UsageError, match="needs an adapter"):
        Extractor(load(str(base_folder)))
