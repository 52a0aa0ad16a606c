"""What decides what is predicted, besides the model and the examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemalora.contract import Contract
from schemalora.formatting import PromptFormat
from schemalora.inference.server import OpenAIServer
from schemalora.jsonvalue import JsonValue

Engine = Literal["transformers", "generate"] | OpenAIServer
"""`transformers`: the packed decoder, and `generate` for models it does not know; `generate`: the
library's own, one pass a token; a server: no weights are loaded here."""

Constrained = bool | Literal["best_effort"]
"""Whether the contract is enforced; `best_effort`: as far as it can be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides what is predicted."""

    contract: Contract
    prompt_format: PromptFormat
    constrained: Constrained
    engine: Engine
    max_new_tokens: int
    batch_size: int
    confidence: bool

    def to_dict(self) -> dict[str, JsonValue]:
        """What two runs must have in common for one to go on with the other's rows."""
        return {
            "contract": self.contract.fingerprint,
            "prompt_format": self.prompt_format.to_dict(),
            "constrained": self.constrained,
            "engine": self.engine if isinstance(self.engine, str) else self.engine.identity(),
            "max_new_tokens": self.max_new_tokens,
            "confidence": self.confidence,
        }
