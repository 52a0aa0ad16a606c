"""TRL's SFTTrainer with the loss taken where there is loss."""

# transformers, trl and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false, reportPrivateImportUsage=false

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  the field's name for it
from trl import SFTTrainer

from schemalora.errors import TrainingError
from schemalora.training.collator import BESIDE_THE_MODEL
from schemalora.training.noise import noisy_embeddings
from schemalora.training.order import GroupedSampler
from schemalora.training.tokens import IGNORED

# Of a batch without a finite loss so many records are named.
_MOST_NAMED = 32


class CompletionTrainer(SFTTrainer):
    """SFTTrainer that runs the language-model head over the completions only.

    `compute_loss` is the hook that TRL names for a loss of one's own. The loss is the same mean
    token cross entropy over the completions as TRL's; its fused head computes log-probabilities
    over all columns, which on short structured completions is most of the head's work.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # transformers would scale the noise by the width of the batch: see `noisy_embeddings`.
        self.neftune_noise_alpha = None

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Mean cross entropy over the tokens of the completions.

        Args:
            model: the causal language model, wrapped or not.
            inputs: a batch of either collator.
            return_outputs: whether to return the model's outputs as well.
            num_items_in_batch: the loss is divided by this (all devices and accumulation steps
                counted), or by the batch's own number of completion tokens.

        Returns:
            The loss, a scalar; with `return_outputs`, the pair (loss, outputs).

        Raises:
            TrainingError: the loss is not finite; names the records of the batch.
        """
        fed = {key: value for key, value in inputs.items() if key not in BESIDE_THE_MODEL}
        with self._noise(model, inputs):
            outputs = model(**fed, use_cache=False)
        targets = inputs["targets"].flatten()
        logits = outputs.logits.flatten(0, 1).float()
        loss = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        if not torch.isfinite(loss):
            raise TrainingError(self._about_loss(loss.item(), inputs.get("record")))
        count = (targets != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        loss = loss / torch.as_tensor(count, device=loss.device).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            # DDP averages the gradients over devices, but the count holds the tokens of all.
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _noise(
        self, model: torch.nn.Module, inputs: dict[str, Any]
    ) -> AbstractContextManager[None]:
        alpha = self.args.neftune_noise_alpha
        if alpha is None or not model.training:
            return nullcontext()
        return noisy_embeddings(self.accelerator.unwrap_model(model), alpha, inputs["row_lengths"])

    def _about_loss(self, loss: float, records: torch.Tensor | None) -> str:
        indices = [] if records is None else sorted(records.tolist())
        named = ", ".join(map(str, indices[:_MOST_NAMED]))
        more = f" and {len(indices) - _MOST_NAMED} more" if len(indices) > _MOST_NAMED else ""
        return (
            f"the loss is {loss} in step {self.state.global_step + 1}, in the batch of records "
            f"{named}{more} (counted from 0): look at these records, and train on mended ones in a "
            "new folder; or run again with resume, with a lower learning_rate, or with dtype "
            "bfloat16 or float32; where the loss is lost again at once, delete the newest "
            "checkpoint, and resume goes on from the one before"
        )

    def _run_epoch(self, *given: Any, **named: Any) -> None:
        """An epoch, or what is left of it.

        The trainer asks whether the run is at its end only after a step, so a checkpoint of the
        last step, in mid-epoch where `max_steps` ends it, would be trained once more.
        """
        if self.state.global_step < self.state.max_steps:
            super()._run_epoch(*given, **named)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Batches of like length in an order that resuming and more processes do not change."""
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        return GroupedSampler(
            rows[self.args.length_column_name],
            batch_rows=self.args.train_batch_size
            * self.args.gradient_accumulation_steps
            * self.args.world_size,
            seed=self.args.data_seed if self.args.data_seed is not None else self.args.seed,
        )
