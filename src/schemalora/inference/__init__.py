"""Inference: examples and a model to predictions."""

from schemalora.inference.constraint import Constraint
from schemalora.inference.decoding import Decoder, decode, vocabulary_size
from schemalora.inference.drafting import Drafter
from schemalora.inference.extractor import Extractor
from schemalora.inference.generate import decode_by_generate
from schemalora.inference.loading import LoadedModel, load
from schemalora.inference.options import DecodingOptions
from schemalora.inference.prediction import predict
from schemalora.inference.rows import Completion
from schemalora.inference.server import OpenAIServer

__all__ = [
    "Completion",
    "Constraint",
    "Decoder",
    "DecodingOptions",
    "Drafter",
    "Extractor",
    "LoadedModel",
    "OpenAIServer",
    "decode",
    "decode_by_generate",
    "load",
    "predict",
    "vocabulary_size",
]
