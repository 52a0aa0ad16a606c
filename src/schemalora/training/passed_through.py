"""What of the tables `trl` and `peft` is refused: settings that `train` decides itself.

TRL and PEFT would accept them, and then ignore them, change the tokenizer under rows that are made
already, write no checkpoints or some that no run can go on from, or stand over a setting that a
stopped run may be gone on with in another value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemalora.errors import UsageError

_TEMPLATE = (
    "the rows are made with the base model's own tokenizer and template before TRL sees them, and "
    "the adapter pins both; change them in the base model's folder"
)
_ROWS = "the rows are made before TRL sees them, and none is ever cut (see max_length)"
_PACKING = (
    "batches of like length leave little padding, and packed rows would see each other; "
    "attention = 'packed' packs rows that do not"
)
_LOSS = "the loss is the plain mean cross entropy over the tokens of the completions"
_BATCHES = "the batches are made by this library: use batch_size, group_by_length and attention"
_LOADING = (
    "the base model is loaded before TRL sees it: use base_model, dtype, quantization and attention"
)
_EVALUATION = "set development_rows: answers are scored, not the loss"
_BEST = "set development_rows and selection_metric: the best adapter by its answers is kept"
_CHECKPOINTS = "checkpoints are whole, with all that resuming needs, and the last two are kept"
_DTYPE = "it is decided by the setting dtype"
_CHECKPOINTING = "use the setting gradient_checkpointing"

# Other values of such a setting that leave what is decided as it is.
_AS_GOOD: dict[str, tuple[str, ...]] = {"save_strategy": ("epoch",)}

DECIDED: dict[str, dict[str, str]] = {
    "trl": {
        "output_dir": "the run's folder is the argument output_dir of `train`",
        "optim": "use the setting optimizer, which is checked against this machine",
        "max_length": "use the setting max_length",
        "num_train_epochs": "use the setting epochs",
        "learning_rate": "use the setting learning_rate",
        "per_device_train_batch_size": "use the setting batch_size",
        "gradient_accumulation_steps": "use the setting gradient_accumulation",
        "auto_find_batch_size": "a run has the same rows in every step: use batch_size and "
        "gradient_accumulation",
        "save_strategy": "without checkpoints nothing can be gone on with, nor lost weights be "
        "found: use save_steps, or 'epoch' here",
        "use_cpu": "the base model is loaded onto the GPU that is seen; start with "
        'CUDA_VISIBLE_DEVICES="" to train on the CPU',
        **dict.fromkeys(("gradient_checkpointing", "activation_checkpointing"), _CHECKPOINTING),
        "resume_from_checkpoint": "use resume=True (--resume)",
        "ignore_data_skip": "a resumed run goes on at the row where it was stopped",
        "enable_jit_checkpoint": "the half-trained adapter would pass for a finished one; "
        "what is killed goes on from its last checkpoint with resume=True (--resume)",
        **dict.fromkeys(("bf16", "fp16"), _DTYPE),
        **dict.fromkeys(("eos_token", "pad_token", "chat_template_path"), _TEMPLATE),
        **dict.fromkeys(("packing", "packing_strategy", "padding_free"), _PACKING),
        **dict.fromkeys(
            ("dataset_text_field", "dataset_kwargs", "dataset_num_proc", "truncation_mode"), _ROWS
        ),
        **dict.fromkeys(
            ("completion_only_loss", "assistant_only_loss", "loss_type", "label_smoothing_factor",
             "router_aux_loss_coef"),
            _LOSS,
        ),
        **dict.fromkeys(
            ("pad_to_multiple_of", "remove_unused_columns", "label_names", "length_column_name"),
            _BATCHES,
        ),
        **dict.fromkeys(("model_init_kwargs", "trust_remote_code", "use_cache"), _LOADING),
        **dict.fromkeys(
            ("do_eval", "do_predict", "eval_strategy", "eval_steps", "eval_delay", "eval_on_start",
             "eval_packing", "eval_accumulation_steps", "per_device_eval_batch_size",
             "prediction_loss_only", "batch_eval_metrics", "include_for_metrics",
             "bf16_full_eval", "fp16_full_eval"),
            _EVALUATION,
        ),
        **dict.fromkeys(
            ("load_best_model_at_end", "metric_for_best_model", "greater_is_better"), _BEST
        ),
        **dict.fromkeys(("save_only_model", "save_total_limit"), _CHECKPOINTS),
    },
    "peft": {
        "task_type": "adapters are trained for causal language models",
        "inference_mode": "nothing would be trained",
    },
}  # fmt: skip


def refuse_decided(table: str, given: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Refuses settings of a table that `train` decides, where they ask for something else.

    Args:
        table: `trl` or `peft`.
        given: the settings of that table.
        usual: what they are without it.

    Raises:
        UsageError: naming the setting, why, and what to set instead.
    """
    for name, value in given.items():
        reason = DECIDED[table].get(name)
        if reason is not None and value not in (usual.get(name), *_AS_GOOD.get(name, ())):
            raise UsageError(f"{table}.{name} cannot be passed through: {reason}")
