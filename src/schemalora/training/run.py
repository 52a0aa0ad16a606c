"""One training run: records in, an adapter directory out."""

# transformers, trl and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peft import prepare_model_for_kbit_training

from schemalora.adapter import Adapter, AdapterManifest
from schemalora.base_model import (
    BaseModel,
    find_first_base_model,
    load_model,
    load_tokenizer,
    preferred_device,
)
from schemalora.contract import Contract
from schemalora.environment import package_versions
from schemalora.errors import SchemaloraError, TrainingError, UsageError
from schemalora.formatting import PromptFormat, template_hash, tokenizer_hash
from schemalora.jsonl import write_json
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.records import TrainingRecord
from schemalora.training.allocator import keep_pages
from schemalora.training.collator import RightAlignedCollator
from schemalora.training.config import TrainingConfig
from schemalora.training.folder import CHECKPOINTS, claim, release
from schemalora.training.preflight import preflight, require_no_errors
from schemalora.training.progress import FiniteLossCallback, ProgressCallback
from schemalora.training.settings import lora_config, sft_config
from schemalora.training.tokens import TokenRow, to_dataset, tokenize_records
from schemalora.training.trainer import CompletionTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CURVE_FILE = "learning_curve.json"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything a run needs before the weights are loaded."""

    base_model: BaseModel
    tokenizer: Any
    rows: Sequence[TokenRow]


def train(
    contract: Contract,
    records: Iterable[TrainingRecord],
    config: TrainingConfig,
    *,
    output_dir: str | Path,
    resume: bool = False,
) -> Adapter:
    """Trains a LoRA adapter and writes its directory.

    Args:
        contract: what every completion must satisfy; pinned in the adapter directory.
        records: training records, as `format_examples` makes them with the config's prompt style.
        config: the settings.
        output_dir: a new folder: the adapter directory; checkpoints lie in `checkpoints/` in it
            while the run goes on.
        resume: go on with the run that was stopped in `output_dir`, from its last checkpoint.

    Returns:
        The adapter, on disk; plain PEFT loads it too.

    Raises:
        UsageError: no records, or settings that this machine cannot run.
        RunFolderError: the folder already holds a run, or, with `resume`, holds none, or one of
            other settings or records.
        BaseModelError: the base model cannot be had.
        PreflightError: the records would not teach what they should.
        TrainingError: the loss is not finite, or the disk is full.
    """
    output_dir, records = Path(output_dir), list(records)
    lora, arguments = lora_config(config), sft_config(config, output_dir / CHECKPOINTS)
    checkpoint = claim(output_dir, _identity(contract, records, config), resume=resume)
    try:
        prepared = _prepare(contract, records, config)
    except SchemaloraError:
        release(output_dir)
        raise
    model = _load(prepared.base_model, config)
    trainer = CompletionTrainer(
        model=model,
        args=arguments,
        data_collator=RightAlignedCollator(pad_token_id=prepared.tokenizer.pad_token_id),
        train_dataset=to_dataset(prepared.rows),
        processing_class=prepared.tokenizer,
        peft_config=lora,
        callbacks=[ProgressCallback(), FiniteLossCallback()],
    )
    _remove_default_printer(trainer)
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
    except OSError as error:
        raise TrainingError(
            f"training stopped: {error.strerror or error}; make room and run again with resume "
            f"(checkpoints lie in {output_dir / CHECKPOINTS})"
        ) from error
    if not trainer.is_world_process_zero():
        return Adapter(path=output_dir, manifest=_manifest(contract, config, prepared))
    return _finish(trainer, contract, config, prepared, output_dir)


def _identity(
    contract: Contract, records: Sequence[TrainingRecord], config: TrainingConfig
) -> dict[str, JsonValue]:
    """What decides the result of a run."""
    content = hashlib.sha256()
    for record in records:
        content.update(canonical_json(record.to_dict()).encode("utf-8", "surrogatepass"))
    return {
        "contract": contract.fingerprint,
        "records": len(records),
        "records_sha256": content.hexdigest(),
        **config.to_dict(),
    }


def _prepare(
    contract: Contract, records: Sequence[TrainingRecord], config: TrainingConfig
) -> _Prepared:
    if not records:
        raise UsageError("there are no training records")
    base_model = find_first_base_model(*config.base_models)
    tokenizer = load_tokenizer(base_model)
    rows = tokenize_records(tokenizer, records)
    findings = preflight(contract, records, rows, tokenizer, max_length=config.max_length)
    require_no_errors(findings)
    for finding in findings:
        warnings.warn(f"preflight: {finding}", stacklevel=3)
    return _Prepared(base_model=base_model, tokenizer=tokenizer, rows=rows)


def _load(base_model: BaseModel, config: TrainingConfig) -> PreTrainedModel:
    on_cpu = preferred_device() == "cpu"
    if on_cpu:
        keep_pages()
    attention = config.attention
    if attention == "auto":
        attention = "eager" if on_cpu else "sdpa"
    model = load_model(
        base_model, dtype=config.dtype, quantization=config.quantization, attention=attention
    )
    if config.quantization == "nf4":
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=config.gradient_checkpointing
        )
    return model


def _remove_default_printer(trainer: CompletionTrainer) -> None:
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)


def _manifest(contract: Contract, config: TrainingConfig, prepared: _Prepared) -> AdapterManifest:
    return AdapterManifest(
        contract=contract,
        prompt_format=PromptFormat(style=config.prompt_style).to_dict(),
        base_model=prepared.base_model.name,
        base_model_revision=prepared.base_model.revision,
        tokenizer_hash=tokenizer_hash(prepared.tokenizer),
        template_hash=template_hash(prepared.tokenizer),
        training=config.to_dict(),
        versions=package_versions(),
    )


def _finish(
    trainer: CompletionTrainer,
    contract: Contract,
    config: TrainingConfig,
    prepared: _Prepared,
    output_dir: Path,
) -> Adapter:
    """Writes weights, manifest and learning curve, the manifest last: it marks a whole adapter."""
    # Not save_model: it adds a pickle of the arguments, and with it this machine's paths.
    unwrapped: Any = trainer.accelerator.unwrap_model(trainer.model)
    unwrapped.save_pretrained(str(output_dir))
    steps = [entry for entry in trainer.state.log_history if "loss" in entry]
    write_json(
        output_dir / CURVE_FILE,
        {
            "format_version": 1,
            "steps": json.loads(json.dumps(steps)),
            "seconds": trainer.state.log_history[-1].get("train_runtime"),
            "records": len(prepared.rows),
            "tokens": sum(map(len, prepared.rows)),
            "completion_tokens": sum(len(row.completion) for row in prepared.rows),
        },
    )
    manifest = _manifest(contract, config, prepared)
    manifest.save(output_dir)
    shutil.rmtree(output_dir / CHECKPOINTS, ignore_errors=True)
    return Adapter(path=output_dir, manifest=manifest)
