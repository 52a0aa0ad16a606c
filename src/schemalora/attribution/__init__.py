"""Who earned what: four arms, {base, LoRA} x {free, constrained}, on the same rows."""

from schemalora.attribution.arms import ARM_TITLES, ARMS, ArmName
from schemalora.attribution.effects import Attribution, Effect, Share, attribute
from schemalora.attribution.verdict import Verdict, VerdictCode

__all__ = [
    "ARMS",
    "ARM_TITLES",
    "ArmName",
    "Attribution",
    "Effect",
    "Share",
    "Verdict",
    "VerdictCode",
    "attribute",
]
