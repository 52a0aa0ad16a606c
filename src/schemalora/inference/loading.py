"""Models that are ready to answer: weights, tokenizer, and what the adapter was trained for."""

# transformers, torch and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemalora.adapter import MANIFEST_FILE, Adapter
from schemalora.base_model import (
    BaseModel,
    Dtype,
    Quantization,
    find_base_model,
    load_model,
    load_tokenizer,
)
from schemalora.contract import Contract
from schemalora.errors import BaseModelError, UsageError
from schemalora.extras import require_extra
from schemalora.formatting import PromptFormat, template_hash
from schemalora.inference.attention import supports_packed, unwrap
from schemalora.jsonvalue import JsonValue
from schemalora.tokenizer_pin import tokenizer_hash

_WEIGHT_FILES = ("adapter_model.safetensors", "adapter_model.bin")
"""PEFT's names, in the order in which it looks for them."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory; build it by `load`, or from a model that is being trained."""

    name: str
    """The base model's name, or the adapter directory."""
    model: Any
    """A causal LM of transformers, or a PEFT model around one."""
    tokenizer: Any
    adapter: Adapter | None = None
    """The adapter directory it was loaded from; None for a base model."""
    with_adapter: bool = True
    """Whether the adapter of a PEFT model takes part."""
    revision: str | None = None
    """`BaseModel.revision`: of the hub, of a GGUF file or of a local folder."""
    adapter_hash: str | None = None
    """The SHA-256 of the adapter's weight file as it was loaded."""

    @property
    def contract(self) -> Contract | None:
        """The contract the adapter was trained for."""
        return self.adapter.manifest.contract if self.adapter is not None else None

    @property
    def prompt_format(self) -> PromptFormat | None:
        """The format the adapter was trained with; a base model has none of its own."""
        if self.adapter is None or not self.with_adapter:
            return None
        return prompt_format_of(self.adapter)

    @property
    def stop_ids(self) -> frozenset[int]:
        """The tokens that end a completion: the tokenizer's, and those the model was made with."""
        own: int | list[int] | None = self.model.generation_config.eos_token_id
        ids = own if isinstance(own, list) else [own]
        return frozenset(i for i in [self.tokenizer.eos_token_id, *ids] if i is not None)

    @property
    def context_length(self) -> int | None:
        """The most tokens, prompt and completion together, that the model was made for."""
        config = self.model.config.get_text_config()
        return getattr(config, "max_position_embeddings", None)

    def base(self) -> LoadedModel:
        """The same weights without the adapter: the base arm, at no cost.

        Raises:
            UsageError: the adapter was merged into the weights.
        """
        if self.adapter is None:
            return self
        if not hasattr(self.model, "disable_adapter"):
            raise UsageError(f"{self.name}: merged into the base model; load it without merge")
        return replace(self, with_adapter=False)

    @property
    def pinned(self) -> bool:
        """Whether `identity` tells these weights from others; not where memory alone has them."""
        tuned = self.adapter is not None or hasattr(self.model, "peft_config")
        return self.revision is not None and (
            not tuned or not self.with_adapter or self.adapter_hash is not None
        )

    @property
    def packed(self) -> bool:
        """Whether the packed decoder knows the model; `generate`, without confidences, if not."""
        return supports_packed(unwrap(self.model))

    def identity(self) -> dict[str, JsonValue]:
        """What decides which model answers; two runs are comparable where it is equal."""
        return {
            "model": self.name,
            "revision": self.revision,
            "with_adapter": self.adapter is not None and self.with_adapter,
            "adapter_sha256": self.adapter_hash if self.with_adapter else None,
            "merged": self.adapter is not None and not hasattr(self.model, "disable_adapter"),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            **self._quantized(),
        }

    def _quantized(self) -> dict[str, JsonValue]:
        """How the weights are quantised; nothing where they are not."""
        config = getattr(self.model.config, "quantization_config", None)
        if config is None:
            return {}
        kind = getattr(config, "bnb_4bit_quant_type", None) or getattr(config, "quant_method", None)
        return {"quantization": str(getattr(kind, "value", kind))}


def load(
    adapter_or_base_model: str | Path | Adapter,
    *,
    dtype: Dtype = "auto",
    quantization: Quantization | None = None,
    attention: str | None = None,
    device: str | None = None,
    merge: bool = False,
) -> LoadedModel:
    """Loads an adapter with its base model, or a base model alone.

    Args:
        adapter_or_base_model: an `Adapter`, the path of an adapter directory, or a base model's
            name.
        dtype: compute type of the weights.
        quantization: `nf4` loads the base model's weights in 4 bits, `none` as they are; None is
            what the adapter was trained with, and `none` for a base model and with `merge`.
        attention: transformers' `attn_implementation`; the default engine brings its own.
        device: where to put the weights; None is the best device there is.
        merge: adds the adapter to the base model's weights, which makes every pass cheaper; the sum
            is rounded to `dtype`, and there is no base arm any more.

    An adapter's weights are rounded to the base model's type, as serving engines do; `merge` adds
    them as they were trained.

    Raises:
        BaseModelError: the base model, at the hub's commit that the adapter was trained on, or the
            adapter's weights, cannot be found or loaded.
        AdapterMismatchError: the base model, its tokenizer or template is not the one of training.
        UsageError: the directory is no adapter, or `merge` into 4-bit weights.
    """
    adapter = as_adapter(adapter_or_base_model)
    if quantization is None:
        trained = None if adapter is None or merge else adapter.manifest.training
        quantization = "nf4" if trained and trained.get("quantization") == "nf4" else "none"
    if merge and quantization != "none":
        raise UsageError(
            f"{adapter_or_base_model}: merged into 4-bit weights, the adapter would be rounded "
            "away; leave out quantization, or merge"
        )
    name = str(adapter_or_base_model) if adapter is None else str(adapter.path)
    if adapter is None:
        base_model = find_base_model(name)
    else:
        pinned = adapter.manifest
        base_model = find_base_model(pinned.base_model, revision=pinned.base_model_revision)
    tokenizer = load_tokenizer(base_model)
    if adapter is not None:
        adapter.manifest.check(
            base_model_revision=base_model.revision,
            tokenizer_hash=tokenizer_hash(tokenizer, like=adapter.manifest.tokenizer_hash),
            template_hash=template_hash(tokenizer),
        )
    weights: Any = load_model(
        base_model, dtype=dtype, quantization=quantization, attention=attention, device=device
    )
    adapter_hash = None
    if adapter is not None:
        adapter_hash = weights_hash(adapter)
        weights = _with_adapter(weights, adapter, base_model, exact=merge)
        if merge:
            weights = weights.merge_and_unload()
    return LoadedModel(
        name=name,
        model=weights.eval(),
        tokenizer=tokenizer,
        adapter=adapter,
        revision=base_model.revision,
        adapter_hash=adapter_hash,
    )


def as_adapter(adapter_or_base_model: str | Path | Adapter) -> Adapter | None:
    """The adapter that an argument names; None where it names a base model.

    Raises:
        UsageError: a folder that is neither an adapter nor a base model.
    """
    if isinstance(adapter_or_base_model, Adapter):
        return adapter_or_base_model
    folder = Path(adapter_or_base_model)
    if (folder / MANIFEST_FILE).is_file():
        return Adapter.load(folder)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise UsageError(
            f"{folder}: neither an adapter (no {MANIFEST_FILE}) nor a base model (no config.json)"
        )
    return None


def prompt_format_of(adapter: Adapter) -> PromptFormat:
    """The format that an adapter's training prompts had."""
    return PromptFormat(**adapter.manifest.prompt_format)  # pyright: ignore[reportArgumentType]  (checked by PromptFormat)


def weights_hash(adapter: Adapter) -> str | None:
    """SHA-256 of the weight file; None where there is none, which PEFT words when it loads."""
    for name in _WEIGHT_FILES:
        path = adapter.path / name
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def _with_adapter(weights: Any, adapter: Adapter, base_model: BaseModel, *, exact: bool) -> Any:
    """The base model with its adapter, in the base model's type or `exact`, as it was trained."""
    require_extra("an adapter", "train", "peft")
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(weights, str(adapter.path), autocast_adapter_dtype=exact)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BaseModelError(
            f"{adapter.path}: the adapter does not fit {base_model.name} ({reason})"
        ) from error
