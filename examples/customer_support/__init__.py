"""Customer-support messages to tickets: the flagship example."""
