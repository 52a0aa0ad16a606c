"""TRL's SFTTrainer with the loss taken where there is loss."""

# transformers, trl and torch are typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeArgument=false, reportPrivateImportUsage=false

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  the field's name for it
from trl import SFTTrainer

from schemalora.training.tokens import IGNORED


class CompletionTrainer(SFTTrainer):
    """SFTTrainer that runs the language-model head over the completions only.

    `compute_loss` is the hook that TRL names for a loss of one's own. The loss is the same mean
    token cross entropy over the completions as TRL's; its fused head computes log-probabilities
    over all columns, which on short structured completions is most of the head's work.
    """

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
            inputs: a batch of `RightAlignedCollator`.
            return_outputs: whether to return the model's outputs as well.
            num_items_in_batch: the loss is divided by this (all devices and accumulation steps
                counted), or by the batch's own number of completion tokens.

        Returns:
            The loss, a scalar; with `return_outputs`, the pair (loss, outputs).
        """
        labels = inputs["labels"]
        outputs = model(
            **{key: value for key, value in inputs.items() if key != "labels"}, use_cache=False
        )
        # The logits of one column predict the token of the next.
        logits = outputs.logits[:, :-1]
        targets = labels[:, labels.size(1) - logits.size(1) :]
        wanted = targets != IGNORED
        loss = F.cross_entropy(logits[wanted].float(), targets[wanted], reduction="sum")
        count = wanted.sum() if num_items_in_batch is None else num_items_in_batch
        loss = loss / torch.as_tensor(count, device=loss.device).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            # DDP averages the gradients over devices, but the count holds the tokens of all.
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss
