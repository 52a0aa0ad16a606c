"""What the drawers of arrays and objects ask of the generator."""

from __future__ import annotations

from typing import Protocol

from schemalora.jsonvalue import JsonValue
from schemalora.sampling.source import Source
from schemalora.schema import Node
from schemalora.schema.heights import Heights

RETRIES = 40
"""Draws of one part before it is given up."""


class Drawing(Protocol):
    """A generator in the middle of a value."""

    @property
    def source(self) -> Source:
        """Where choices come from."""
        ...

    @property
    def heights(self) -> Heights:
        """How deep the shallowest value of each node is."""
        ...

    @property
    def stretch(self) -> int:
        """How far the parts of a value may go beyond the usual: none, until values repeat."""
        ...

    @property
    def has_budget(self) -> bool:
        """Whether more may be drawn than is required."""
        ...

    def draw_below(self, node: Node, depth: int) -> JsonValue:
        """A value of a node, at most `depth` high where the node has one."""
        ...
