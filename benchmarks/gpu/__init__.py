"""The 7B architecture with random weights on an NVIDIA GPU."""
