"""One training run: records in, an adapter directory out."""

# transformers, trl and peft are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers import PrinterCallback
from trl import SFTConfig

from schemalora.adapter import Adapter
from schemalora.allocator import keep_pages
from schemalora.base_model import (
    BaseModel,
    load_model,
    load_tokenizer,
    preferred_device,
    torch_dtype_of,
)
from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.layers import LayerForward, replaced_forwards
from schemalora.lora import lora_forwards
from schemalora.records import TrainingRecord
from schemalora.training.attention import use_row_attention
from schemalora.training.checkpoints import CheckpointCallback
from schemalora.training.collator import collator_for
from schemalora.training.config import TrainingConfig
from schemalora.training.curve import CurveCallback
from schemalora.training.ending import (
    manifest_of,
    require_its_end,
    selected_step,
    write_adapter,
)
from schemalora.training.folder import RunFolder
from schemalora.training.identity import mends, run_identity
from schemalora.training.limits import first_line, limits_of_the_machine
from schemalora.training.machine import check_machine
from schemalora.training.prepare import (
    Prepared,
    find_base_model_of_run,
    prepare,
    require_task,
)
from schemalora.training.progress import ProgressCallback
from schemalora.training.ranks import is_main_process, on_main_process
from schemalora.training.resumed import ResumedSettingsCallback, show_changes
from schemalora.training.selection import SelectionCallback
from schemalora.training.settings import lora_config, sft_config
from schemalora.training.termination import TerminationCallback
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
        resume: go on with the run that was stopped in `output_dir`, from its last checkpoint. Of
            what decides the result, learning_rate, dtype, gradient_checkpointing, and batch_size
            with gradient_accumulation may differ; the manifest's `changes` then says so.

    Returns:
        The adapter, on disk; plain PEFT loads it too.

    Raises:
        UsageError: fewer than two records, or settings that this machine cannot run.
        RunFolderError: another process trains in the folder; or it already holds a run, or, with
            `resume`, none, or one of other settings, records, base model or number of processes.
        BaseModelError: the base model cannot be had.
        PreflightError: the records would not teach what they should.
        TrainingError: the loss is not finite, the disk or the memory is full, or SIGTERM came.
    """
    folder, records = RunFolder(Path(output_dir)), list(records)
    require_task(contract, records, config)
    check_machine(config)
    lora = lora_config(config)
    # Connects the processes, where there are several.
    arguments = sft_config(config, folder.unfinished)
    stopped = on_main_process(folder.stopped_run) if resume else None
    base_model = find_base_model_of_run(config, stopped)
    tokenizer = load_tokenizer(base_model)
    identity = run_identity(
        contract, records, config, base_model=base_model, tokenizer=tokenizer, stopped=stopped
    )
    with ExitStack() as held:
        on_main_process(lambda: held.enter_context(folder.lock()))
        start = on_main_process(
            lambda: folder.claim(identity, resume=resume, mendable=mends(config))
        )
        if is_main_process():
            show_changes(start)
        try:
            prepared = prepare(
                contract, records, config, base_model=base_model, tokenizer=tokenizer
            )
            trainer = _trainer(prepared, config, lora, arguments)
            trainer.add_callback(CheckpointCallback(folder))
            trainer.add_callback(ResumedSettingsCallback())
            selection = _selection(trainer, contract, prepared, config, folder)
            # After the checkpoint is published, so that a curve alone never takes the folder.
            trainer.add_callback(CurveCallback(folder, prepared, selection))
            termination = TerminationCallback()
            trainer.add_callback(termination)
        except BaseException:
            if is_main_process():
                folder.release()
            raise
        with limits_of_the_machine(folder), replaced_forwards(_lora_forwards(trainer)):
            with termination.listening():
                trainer.train(resume_from_checkpoint=start.checkpoint)
            require_its_end(trainer, selection, termination, folder)
            step = selected_step(trainer, selection)
            manifest = manifest_of(contract, config, prepared, step, start)
            write_adapter(trainer, selection, manifest, prepared, folder)
    return Adapter(path=folder.path, manifest=manifest)


def _trainer(
    prepared: Prepared, config: TrainingConfig, lora: LoraConfig, arguments: SFTConfig
) -> CompletionTrainer:
    held_out = prepared.development.held_out if prepared.development else ()
    model = _load(prepared.base_model, config)
    collator = collator_for(prepared.tokenizer, packed=_is_packed(model, config))
    try:
        trainer = CompletionTrainer(
            model=model,
            args=arguments,
            data_collator=collator,
            train_dataset=to_dataset(prepared.rows, held_out=held_out),
            processing_class=prepared.tokenizer,
            peft_config=lora,
            callbacks=[ProgressCallback()],
        )
    except (TypeError, ValueError) as error:
        # Such as target modules that the base model does not have.
        raise UsageError(f"TRL or PEFT refuses the settings: {first_line(error)}") from error
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
    # Under autocast the casts are its matter; FSDP exchanges the layers' tensors.
    if trainer.accelerator.mixed_precision != "no" or trainer.is_fsdp_enabled:
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
