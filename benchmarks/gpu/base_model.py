"""A Mistral of random weights on disk, and what a token through it costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import MistralConfig, MistralForCausalLM

from schemalora.base_model import find_base_model, load_tokenizer, preferred_device

SEVEN_B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}
TINY = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
_SIZES = "sizes.json"
_EMBEDDINGS = "model.embed_tokens.weight"


@dataclass(frozen=True)
class RandomModel:
    """A base model of random weights."""

    path: Path
    parameters: int
    multiplied: int
    """Parameters that every token is multiplied by: all but the table of embeddings."""

    def training_flops_per_token(self, adapter_parameters: int) -> float:
        """Floating-point operations that training needs for one token.

        Two for each parameter forward, two backward for the gradient of its input, and two more for
        the gradient of the parameter itself, which only the adapter's have (the count of
        https://arxiv.org/abs/2204.02311, appendix B, with frozen weights). Attention over rows of
        some 130 tokens adds less than 1% and is left out; so is what gradient checkpointing
        computes twice, and the head counts in full where fewer logits are computed.
        """
        return 4 * self.multiplied + 6 * adapter_parameters


def make(folder: Path, *, tiny: bool, tokenizer_of: str) -> RandomModel:
    """Writes the model to a folder, or takes the one that stands there.

    Args:
        folder: where to.
        tiny: two layers of 64 instead of the 7B architecture.
        tokenizer_of: a base model, or a folder with its config and tokenizer. That of the embedded
            one has 49,152 entries, Mistral's 32,768: the embeddings and the head are half as large
            again, so memory is an upper bound.
    """
    sizes = folder / _SIZES
    if sizes.is_file():
        return RandomModel(path=folder, **json.loads(sizes.read_text(encoding="utf-8")))
    tokenizer = load_tokenizer(find_base_model(tokenizer_of))
    config = MistralConfig(
        vocab_size=len(tokenizer),
        sliding_window=None,
        max_position_embeddings=32768,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype=torch.bfloat16,
        **(TINY if tiny else SEVEN_B),
    )
    with torch.device("meta"):
        model = MistralForCausalLM(config)
    shapes = {name: one.shape for name, one in model.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _write_weights(folder, shapes, scale=config.initializer_range)
    parameters = sum(shape.numel() for shape in shapes.values())
    made = RandomModel(
        path=folder,
        parameters=parameters,
        multiplied=parameters - shapes[_EMBEDDINGS].numel(),
    )
    kept = {key: value for key, value in asdict(made).items() if key != "path"}
    sizes.write_text(json.dumps(kept), encoding="utf-8")
    return made


def _write_weights(folder: Path, shapes: Mapping[str, torch.Size], *, scale: float) -> None:
    """Writes random weights, a file a layer: a T4's machine holds half of the 7B model at once.

    Args:
        folder: where to.
        shapes: by the weights' names.
        scale: standard deviation of the matrices; vectors, the norms' factors, are ones.
    """
    device, dtype = preferred_device(), torch.bfloat16
    generator = torch.Generator(device).manual_seed(0)
    # Such as model.layers.3, or lm_head.
    files: dict[str, list[str]] = {}
    for name in shapes:
        files.setdefault(".".join(name.split(".")[:3]), []).append(name)
    weight_map: dict[str, str] = {}
    for number, names in enumerate(files.values(), start=1):
        file = f"model-{number:05}-of-{len(files):05}.safetensors"
        weights: dict[str, torch.Tensor] = {}
        for name in names:
            one = torch.ones(shapes[name], dtype=dtype, device=device)
            if one.dim() > 1:
                one.normal_(std=scale, generator=generator)
            weights[name] = one.cpu()
        save_file(weights, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(names, file)
    size = sum(shape.numel() for shape in shapes.values()) * dtype.itemsize
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
