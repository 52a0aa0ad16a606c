"""The JSON Schema as a tree of nodes; everything that interprets a schema interprets this tree."""

from schemalora.schema.matching import matches
from schemalora.schema.nodes import (
    Annotations,
    AnyNode,
    ArrayNode,
    Check,
    Contains,
    FiniteNode,
    NeverNode,
    Node,
    NumberNode,
    ObjectNode,
    StringNode,
    UnionNode,
)
from schemalora.schema.paths import ROOT, child_path, join_path
from schemalora.schema.reader import read_schema

__all__ = [
    "ROOT",
    "Annotations",
    "AnyNode",
    "ArrayNode",
    "Check",
    "Contains",
    "FiniteNode",
    "NeverNode",
    "Node",
    "NumberNode",
    "ObjectNode",
    "StringNode",
    "UnionNode",
    "child_path",
    "join_path",
    "matches",
    "read_schema",
]
