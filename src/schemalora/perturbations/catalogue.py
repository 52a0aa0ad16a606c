"""Every perturbation by name, for command lines and config files."""

from __future__ import annotations

from collections.abc import Iterable

from schemalora.contract import Contract
from schemalora.errors import UsageError
from schemalora.perturbations.injection import TriggerWords, injections
from schemalora.perturbations.noise import (
    CodeSwitching,
    Distractors,
    LogBlock,
    QuotedMail,
    Signature,
)
from schemalora.perturbations.perturbation import Perturbation
from schemalora.perturbations.surface import (
    Casing,
    ChatSlang,
    DroppedPunctuation,
    Emoji,
    Typos,
    WhiteSpace,
)


def catalogue(contract: Contract) -> dict[str, Perturbation]:
    """Every perturbation with its default settings, by name; injections aim at the contract."""
    everything: tuple[Perturbation, ...] = (
        Typos(),
        Casing(),
        DroppedPunctuation(),
        ChatSlang(),
        Emoji(),
        WhiteSpace(),
        Signature(),
        QuotedMail(),
        LogBlock(),
        Distractors(),
        CodeSwitching(),
        TriggerWords(),
        *injections(contract),
    )
    return {one.name: one for one in everything}


def by_name(contract: Contract, names: Iterable[str]) -> tuple[Perturbation, ...]:
    """The perturbations that names ask for.

    Args:
        contract: what injections aim at.
        names: names of the catalogue; `injection` stands for its families, `all` for everything.

    Raises:
        UsageError: no perturbation has that name.
    """
    known = catalogue(contract)
    chosen: dict[str, Perturbation] = {}
    for name in names:
        found = {
            key: one for key, one in known.items() if name in ("all", key, key.partition(":")[0])
        }
        if not found:
            raise UsageError(
                f"no perturbation {name!r} (known: {', '.join(known)}, injection, all)"
            )
        chosen |= found
    return tuple(chosen.values())
