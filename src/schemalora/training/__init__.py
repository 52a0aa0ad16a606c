"""Training: from training records to an adapter directory (needs the extra `train`).

`TrainingConfig` is light; the rest is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemalora.extras import require_extra
from schemalora.training.config import TrainingConfig
from schemalora.training.preflight import Finding, preflight

if TYPE_CHECKING:
    from schemalora.training.run import train

__all__ = ["Finding", "TrainingConfig", "preflight", "train"]


def __getattr__(name: str) -> Any:
    if name != "train":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra("training", "train", "torch", "transformers", "trl", "peft", "datasets")
    from schemalora.training.run import train

    return train
