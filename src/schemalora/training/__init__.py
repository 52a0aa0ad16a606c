"""Training: from training records to an adapter directory (needs the extra `train`).

`TrainingConfig` is light; the rest is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from schemalora.extras import require_extra
from schemalora.training.config import TrainingConfig
from schemalora.training.findings import PreflightFinding
from schemalora.training.preflight import preflight

if TYPE_CHECKING:
    from schemalora.training.compliance_callback import ComplianceCallback
    from schemalora.training.run import train

__all__ = ["ComplianceCallback", "PreflightFinding", "TrainingConfig", "preflight", "train"]

_MODULE_OF = {"ComplianceCallback": "compliance_callback", "train": "run"}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra("training", "train", "torch", "transformers", "trl", "peft", "datasets")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
