from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from schemalora import base_model
from schemalora.base_model import (
    BaseModel,
    embedded_gguf,
    find_base_model,
    find_first_base_model,
    load_model,
    load_tokenizer,
    preferred_dtype,
)
from schemalora.errors import BaseModelError


def test_the_embedded_model_is_a_folder_that_transformers_loads(embedded: BaseModel):
    from transformers import AutoConfig, AutoTokenizer

    assert embedded.revision == base_model.EMBEDDED_SHA256
    assert AutoConfig.from_pretrained(embedded.location).model_type == "llama"
    assert AutoTokenizer.from_pretrained(embedded.location).chat_template
    assert embedded.hub_revision is None


def test_a_gguf_file_by_its_path_is_the_embedded_model(embedded: BaseModel):
    found = find_base_model(str(embedded_gguf()))
    assert (found.location, found.revision) == (embedded.location, embedded.revision)


def test_a_damaged_package_file_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base_model, "EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(BaseModelError, match="SHA-256 differs"):
        find_base_model("embedded")


def test_a_damaged_gguf_leaves_nothing_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SCHEMALORA_CACHE", str(tmp_path / "cache"))
    bad = tmp_path / "half.gguf"
    bad.write_bytes(embedded_gguf().read_bytes()[:100_000])
    with pytest.raises(BaseModelError, match="cannot be loaded"):
        find_base_model(str(bad))
    assert list((tmp_path / "cache" / "base_models").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("./nowhere", "no such folder"),
        ("/a/b/c", "no such folder"),
        ("none.gguf", "no such .gguf file"),
    ],
)
def test_a_path_that_is_not_there(name: str, reason: str):
    with pytest.raises(BaseModelError, match=reason):
        find_base_model(name)


def test_a_folder_of_then_is_not_looked_for_on_the_hub():
    with pytest.raises(BaseModelError, match="no such folder"):
        find_base_model("models/mine", revision="sampled:c0ffee")


def test_a_folder_without_a_model(tmp_path: Path):
    with pytest.raises(BaseModelError, match=r"no config\.json"):
        find_base_model(str(tmp_path))


def test_other_weights_in_the_same_folder_are_another_revision(tmp_path: Path):
    def weights(number: int, size: int) -> None:
        torch.manual_seed(number)
        save_file({"one": torch.randn(size), "two": torch.zeros(3)}, tmp_path / "model.safetensors")

    (tmp_path / "config.json").write_text("{}")
    weights(0, 1_000_000)
    first = find_base_model(str(tmp_path))
    assert first.hub_revision is None
    assert find_base_model(str(tmp_path)) == first
    seen = {first.revision}
    for change in (lambda: weights(1, 1_000_000), lambda: weights(1, 1_000_001)):
        change()
        seen.add(find_base_model(str(tmp_path)).revision)
    (tmp_path / "config.json").write_text('{"rope_theta": 1}')
    seen.add(find_base_model(str(tmp_path)).revision)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    seen.add(find_base_model(str(tmp_path)).revision)
    assert len(seen) == 5


@pytest.mark.parametrize("at", [0, 5000, -1])
def test_a_small_file_is_read_whole(at: int, tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    content = bytearray(1_000_000)
    (tmp_path / "model.safetensors").write_bytes(content)
    before = find_base_model(str(tmp_path)).revision
    content[at] = 1
    (tmp_path / "model.safetensors").write_bytes(content)
    assert find_base_model(str(tmp_path)).revision != before


def test_the_fallback_is_taken_and_reasons_are_kept(embedded: BaseModel):
    assert find_first_base_model("./nowhere", "embedded") == embedded
    with pytest.raises(BaseModelError, match=r"nowhere.*none\.gguf"):
        find_first_base_model("./nowhere", "none.gguf")


def test_a_tiny_mistral_loads_in_four_bits(tiny_mistral: Path):
    found = find_base_model(str(tiny_mistral))
    model: Any = load_model(found, quantization="nf4", dtype="bfloat16")
    kinds = {type(module).__name__ for module in model.modules()}
    assert "Linear4bit" in kinds
    assert load_tokenizer(found).pad_token_id is not None


def test_auto_dtype_is_the_hardware_s(tiny_mistral: Path):
    model: Any = load_model(find_base_model(str(tiny_mistral)))
    assert model.dtype == preferred_dtype()
