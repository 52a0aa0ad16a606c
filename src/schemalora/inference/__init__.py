"""Inference: examples and a model to predictions."""

from schemalora.inference.constraint import Constraint
from schemalora.inference.decoding import decode, vocabulary_size
from schemalora.inference.drafting import Drafter
from schemalora.inference.generate import decode_by_generate
from schemalora.inference.loading import LoadedModel, load
from schemalora.inference.options import DecodingOptions
from schemalora.inference.prediction import predict
from schemalora.inference.rows import Completion

__all__ = [
    "Completion",
    "Constraint",
    "DecodingOptions",
    "Drafter",
    "LoadedModel",
    "decode",
    "decode_by_generate",
    "load",
    "predict",
    "vocabulary_size",
]
