"""Optional packages: which extra brings them, said before an import fails half-way."""

from __future__ import annotations

import importlib.util

from schemalora.errors import MissingExtraError


def require_extra(stage: str, extra: str, *packages: str) -> None:
    """Makes sure that a stage's optional packages are installed; imports none of them.

    Args:
        stage: who asks, as the start of a sentence: `training`.
        extra: the extra that brings the packages.
        packages: their import names.

    Raises:
        MissingExtraError: naming the first that is missing and what to install.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(stage, extra, package)
