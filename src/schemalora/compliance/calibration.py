"""How far the confidence of a field's values can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from schemalora.compliance.rows import RowOutcomes
from schemalora.jsonvalue import JsonValue
from schemalora.statistics import (
    CalibrationBin,
    Interval,
    calibration_bins,
    calibration_error,
    calibration_error_by_chance,
    calibration_interval,
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """One field's confidences against how often they were right."""

    n: int
    """Rows of valid JSON whose prediction carries a confidence for the field."""
    error: float
    """Expected calibration error over those rows, in at most ten bins of equal numbers of rows."""
    ci95: Interval
    """Of `error`: bootstrap, whole groups drawn together."""
    by_chance: float
    """About the error that perfectly calibrated confidences would show on so many rows."""
    bins: tuple[CalibrationBin, ...]
    """By ascending confidence."""

    @property
    def measurable(self) -> bool:
        """Whether the rows show any miscalibration: the interval leaves 0 out."""
        return self.ci95.low > 0

    def to_dict(self) -> dict[str, JsonValue]:
        """All five; each bin with its bounds, its rows, its mean confidence and its right rows."""
        return {
            "n": self.n,
            "error": self.error,
            "ci95": list(self.ci95),
            "by_chance": self.by_chance,
            "bins": [one._asdict() for one in self.bins],
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, JsonValue]) -> Calibration:
        """Reads what `to_dict` wrote."""
        bins = cast("list[dict[str, Any]]", row["bins"])
        return cls(
            n=cast(int, row["n"]),
            error=cast(float, row["error"]),
            ci95=Interval(*cast("list[float]", row["ci95"])),
            by_chance=cast(float, row["by_chance"]),
            bins=tuple(CalibrationBin(**one) for one in bins),
        )


def calibrations(rows: RowOutcomes, *, seed: int = 0) -> dict[str, Calibration]:
    """The calibration of each field for which predictions carry a confidence.

    Completions that are not valid JSON are passed over, whatever confidence they carry: they are
    wrong in every field, however sure the model was of a value in front of further text.
    """
    found: dict[str, Calibration] = {}
    valid = rows.column("valid_json")
    for path, confidences in rows.confidences.items():
        told = [
            (confidence, is_right, group)
            for confidence, is_right, group, is_json in zip(
                confidences, rows.column(path), rows.groups, valid, strict=True
            )
            if confidence is not None and is_json
        ]
        if not told:
            continue
        promised = [confidence for confidence, _, _ in told]
        right = [is_right for _, is_right, _ in told]
        bins = calibration_bins(promised, right)
        found[path] = Calibration(
            n=len(told),
            error=calibration_error(bins),
            ci95=calibration_interval(promised, right, [group for *_, group in told], seed=seed),
            by_chance=calibration_error_by_chance(promised, right),
            bins=tuple(bins),
        )
    return found
