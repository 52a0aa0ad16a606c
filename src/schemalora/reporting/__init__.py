"""Pages and pictures of reports; needs the extra `report`."""

from schemalora.reporting.curve import LearningCurve
from schemalora.reporting.html import write_html
from schemalora.reporting.plots import write_plot
from schemalora.reporting.reliability_plot import write_reliability_plot

__all__ = ["LearningCurve", "write_html", "write_plot", "write_reliability_plot"]
