"""How a field relates to the text: `Annotated[str | None, Extracted()]`.

The marks travel inside the JSON Schema, as `x-relation` and `x-comparison`, so that they sit where
the field is, whatever aliases, generics or references lead there; a bare JSON Schema may carry them
as well. `Contract.json_schema` shows the schema without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from schemalora.schema.annotations import COMPARISON_KEYWORD, RELATION_KEYWORD

Relation: TypeAlias = Literal["extracted", "derived", "free_text"]
Comparison: TypeAlias = Literal["exact", "ordered", "unordered", "ignored"]


@dataclass(frozen=True, slots=True)
class _Mark:
    """Writes itself into the JSON Schema of the field it annotates."""

    comparison: Comparison | None = None
    """How the field counts in accuracy; None leaves it to the relation and the type."""

    relation: ClassVar[Relation]

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Pydantic's hook for annotations that change the JSON Schema."""
        marks = {RELATION_KEYWORD: self.relation}
        if self.comparison is not None:
            marks[COMPARISON_KEYWORD] = self.comparison
        return {**handler(core_schema), **marks}


@dataclass(frozen=True, slots=True)
class Extracted(_Mark):
    """The value stands in the text, word for word or in another notation of the same value."""

    relation: ClassVar[Relation] = "extracted"


@dataclass(frozen=True, slots=True)
class Derived(_Mark):
    """The value follows from the text, but does not stand in it: a class, a flag, a score."""

    relation: ClassVar[Relation] = "derived"


@dataclass(frozen=True, slots=True)
class FreeText(_Mark):
    """The value is prose of the model's own; by default its wording counts for nothing."""

    relation: ClassVar[Relation] = "free_text"
