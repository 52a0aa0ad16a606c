"""What decides what is predicted, besides the model and the examples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from schemalora.contract import Contract
from schemalora.formatting import PromptFormat, system_text
from schemalora.inference.server import OpenAIServer
from schemalora.jsonvalue import JsonValue, canonical_json

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
        prompt = system_text(self.contract, self.prompt_format)
        return {
            "contract": self.contract.fingerprint,
            "prompt_format": self.prompt_format.to_dict(),
            # A fingerprint leaves out the name and the instructions that prompts are made of.
            "prompt_sha256": hashlib.sha256(canonical_json(prompt).encode()).hexdigest(),
            "constrained": self.constrained,
            "engine": self.engine if isinstance(self.engine, str) else self.engine.identity(),
            "max_new_tokens": self.max_new_tokens,
            "confidence": self.confidence,
        }
