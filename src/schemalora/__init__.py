"""schemalora: from a Pydantic model to a small language model that answers in its shape."""

__version__ = "0.1.0"
