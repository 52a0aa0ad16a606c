"""One training run: records in, an adapter directory out."""

# transformers, trl and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from peft import LoraConfig, prepare_model_for_kbit_training
from safetensors import SafetensorError
from transformers import PrinterCallback
from trl import SFTConfig

from schemalora.adapter import Adapter, AdapterManifest
from schemalora.allocator import keep_pages
from schemalora.base_model import BaseModel, load_model, preferred_device, torch_dtype_of
from schemalora.contract import Contract
from schemalora.environment import package_versions
from schemalora.errors import TrainingError, UsageError
from schemalora.formatting import template_hash, tokenizer_hash
from schemalora.jsonvalue import JsonValue, canonical_json
from schemalora.layers import LayerForward, replaced_forwards
from schemalora.lora import lora_forwards
from schemalora.records import TrainingRecord
from schemalora.training.attention import use_row_attention
from schemalora.training.checkpoints import CheckpointCallback
from schemalora.training.collator import PackedCollator, RightAlignedCollator
from schemalora.training.config import TrainingConfig
from schemalora.training.curve import write_curve
from schemalora.training.folder import RunFolder
from schemalora.training.machine import check_machine
from schemalora.training.prepare import Prepared, prepare
from schemalora.training.progress import ProgressCallback
from schemalora.training.ranks import is_main_process, on_main_process
from schemalora.training.selection import SelectionCallback
from schemalora.training.settings import lora_config, sft_config
from schemalora.training.tokens import to_dataset
from schemalora.training.trainer import CompletionTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def train(
    contract: Contract,
    records: Iterable[TrainingRecord],
    config: TrainingConfig,
    *,
    output_dir: str | Path,
    resume: bool = False,
) -> Adapter:
    """Trains a LoRA adapter and writes its directory.

    Under torchrun or `accelerate launch` every process calls it; the first one writes.

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
        UsageError: fewer than two records, or settings that this machine cannot run.
        RunFolderError: the folder already holds a run, or, with `resume`, holds none, or one of
            other settings or records.
        BaseModelError: the base model cannot be had.
        PreflightError: the records would not teach what they should.
        TrainingError: the loss is not finite, or the disk or the memory is full.
    """
    folder, records = RunFolder(Path(output_dir)), list(records)
    check_machine(config)
    lora = lora_config(config)
    # Connects the processes, where there are several.
    arguments = sft_config(config, folder.unfinished)
    identity = _identity(contract, records, config)
    checkpoint = on_main_process(lambda: folder.claim(identity, resume=resume))
    try:
        prepared = prepare(contract, records, config)
        trainer = _trainer(prepared, config, lora, arguments)
        trainer.add_callback(CheckpointCallback(folder))
        selection = _selection(trainer, contract, prepared, config, folder)
    except BaseException:
        if is_main_process():
            folder.release()
        raise
    with _limits_of_the_machine(folder), replaced_forwards(_lora_forwards(trainer)):
        trainer.train(resume_from_checkpoint=checkpoint)
        manifest = _manifest(contract, config, prepared, _selected_step(trainer, selection))
        _finish(trainer, selection, manifest, prepared, folder)
    return Adapter(path=folder.path, manifest=manifest)


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


def _trainer(
    prepared: Prepared, config: TrainingConfig, lora: LoraConfig, arguments: SFTConfig
) -> CompletionTrainer:
    held_out = prepared.development.held_out if prepared.development else ()
    model = _load(prepared.base_model, config)
    collator = PackedCollator if _is_packed(model, config) else RightAlignedCollator
    try:
        trainer = CompletionTrainer(
            model=model,
            args=arguments,
            data_collator=collator(pad_token_id=prepared.tokenizer.pad_token_id),
            train_dataset=to_dataset(prepared.rows, held_out=held_out),
            processing_class=prepared.tokenizer,
            peft_config=lora,
            callbacks=[ProgressCallback()],
        )
    except ValueError as error:
        # Such as target modules that the base model does not have.
        raise UsageError(f"TRL or PEFT refuses the settings: {_first_line(error)}") from error
    # TRL turns the adapter of a 4-bit model to bfloat16: too coarse for AdamW's small steps, and
    # the loss scaler of float16 cannot unscale such gradients.
    for weights in cast(torch.nn.Module, trainer.model).parameters():
        if weights.requires_grad:
            weights.data = weights.data.float()
    trainer.remove_callback(PrinterCallback)
    return trainer


def _is_packed(model: PreTrainedModel, config: TrainingConfig) -> bool:
    if config.attention == "auto":
        return preferred_device() == "cpu" and use_row_attention(model)
    if config.attention != "packed":
        return False
    if not use_row_attention(model):
        raise UsageError(
            f"attention = 'packed': {type(model).__name__} keeps more than keys and values, or has "
            "an attention of its own; set attention = 'auto'"
        )
    return True


def _lora_forwards(trainer: CompletionTrainer) -> list[LayerForward]:
    # Under float16 the casts are autocast's matter; FSDP exchanges the layers' tensors.
    if trainer.args.fp16 or trainer.is_fsdp_enabled:
        return []
    return lora_forwards(trainer.model, trained=True)


def _load(base_model: BaseModel, config: TrainingConfig) -> PreTrainedModel:
    on_cpu = preferred_device() == "cpu"
    if on_cpu:
        keep_pages()
    attention = config.attention
    if attention in ("auto", "packed"):
        attention = "eager" if on_cpu else "sdpa"
    model = load_model(
        base_model, dtype=config.dtype, quantization=config.quantization, attention=attention
    )
    if config.quantization == "nf4" and torch_dtype_of(config.dtype) == torch.float16:
        # Turns norms, embeddings and head to float32, so that what layers add up does not leave the
        # range of float16. In bfloat16 it would only take the activations out of 16 bits; what else
        # it does, PEFT and TRL do as well.
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=config.gradient_checkpointing
        )
    return model


def _selection(
    trainer: CompletionTrainer,
    contract: Contract,
    prepared: Prepared,
    config: TrainingConfig,
    folder: RunFolder,
) -> SelectionCallback | None:
    if prepared.development is None:
        return None
    if trainer.is_fsdp_enabled:
        raise UsageError(
            "development_rows: under FSDP no process holds the whole model, so it cannot answer; "
            "set development_rows = 0, or use DDP"
        )
    selection = SelectionCallback(
        trainer, contract, prepared.development, config=config, folder=folder.selected
    )
    trainer.add_callback(selection)
    return selection


@contextmanager
def _limits_of_the_machine(folder: RunFolder) -> Generator[None]:
    """Turns a full disk or a full memory into one clear line."""
    last = f"checkpoints lie in {folder.checkpoints}"
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"memory ran out ({_first_line(error)}): lower batch_size and raise "
            f"gradient_accumulation, or set gradient_checkpointing = true; {last}"
        ) from error
    except (OSError, RuntimeError, SafetensorError) as error:
        # PyTorch and safetensors write with errors of their own.
        if not isinstance(error, (OSError, SafetensorError)) and not folder.is_writing():
            raise
        reason = getattr(error, "strerror", None) or _first_line(error)
        raise TrainingError(
            f"training stopped, since a file could not be written ({reason}); make room and run "
            f"again with resume ({last}; each of them is whole)"
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _selected_step(trainer: CompletionTrainer, selection: SelectionCallback | None) -> int:
    return trainer.state.global_step if selection is None else selection.selected_step


def _manifest(
    contract: Contract, config: TrainingConfig, prepared: Prepared, step: int
) -> AdapterManifest:
    return AdapterManifest(
        contract=contract,
        prompt_format=config.prompt_format.to_dict(),
        base_model=prepared.base_model.name,
        base_model_revision=prepared.base_model.revision,
        tokenizer_hash=tokenizer_hash(prepared.tokenizer),
        template_hash=template_hash(prepared.tokenizer),
        training=config.to_dict(),
        versions=package_versions(),
        step=step,
    )


def _finish(
    trainer: CompletionTrainer,
    selection: SelectionCallback | None,
    manifest: AdapterManifest,
    prepared: Prepared,
    folder: RunFolder,
) -> None:
    """Writes weights, learning curve and manifest, the manifest last: it marks a whole adapter."""
    # Of sharded weights every process holds a part.
    whole = trainer.accelerator.get_state_dict(trainer.model) if trainer.is_fsdp_enabled else None
    if not trainer.is_world_process_zero():
        return
    if selection is None:
        # Not save_model: it adds a pickle of the arguments, and with it this machine's paths.
        model: Any = trainer.accelerator.unwrap_model(trainer.model)
        model.save_pretrained(str(folder.path), state_dict=whole)
    else:
        for path in selection.selected_folder.iterdir():
            shutil.copy2(path, folder.path / path.name)
    write_curve(
        folder.path,
        prepared,
        trainer.state.log_history,
        evaluations=[] if selection is None else selection.evaluations,
        selected_step=_selected_step(trainer, selection),
    )
    manifest.save(folder.path)
    folder.finish()
