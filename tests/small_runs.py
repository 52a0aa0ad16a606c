"""What tests of training ask of two adapters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file


def weights(folder: Path) -> Mapping[str, Any]:
    """The adapter's tensors by their names."""
    return load_file(folder / "adapter_model.safetensors")


def same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether two adapters are equal bit for bit."""
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)
