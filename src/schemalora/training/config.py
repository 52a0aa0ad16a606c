"""The settings of a training run: typed, read from TOML, refused where unknown."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from schemalora.base_model import Dtype, Quantization
from schemalora.errors import UsageError
from schemalora.formatting import PromptFormat, PromptStyle
from schemalora.jsonvalue import JsonValue
from schemalora.training.toml import override, training_table

Attention = Literal["auto", "packed", "eager", "sdpa", "flash_attention_2"]
Schedule = Literal["linear", "cosine", "constant", "constant_with_warmup"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "prompt_style": get_args(PromptStyle),
    "dtype": get_args(Dtype),
    "quantization": get_args(Quantization),
    "attention": get_args(Attention),
    "schedule": get_args(Schedule),
}

# What a field's annotation takes from TOML; any other annotation names strings.
_EXPECTED: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "Mapping[str, Any]": (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How an adapter is trained.

    Example:
        >>> TrainingConfig(base_model="embedded", epochs=1).rank
        16
    """

    base_model: str
    """A hub id, with or without `@revision`, a local folder, a `.gguf` file, or `embedded`."""
    fallback_base_model: str | None = None
    """Taken where `base_model` cannot be had, and then said so."""
    prompt_style: PromptStyle = "short"
    """What the system message tells: the contract's name, its instructions, or its schema."""

    rank: int = 16
    """LoRA's r (https://arxiv.org/abs/2106.09685)."""
    alpha: float = 32
    """LoRA's alpha: the update is scaled by alpha / rank, or alpha / sqrt(rank) with `rslora`."""
    dropout: float = 0.0
    """Dropout on the input of the adapter."""
    target_modules: tuple[str, ...] = ("all-linear",)
    """Names of the linear layers that get an adapter; `all-linear` means all of them."""
    rslora: bool = False
    """Rank-stabilised scaling (https://arxiv.org/abs/2312.03732)."""
    dora: bool = False
    """Weight-decomposed adapters (https://arxiv.org/abs/2402.09353)."""

    epochs: float = 1.0
    """Passes over the records."""
    max_steps: int | None = None
    """Stops after so many optimizer steps, whatever `epochs` says."""
    batch_size: int = 4
    """Rows of one forward pass, per device; a small model learns more from many small steps."""
    gradient_accumulation: int = 1
    """Forward passes of one optimizer step."""
    learning_rate: float = 1e-3
    """Peak learning rate; for small models: those of 7B parameters want about 2e-4."""
    schedule: Schedule = "cosine"
    """Shape of the learning rate after warm-up."""
    warmup_steps: int = 10
    """Optimizer steps of linear warm-up."""
    weight_decay: float = 0.0
    """Decoupled weight decay."""
    optimizer: str = "adamw_torch_fused"
    """Any `optim` of transformers, such as `paged_adamw_8bit`."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    seed: int = 0
    """Seeds the adapter's weights, the order of the rows and dropout."""

    max_length: int = 1024
    """Tokens of prompt and completion; a longer row is an error, never cut."""
    group_by_length: bool = True
    """Batches hold rows of like length, so less is padding."""
    gradient_checkpointing: bool = False
    """Recomputes activations in the backward pass: less memory, a third more time."""

    dtype: Dtype = "auto"
    """Compute type; `auto`: bfloat16 where the hardware has it, else float16 (GPU) or float32."""
    quantization: Quantization = "none"
    """`nf4`: 4-bit base weights with double quantisation (QLoRA)."""
    attention: Attention = "auto"
    """`packed`: batches without padding, each row attended to by itself; the others are
    transformers' own, over padded batches. `auto`: packed on the CPU (eager for a model that cannot
    be packed), else sdpa."""

    constrained_serving: bool = True
    """Preflight stops where the constrained decoder would ban a token of a target; False only
    reports it, for an adapter that will always be decoded freely."""
    development_rows: int = 0
    """Records that the model answers as it learns, to keep the weights of its best moment; whole
    groups are held out of training, as near to this number as they come. 0: none, and the last
    weights are kept."""
    development_steps: int = 100
    """Optimizer steps between two such measurements; the last step is measured in any case."""
    selection_metric: str = "exact_match"
    """What the best moment is judged by: a metric of the compliance report, or a field's path such
    as `$.intent`. Of equal moments the later one is kept."""
    patience: int = 0
    """Stops early after so many measurements in a row without a better one; 0: never."""

    logging_steps: int = 10
    """Optimizer steps between two lines of the log."""
    save_steps: int = 200
    """Optimizer steps between two checkpoints."""
    report_to: tuple[str, ...] = ()
    """Any of transformers' integrations, such as `tensorboard` or `wandb`."""

    trl: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Passed through to TRL's SFTConfig as it is; wins over the settings above where it is not
    refused, as what has a name above and may be changed on resuming is (`learning_rate`)."""
    peft: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Passed through to PEFT's LoraConfig as it is; wins over the settings above."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"{name} = {getattr(self, name)!r} is unknown (known: {', '.join(choices)})"
                )
        for name, value in ((one.name, getattr(self, one.name)) for one in fields(self)):
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{name} = {value!r} must be a finite number")
        for name in ("rank", "epochs", "batch_size", "gradient_accumulation", "learning_rate",
                     "max_length", "logging_steps", "save_steps", "alpha", "development_steps",
                     "max_steps"):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} = {value!r} must be greater than 0")
        for name in ("warmup_steps", "weight_decay", "development_rows", "patience"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} = {getattr(self, name)!r} must not be negative")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout = {self.dropout!r} must be at least 0 and less than 1")
        if self.patience and not self.development_rows:
            raise UsageError("patience counts measurements: it needs development_rows")

    @classmethod
    def from_mapping(cls, settings: Mapping[str, object], *, source: str) -> TrainingConfig:
        """Builds a config from untyped settings, as TOML gives them.

        Args:
            settings: key to value.
            source: where they come from, for error messages.

        Raises:
            UsageError: an unknown key (with the nearest known one), a value of a wrong type, or
                no base model.
        """
        known = {one.name: one for one in fields(cls)}
        values: dict[str, Any] = {}
        for key, value in settings.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise UsageError(f"{source}: unknown key {key!r}; {hint}")
            values[key] = _typed(str(known[key].type), key, value, source)
        required = [one.name for one in fields(cls)
                    if one.default is MISSING and one.default_factory is MISSING]  # fmt: skip
        for key in required:
            if key not in values:
                raise UsageError(f"{source}: the key {key!r} is missing")
        return cls(**values)

    @classmethod
    def from_toml(cls, path: str | Path, *, overrides: Iterable[str] = ()) -> TrainingConfig:
        """Reads the table `[training]` of a TOML file.

        Args:
            path: the file.
            overrides: `key=value` pairs that win over the file, the value as in TOML
                (`rank=8`, `trl.neftune_noise_alpha=5`); a bare word is taken as a string.

        Raises:
            UsageError: no such file, no TOML, no such table, a setting outside of it, or one that
                is refused.
        """
        pairs = list(overrides)
        merged = override(training_table(path), pairs)
        return cls.from_mapping(merged, source=f"{path} with --set" if pairs else str(path))

    def with_overrides(self, overrides: Iterable[str]) -> TrainingConfig:
        """A copy in which `key=value` pairs have been set, as on the command line."""
        return TrainingConfig.from_mapping(
            override(cast("dict[str, object]", self.to_dict()), overrides), source="--set"
        )

    @property
    def base_models(self) -> tuple[str, ...]:
        """The base model, and its fallback where there is one, in the order they are tried."""
        return tuple(name for name in (self.base_model, self.fallback_base_model) if name)

    @property
    def prompt_format(self) -> PromptFormat:
        """How the adapter will be asked; training prompts must be in this format."""
        return PromptFormat(style=self.prompt_style)

    def with_base_model(self, base_model: str) -> TrainingConfig:
        """A copy with another base model and no fallback."""
        return replace(self, base_model=base_model, fallback_base_model=None)

    def to_dict(self) -> dict[str, JsonValue]:
        """The form kept in `schemalora.json`; settings that are None are left out."""
        values = asdict(self)
        for key, value in values.items():
            if isinstance(value, tuple):
                values[key] = list(cast("tuple[str, ...]", value))
        return {key: value for key, value in values.items() if value is not None}


def _typed(annotation: str, key: str, value: Any, source: str) -> Any:
    """Checks a value against a field's annotation; a list becomes a tuple, an int a float."""
    if annotation.startswith("tuple"):
        items = (value,) if isinstance(value, str) else tuple(value if _is_list(value) else (None,))
        if all(isinstance(item, str) for item in items):
            return items
        raise UsageError(f"{source}: {key} must be a list of strings, not {value!r}")
    expected = _EXPECTED.get(annotation.removesuffix(" | None"), (str,))
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        names = " or ".join(one.__name__ for one in expected)
        raise UsageError(f"{source}: {key} must be {names}, not {value!r}")
    if annotation != "float":
        return value
    try:
        return float(value)
    except OverflowError as error:
        raise UsageError(f"{source}: {key} is too large for a number") from error


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))
