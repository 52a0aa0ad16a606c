"""The learning curve is JSON, whatever the log holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trl")

from schemalora.base_model import BaseModel
from schemalora.training.curve import write_curve
from schemalora.training.prepare import Prepared
from schemalora.training.tokens import TokenRow


def test_numbers_that_json_lacks_are_null(tmp_path: Path) -> None:
    log = [
        {"step": 1, "loss": np.float32(0.5), "grad_norm": float("nan")},
        {"step": 2, "loss": 0.25, "grad_norm": float("inf")},
        {"train_runtime": 3.0},
    ]
    base_model = BaseModel(name="none", location="none", revision=None)
    rows = [TokenRow(prompt=(1, 2), completion=(3,))]
    prepared = Prepared(base_model, tokenizer=None, rows=rows, development=None)
    write_curve(tmp_path / "curve.json", prepared, log, evaluations=[], selected_step=2)
    text = (tmp_path / "curve.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    curve = json.loads(text)
    assert [one["loss"] for one in curve["steps"]] == [0.5, 0.25]
    assert [one["grad_norm"] for one in curve["steps"]] == [None, None]
    assert (curve["seconds"], curve["tokens"]) == (3.0, 3)
