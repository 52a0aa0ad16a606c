"""One training run: records in, an adapter directory out."""

# transformers, trl and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig

from schemalora.adapter import Adapter, AdapterManifest
from schemalora.base_model import (
    BaseModel,
    find_first_base_model,
    load_model,
    load_tokenizer,
    preferred_device,
    torch_dtype_of,
)
from schemalora.contract import Contract
from schemalora.environment import package_versions
from schemalora.errors import RunFolderError, TrainingError, UsageError
from schemalora.formatting import PromptFormat, template_hash, tokenizer_hash
from schemalora.jsonl import write_json
from schemalora.records import TrainingRecord
from schemalora.training.allocator import keep_pages
from schemalora.training.collator import RightAlignedCollator
from schemalora.training.config import TrainingConfig
from schemalora.training.preflight import preflight, require_no_errors
from schemalora.training.progress import FiniteLossCallback, ProgressCallback
from schemalora.training.tokens import TokenRow, to_dataset, tokenize_records
from schemalora.training.trainer import CompletionTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHECKPOINTS = "checkpoints"
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
        resume: go on from the last checkpoint in `output_dir`.

    Returns:
        The adapter, on disk; plain PEFT loads it too.

    Raises:
        UsageError: no records, or settings that this machine cannot run.
        RunFolderError: the folder already holds a run, or, with `resume`, holds none.
        BaseModelError: the base model cannot be had.
        PreflightError: the records would not teach what they should.
        TrainingError: the loss is not finite, or the disk is full.
    """
    output_dir = Path(output_dir)
    checkpoint = _claim(output_dir, resume=resume)
    prepared = _prepare(contract, list(records), config)
    model = _load(prepared.base_model, config)
    trainer = CompletionTrainer(
        model=model,
        args=_arguments(config, output_dir / CHECKPOINTS),
        data_collator=RightAlignedCollator(pad_token_id=prepared.tokenizer.pad_token_id),
        train_dataset=to_dataset(prepared.rows),
        processing_class=prepared.tokenizer,
        peft_config=_lora(config),
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


def _claim(output_dir: Path, *, resume: bool) -> str | None:
    """Takes the folder for this run and returns the checkpoint to go on from."""
    checkpoints = output_dir / CHECKPOINTS
    if resume:
        last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
        if last is None:
            raise RunFolderError(f"{output_dir}: no checkpoint to resume from")
        return last
    if output_dir.exists() and any(output_dir.iterdir()):
        raise RunFolderError(
            f"{output_dir}: already holds a run; choose a new folder, or resume it"
        )
    output_dir.mkdir(parents=True, exist_ok=True)
    return None


def _prepare(
    contract: Contract, records: Sequence[TrainingRecord], config: TrainingConfig
) -> _Prepared:
    if not records:
        raise UsageError("there are no training records")
    if config.quantization == "nf4" and config.dora:
        raise UsageError("dora with quantization = 'nf4' is not supported; set one of them")
    names = [config.base_model]
    if config.fallback_base_model:
        names.append(config.fallback_base_model)
    base_model = find_first_base_model(*names)
    tokenizer = load_tokenizer(base_model)
    rows = tokenize_records(tokenizer, records)
    findings = preflight(contract, records, rows, tokenizer, max_length=config.max_length)
    require_no_errors(findings)
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


def _lora(config: TrainingConfig) -> LoraConfig:
    modules = config.target_modules
    settings: dict[str, Any] = {
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "target_modules": "all-linear" if modules == ("all-linear",) else list(modules),
        "use_rslora": config.rslora,
        "use_dora": config.dora,
        "bias": "none",
        "task_type": "CAUSAL_LM",
    }
    return LoraConfig(**{**settings, **config.peft})


def _arguments(config: TrainingConfig, folder: Path) -> SFTConfig:
    dtype = torch_dtype_of(config.dtype)
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "seed": config.seed,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "optim": config.optimizer,
        "max_grad_norm": config.max_grad_norm,
        "max_length": None,
        "gradient_checkpointing": config.gradient_checkpointing,
        # The weights are in the compute type already and LoRA's stay in float32, so autocast would
        # only add casts. float16 needs it: it comes with the loss scaler.
        "bf16": False,
        "fp16": dtype == torch.float16,
        "use_cpu": preferred_device() == "cpu",
        "logging_steps": config.logging_steps,
        "save_steps": config.save_steps,
        "save_total_limit": 2,
        "report_to": list(config.report_to) or "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "logging_nan_inf_filter": False,
        "train_sampling_strategy": "group_by_length" if config.group_by_length else "random",
        "length_column_name": "length",
        "remove_unused_columns": False,
    }
    return SFTConfig(**{**settings, **config.trl})


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
