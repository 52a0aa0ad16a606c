"""What answering cost, as far as the predictions say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from schemalora.compliance.counts import ordered_counts
from schemalora.jsonvalue import JsonValue
from schemalora.records import Prediction


@dataclass(frozen=True, slots=True)
class Generation:
    """Sums over all predictions; 0 where they do not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    finish_reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    """Finish reason → predictions; `length` means that the completion met the token limit."""

    @property
    def cut_off(self) -> int:
        """Completions that met the token limit: cut off, or brought to an end before it."""
        return self.finish_reasons.get("length", 0)

    def to_dict(self) -> dict[str, JsonValue]:
        """All four."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": self.seconds,
            "finish_reasons": dict(self.finish_reasons),
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Generation:
        """Reads what `to_dict` wrote."""
        return cls(
            prompt_tokens=cast(int, row["prompt_tokens"]),
            completion_tokens=cast(int, row["completion_tokens"]),
            seconds=cast(float, row["seconds"]),
            finish_reasons=cast("dict[str, int]", row["finish_reasons"]),
        )


class GenerationCounter:
    """Sums tokens, seconds and finish reasons."""

    def __init__(self) -> None:
        self._prompt_tokens = 0
        self._completion_tokens = 0
        # Whole nanoseconds: a sum of floats would depend on the order of rows.
        self._nanoseconds = 0
        self._finish_reasons: Counter[str] = Counter()

    def add(self, prediction: Prediction) -> None:
        """Adds what one prediction says."""
        self._prompt_tokens += prediction.prompt_tokens or 0
        self._completion_tokens += prediction.completion_tokens or 0
        self._nanoseconds += round((prediction.seconds or 0) * 1_000_000_000)
        if prediction.finish_reason is not None:
            self._finish_reasons[prediction.finish_reason] += 1

    def finish(self) -> Generation:
        """The sums."""
        return Generation(
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            seconds=self._nanoseconds / 1_000_000_000,
            finish_reasons=ordered_counts(self._finish_reasons),
        )
