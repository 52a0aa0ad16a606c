"""schemalora: from a Pydantic model to a small language model that answers in its shape.

    Pydantic model ─► Contract ─► Example[] ─► TrainingRecord[] ─► Adapter ─► Prediction[] ─► report

The names below are imported when they are first asked for, so `import schemalora` costs next to
nothing. The stages that need PyTorch are imported by name: `schemalora.training`,
`schemalora.inference`, `schemalora.reporting`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemalora.adapter import Adapter, AdapterManifest
    from schemalora.attribution import attribute
    from schemalora.audit import audit
    from schemalora.compliance import ComplianceReport, compare, evaluate
    from schemalora.contract import (
        Contract,
        Derived,
        Extracted,
        Field,
        FreeText,
        Outcome,
        Violation,
        load_contract,
    )
    from schemalora.errors import SchemaloraError
    from schemalora.formatting import PromptFormat, format_example, format_examples
    from schemalora.jsonvalue import JsonValue
    from schemalora.records import (
        Example,
        Prediction,
        TrainingRecord,
        read_examples,
        read_predictions,
        read_records,
        write_examples,
        write_predictions,
        write_records,
    )
    from schemalora.sampling import sample
    from schemalora.strategies import instances, near_misses
    from schemalora.synthesis import (
        GeneratorContract,
        PhraseBank,
        Rendering,
        SchemaRenderer,
        Template,
        TemplateRenderer,
        split,
        synthesize,
    )
    from schemalora.training import TrainingConfig

__version__ = "0.1.0"

_MODULE_OF = {
    "Adapter": "adapter",
    "AdapterManifest": "adapter",
    "ComplianceReport": "compliance",
    "Contract": "contract",
    "Derived": "contract",
    "Example": "records",
    "Extracted": "contract",
    "Field": "contract",
    "FreeText": "contract",
    "GeneratorContract": "synthesis",
    "JsonValue": "jsonvalue",
    "Outcome": "contract",
    "PhraseBank": "synthesis",
    "Prediction": "records",
    "PromptFormat": "formatting",
    "Rendering": "synthesis",
    "SchemaRenderer": "synthesis",
    "SchemaloraError": "errors",
    "Template": "synthesis",
    "TemplateRenderer": "synthesis",
    "TrainingConfig": "training",
    "TrainingRecord": "records",
    "Violation": "contract",
    "attribute": "attribution",
    "audit": "audit",
    "compare": "compliance",
    "evaluate": "compliance",
    "format_example": "formatting",
    "format_examples": "formatting",
    "instances": "strategies",
    "load_contract": "contract",
    "near_misses": "strategies",
    "read_examples": "records",
    "read_predictions": "records",
    "read_records": "records",
    "sample": "sampling",
    "split": "synthesis",
    "synthesize": "synthesis",
    "write_examples": "records",
    "write_predictions": "records",
    "write_records": "records",
}

__all__ = [
    "Adapter",
    "AdapterManifest",
    "ComplianceReport",
    "Contract",
    "Derived",
    "Example",
    "Extracted",
    "Field",
    "FreeText",
    "GeneratorContract",
    "JsonValue",
    "Outcome",
    "PhraseBank",
    "Prediction",
    "PromptFormat",
    "Rendering",
    "SchemaRenderer",
    "SchemaloraError",
    "Template",
    "TemplateRenderer",
    "TrainingConfig",
    "TrainingRecord",
    "Violation",
    "attribute",
    "audit",
    "compare",
    "evaluate",
    "format_example",
    "format_examples",
    "instances",
    "load_contract",
    "near_misses",
    "read_examples",
    "read_predictions",
    "read_records",
    "sample",
    "split",
    "synthesize",
    "write_examples",
    "write_predictions",
    "write_records",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
