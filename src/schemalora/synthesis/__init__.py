"""Data for a contract: targets drawn over its cells, put into words, made hard, and split."""

from schemalora.synthesis.operators import JOINTS, MissingInformation, MultiIntent
from schemalora.synthesis.rendering import Renderer, Rendering
from schemalora.synthesis.template import PhraseBank, Template, TemplateRenderer

__all__ = [
    "JOINTS",
    "MissingInformation",
    "MultiIntent",
    "PhraseBank",
    "Renderer",
    "Rendering",
    "Template",
    "TemplateRenderer",
]
