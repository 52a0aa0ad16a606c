"""Pages and pictures of reports; needs the extra `report`."""

from schemalora.reporting.plots import write_plot

__all__ = ["write_plot"]
