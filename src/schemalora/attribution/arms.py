"""The four arms and how they are named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from schemalora.compliance import ComplianceReport
from schemalora.errors import UsageError

ArmName: TypeAlias = Literal["base_free", "base_constrained", "lora_free", "lora_constrained"]
ARMS: Final[tuple[ArmName, ...]] = get_args(ArmName)
ARM_TITLES: Final[Mapping[ArmName, str]] = {
    "base_free": "base",
    "base_constrained": "base + grammar",
    "lora_free": "LoRA",
    "lora_constrained": "LoRA + grammar",
}
_ARM_OF: Final[Mapping[str, ArmName]] = {
    **{arm: arm for arm in ARMS},
    "base": "base_free",
    "lora": "lora_free",
}


def four_arms(reports: Mapping[str, ComplianceReport]) -> dict[ArmName, ComplianceReport]:
    """The four reports in the order of `ARMS`; `base` and `lora` stand for their free arms.

    Raises:
        UsageError: an arm is missing, given twice, or unknown; the message names it.
    """
    named: dict[ArmName, ComplianceReport] = {}
    for name, report in reports.items():
        arm = _ARM_OF.get(name)
        if arm is None:
            raise UsageError(f"unknown arm {name!r} (arms: {', '.join(ARMS)})")
        if arm in named:
            raise UsageError(f"the arm {arm!r} is given twice")
        named[arm] = report
    missing = [arm for arm in ARMS if arm not in named]
    if missing:
        raise UsageError(f"attribution needs four arms; missing: {', '.join(missing)}")
    return {arm: named[arm] for arm in ARMS}
