"""Edits of a text that keep its target: noise that people make, and attacks that people try."""

from schemalora.perturbations.catalogue import by_name, catalogue
from schemalora.perturbations.injection import (
    INJECTION_FAMILIES,
    Injection,
    InjectionFamily,
    TriggerWords,
    injections,
)
from schemalora.perturbations.noise import (
    CodeSwitching,
    Distractors,
    LogBlock,
    QuotedMail,
    Signature,
)
from schemalora.perturbations.passage import Passage, pick
from schemalora.perturbations.perturbation import Perturbation, perturb
from schemalora.perturbations.surface import (
    Casing,
    ChatSlang,
    DroppedPunctuation,
    Emoji,
    Typos,
    WhiteSpace,
)

__all__ = [
    "INJECTION_FAMILIES",
    "Casing",
    "ChatSlang",
    "CodeSwitching",
    "Distractors",
    "DroppedPunctuation",
    "Emoji",
    "Injection",
    "InjectionFamily",
    "LogBlock",
    "Passage",
    "Perturbation",
    "QuotedMail",
    "Signature",
    "TriggerWords",
    "Typos",
    "WhiteSpace",
    "by_name",
    "catalogue",
    "injections",
    "perturb",
    "pick",
]
