"""How the flagship's numbers grow with training rows, rank and prompt."""
