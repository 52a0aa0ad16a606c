"""The end of a run: that it came to it, and what is written then."""

# transformers, trl and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false

from __future__ import annotations

import shutil
from typing import Any, cast

import torch

from schemalora.adapter import AdapterManifest
from schemalora.contract import Contract
from schemalora.environment import package_versions
from schemalora.errors import TrainingError
from schemalora.formatting import template_hash
from schemalora.tokenizer_pin import tokenizer_hash
from schemalora.training.checkpoints import require_finite
from schemalora.training.config import TrainingConfig
from schemalora.training.curve import write_curve
from schemalora.training.folder import RunFolder, Start
from schemalora.training.prepare import Prepared
from schemalora.training.selection import SelectionCallback
from schemalora.training.termination import TerminationCallback
from schemalora.training.trainer import CompletionTrainer


def require_its_end(
    trainer: CompletionTrainer,
    selection: SelectionCallback | None,
    termination: TerminationCallback,
    folder: RunFolder,
) -> None:
    """Refuses to take for finished what ended before its last step and not out of patience.

    Raises:
        TrainingError: the run ended early; says at which step, and how to go on.
    """
    state = trainer.state
    reached = f"step {state.global_step} of {state.max_steps}"
    if termination.stopped:
        raise TrainingError(
            f"{folder.path}: SIGTERM stopped the training after {reached}; a checkpoint of this "
            "step is written: run again with resume (--resume) to go on"
        )
    out_of_patience = selection is not None and selection.patience_is_over()
    if state.global_step < state.max_steps and not out_of_patience:
        raise TrainingError(
            f"{folder.path}: the training ended at {reached}, before its end; run again with "
            "resume (--resume) to go on from the last checkpoint"
        )


def selected_step(trainer: CompletionTrainer, selection: SelectionCallback | None) -> int:
    """The step whose weights are kept."""
    return trainer.state.global_step if selection is None else selection.selected_step


def manifest_of(
    contract: Contract, config: TrainingConfig, prepared: Prepared, step: int, start: Start
) -> AdapterManifest:
    """What the adapter is pinned to.

    Args:
        contract: what it learned.
        config: the settings.
        prepared: the base model, its tokenizer and the rows.
        step: the step whose weights it has.
        start: what was changed when the run was resumed.
    """
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
        changes=start.changes,
    )


def write_adapter(
    trainer: CompletionTrainer,
    selection: SelectionCallback | None,
    manifest: AdapterManifest,
    prepared: Prepared,
    folder: RunFolder,
) -> None:
    """Writes weights, learning curve and manifest, the manifest last: it marks a whole adapter.

    Raises:
        TrainingError: the weights are not finite.
    """
    # Of what was trained or chosen after the last checkpoint nothing was looked at yet.
    model = cast(torch.nn.Module, trainer.model)
    trained = [one for one in model.parameters() if one.requires_grad]
    kept = trained if selection is None else selection.selected_weights()
    step = selected_step(trainer, selection)
    require_finite(kept, step=step, folder=folder)
    # Of sharded weights every process holds a part.
    whole = trainer.accelerator.get_state_dict(model) if trainer.is_fsdp_enabled else None
    if not trainer.is_world_process_zero():
        return
    if selection is None:
        # Not save_model: it adds a pickle of the arguments, and with it this machine's paths.
        adapted: Any = trainer.accelerator.unwrap_model(model)
        adapted.save_pretrained(str(folder.path), state_dict=whole)
    else:
        for path in selection.selected_folder.iterdir():
            shutil.copy2(path, folder.path / path.name)
    write_curve(
        folder.curve,
        prepared,
        trainer.state.log_history,
        evaluations=[] if selection is None else selection.evaluations,
        selected_step=step,
    )
    # A manifest must not outlive the weights it marks as whole, nor the checkpoints go before it.
    folder.flush()
    manifest.save(folder.path)
    folder.flush()
    folder.finish()
