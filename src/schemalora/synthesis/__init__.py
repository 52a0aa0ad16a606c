"""Data for a contract: targets drawn over its cells, put into words, made hard, and split."""

from schemalora.synthesis.generator import Draw, GeneratorContract, example_seed
from schemalora.synthesis.operators import JOINTS, MissingInformation, MultiIntent
from schemalora.synthesis.rendering import Renderer, Rendering
from schemalora.synthesis.schema_renderer import SchemaRenderer
from schemalora.synthesis.slots import PhraseBank
from schemalora.synthesis.splitting import split
from schemalora.synthesis.stream import Recipe, synthesize
from schemalora.synthesis.template import Template, TemplateRenderer

__all__ = [
    "JOINTS",
    "Draw",
    "GeneratorContract",
    "MissingInformation",
    "MultiIntent",
    "PhraseBank",
    "Recipe",
    "Renderer",
    "Rendering",
    "SchemaRenderer",
    "Template",
    "TemplateRenderer",
    "example_seed",
    "split",
    "synthesize",
]
