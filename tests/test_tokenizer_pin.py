"""Tokenizers are told apart by what they do, and not by how a release writes them down."""

# tokenizers is typed in part only:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, ByT5Tokenizer, PreTrainedTokenizerFast

from schemalora.tokenizer_pin import tokenizer_hash
from spaced import spaced_tokenizer

FIRST_KIND = "35ececa6a027c7067711db4c4540f70e0221e3a40ea2967e93b1f587a7754f27"
SECOND_KIND = "v2:d519e8b4271d5be15d4543e8279d8e2c47bbb9753d8906708cfb594d53e913c3"


@pytest.fixture(scope="module")
def small() -> Any:
    return spaced_tokenizer("Metaspace")


def saved(tokenizer: Any, folder: Path, edit: Callable[[dict[str, Any]], None]) -> Any:
    """The tokenizer with an edited `tokenizer.json`, loaded from a folder."""
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return AutoTokenizer.from_pretrained(folder)


def swap_merges(content: dict[str, Any]) -> None:
    merges = content["model"]["merges"]
    merges[-1], merges[-2] = merges[-2], merges[-1]


def lowercase(content: dict[str, Any]) -> None:
    content["normalizer"] = {"type": "Lowercase"}


def split_otherwise(content: dict[str, Any]) -> None:
    content["pre_tokenizer"]["split"] = True


def strip_before_a_token(content: dict[str, Any]) -> None:
    content["added_tokens"][2]["lstrip"] = True


def no_special_token(content: dict[str, Any]) -> None:
    content["added_tokens"][4]["special"] = False


def decode_otherwise(content: dict[str, Any]) -> None:
    content["decoder"] = {"type": "Fuse"}


CHANGES = (
    swap_merges, lowercase, split_otherwise, strip_before_a_token, no_special_token,
    decode_otherwise,
)  # fmt: skip


@pytest.mark.parametrize("edit", CHANGES, ids=lambda edit: edit.__name__)
def test_a_changed_tokenizer_is_another(
    edit: Callable[[dict[str, Any]], None], small: Any, tmp_path: Path
):
    changed = saved(small, tmp_path, edit)
    assert tokenizer_hash(changed) != tokenizer_hash(small)
    # The first kind sees none of these; what carries it is compared as it was.
    assert tokenizer_hash(changed, like=FIRST_KIND) == tokenizer_hash(small, like=FIRST_KIND)


def test_a_tokenizer_that_was_merely_saved_is_the_same(small: Any, tmp_path: Path):
    assert tokenizer_hash(saved(small, tmp_path, lambda _: None)) == tokenizer_hash(small)


def test_hashes_that_were_kept_are_still_those_of_the_embedded_tokenizer(tokenizer: Any):
    """Where this fails after an upgrade, adapters of before it would be refused."""
    assert tokenizer_hash(tokenizer) == tokenizer_hash(tokenizer, like="v2:then") == SECOND_KIND
    assert tokenizer_hash(tokenizer, like=FIRST_KIND) == FIRST_KIND


def test_another_vocabulary_is_another_in_both_kinds(small: Any, tmp_path: Path):
    more = saved(small, tmp_path, lambda _: None)
    more.add_tokens(["<new>"])
    for like in (FIRST_KIND, SECOND_KIND):
        assert tokenizer_hash(more, like=like) != tokenizer_hash(small, like=like)


def test_a_release_that_spells_merges_and_fields_otherwise_changes_nothing(small: Any):
    """As releases before `tokenizers` 0.20 did; the backend is the real one but for its text."""

    class Spelt:
        def __getattr__(self, name: str) -> Any:
            return getattr(small, name)

        @property
        def backend_tokenizer(self) -> Any:
            return self

        def to_str(self) -> str:
            content = json.loads(small.backend_tokenizer.to_str())
            content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
            del content["model"]["ignore_merges"]
            return json.dumps({**content, "a_new_field": None})

    assert tokenizer_hash(Spelt()) == tokenizer_hash(small)


def test_scores_that_no_probe_meets_count():
    def unigram(score: float) -> Any:
        pieces = [("<unk>", 0.0), ("</s>", 0.0), ("a", -1.0), ("qzqz", score)]
        inner = Tokenizer(models.Unigram(pieces, unk_id=0))
        return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", unk_token="<unk>")

    assert tokenizer_hash(unigram(-2.5)) == tokenizer_hash(unigram(-2.5))
    assert tokenizer_hash(unigram(-2.5)) != tokenizer_hash(unigram(-2.75))


def test_a_tokenizer_without_a_backend_in_rust():
    assert tokenizer_hash(ByT5Tokenizer()) == tokenizer_hash(ByT5Tokenizer())
    assert tokenizer_hash(ByT5Tokenizer()) != tokenizer_hash(ByT5Tokenizer(extra_ids=7))
