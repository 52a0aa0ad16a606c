"""The adapter directory: PEFT's own files, and `schemalora.json`, which pins what they belong to.

Plain PEFT loads the directory and ignores the extra file. schemalora refuses to use an adapter
with another contract, prompt format, chat template, tokenizer or base model than it was trained
with: each of them would lower the numbers without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from schemalora.contract import Contract
from schemalora.errors import AdapterMismatchError, UsageError
from schemalora.jsonl import read_json, write_json
from schemalora.jsonvalue import JsonValue

MANIFEST_FILE = "schemalora.json"
MANIFEST_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class AdapterManifest:
    """What an adapter was trained for and with."""

    contract: Contract
    """The contract whose completions it learned."""
    prompt_format: Mapping[str, JsonValue]
    """`PromptFormat.to_dict()` of the training prompts."""
    base_model: str
    """The base model as it was asked for: a hub id, a folder, a `.gguf` file or `embedded`."""
    base_model_revision: str | None
    """The hub's commit, the SHA-256 of the GGUF file, or the sampled hash of a local folder; None:
    not pinned, as local folders once were."""
    tokenizer_hash: str
    """`tokenizer_pin.tokenizer_hash` of the tokenizer."""
    template_hash: str
    """SHA-256 of the chat template."""
    training: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """`TrainingConfig.to_dict()` of the run."""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    """Package name to version, as they were when it was trained."""
    step: int | None = None
    """The optimizer step whose weights these are; None where it was not kept."""
    changes: Sequence[JsonValue] = ()
    """Settings that were changed when the stopped run was resumed: `step`, and `settings`, name to
    [before, after]. Where there are any, the adapter was not trained in one piece."""

    def save(self, folder: str | Path) -> None:
        """Writes `schemalora.json` into an adapter directory."""
        write_json(
            Path(folder) / MANIFEST_FILE,
            {
                "format_version": MANIFEST_FORMAT_VERSION,
                "contract": self.contract.to_dict(),
                "prompt_format": dict(self.prompt_format),
                "base_model": {"name": self.base_model, "revision": self.base_model_revision},
                "tokenizer_hash": self.tokenizer_hash,
                "template_hash": self.template_hash,
                "training": dict(self.training),
                "versions": dict(self.versions),
                "step": self.step,
                "changes": list(self.changes),
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> AdapterManifest:
        """Reads `schemalora.json` from an adapter directory.

        Raises:
            UsageError: the folder is no adapter of ours, or its file is of another version or
                incomplete.
        """
        path = Path(folder) / MANIFEST_FILE
        if not path.is_file():
            raise UsageError(f"{folder}: no adapter of schemalora (it holds no {MANIFEST_FILE})")
        data = read_json(path)
        if data.get("format_version") != MANIFEST_FORMAT_VERSION:
            raise UsageError(
                f"{path}: format_version {data.get('format_version')!r} is not "
                f"{MANIFEST_FORMAT_VERSION}; use the release that wrote it"
            )
        try:
            base_model = cast("dict[str, str | None]", data["base_model"])
            return cls(
                contract=Contract.from_dict(cast("dict[str, JsonValue]", data["contract"])),
                prompt_format=cast("dict[str, JsonValue]", data["prompt_format"]),
                base_model=cast("str", base_model["name"]),
                base_model_revision=base_model["revision"],
                tokenizer_hash=cast("str", data["tokenizer_hash"]),
                template_hash=cast("str", data["template_hash"]),
                training=cast("dict[str, JsonValue]", data["training"]),
                versions=cast("dict[str, str]", data["versions"]),
                step=cast("int | None", data.get("step")),
                changes=cast("list[JsonValue]", data.get("changes", [])),
            )
        except (KeyError, TypeError) as error:
            raise UsageError(f"{path}: incomplete or damaged (at {error})") from error

    def check(
        self,
        *,
        contract: Contract | None = None,
        prompt_format: Mapping[str, JsonValue] | None = None,
        base_model: str | None = None,
        base_model_revision: str | None = None,
        tokenizer_hash: str | None = None,
        template_hash: str | None = None,
    ) -> None:
        """Refuses to go on where what is given differs from what the adapter was trained with.

        Raises:
            AdapterMismatchError: naming every part that differs, with both values.
        """
        pairs = {
            "contract": (self.contract.fingerprint, contract and contract.fingerprint),
            "prompt format": (dict(self.prompt_format), prompt_format and dict(prompt_format)),
            "base model": (self.base_model, base_model),
            "base model revision": (self.base_model_revision, base_model_revision),
            "tokenizer": (self.tokenizer_hash, tokenizer_hash),
            "chat template": (self.template_hash, template_hash),
        }
        differences = [
            f"{what} (trained with {trained}, given {given})"
            for what, (trained, given) in pairs.items()
            if given is not None and trained is not None and given != trained
        ]
        if differences:
            raise AdapterMismatchError("the adapter belongs to another " + ", ".join(differences))


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter directory on disk."""

    path: Path
    manifest: AdapterManifest

    @classmethod
    def load(cls, path: str | Path) -> Adapter:
        """Opens an adapter directory; no weights are read.

        Raises:
            UsageError: the folder is no adapter of ours.
        """
        path = Path(path)
        manifest = AdapterManifest.load(path)
        if not (path / "adapter_config.json").is_file():
            raise UsageError(f"{path}: PEFT's adapter_config.json is missing; train it again")
        return cls(path=path, manifest=manifest)
