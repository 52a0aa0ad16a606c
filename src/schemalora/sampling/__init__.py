"""Seeded targets for synthesis: valid, balanced over the cells of the contract."""

from schemalora.sampling.cells import Cell, cells
from schemalora.sampling.sampler import sample

__all__ = ["Cell", "cells", "sample"]
