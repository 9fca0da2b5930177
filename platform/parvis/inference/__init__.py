"""Which model server answers, and how its answer streams back. Knows no agency's rules."""

from parvis.inference.grounding import check_grounded
from parvis.inference.models import ModelCatalogue, ModelEntry, Server, load_models
from parvis.inference.quote import quote_answer
from parvis.inference.router import Call, Inference, ModelStream
from parvis.inference.vectors import Ranking, Vectors

__all__ = [
    "Call",
    "Inference",
    "ModelCatalogue",
    "ModelEntry",
    "ModelStream",
    "Ranking",
    "Server",
    "Vectors",
    "check_grounded",
    "load_models",
    "quote_answer",
]
