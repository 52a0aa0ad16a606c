"""Intervals and tests for rates, in plain Python; each docstring gives the formula's source."""

from schemalora.statistics.bootstrap import bootstrap_difference
from schemalora.statistics.calibration import (
    CalibrationBin,
    calibration_bins,
    calibration_error,
    calibration_error_by_chance,
    calibration_interval,
    choose_threshold,
)
from schemalora.statistics.clusters import effective_sample_size
from schemalora.statistics.intervals import Interval, paired_interval, wilson_interval
from schemalora.statistics.power import detectable_difference, smallest_significant_difference
from schemalora.statistics.significance import holm, mcnemar_exact

__all__ = [
    "CalibrationBin",
    "Interval",
    "bootstrap_difference",
    "calibration_bins",
    "calibration_error",
    "calibration_error_by_chance",
    "calibration_interval",
    "choose_threshold",
    "detectable_difference",
    "effective_sample_size",
    "holm",
    "mcnemar_exact",
    "paired_interval",
    "smallest_significant_difference",
    "wilson_interval",
]
