"""Sentences as vectors: the Multilingual Universal Sentence Encoder (Google, Apache-2.0) in ONNX.

512 numbers a text, sixteen languages with fr, de and en among them; Luxembourgish is understood
about half as well. Runs in this process on one thread, with no network.
"""

import hashlib
import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parvis.errors import Unavailable

log = logging.getLogger(__name__)

FILE = "use-multilingual/embedding_model_quantized.onnx"
SHA256 = "b8b05b01f0861094f0475cb288ad1b303ae8aee2ebe96e650d210805d5ca70f7"
DIMENSION = 512
# the encoder reads on without limit; longer texts say no more about what they are about
_MAX_CHARS = 2000

Vector = NDArray[np.float32]


class EncoderUnavailable(Unavailable):
    """The encoder's file is missing or is not the one we know: nothing can be searched."""


class Encoder:
    """Turns texts into vectors of length 1; thread-safe.

    The model is loaded on first use, or by `check` before a fork: its session makes no thread.

    `digest` names the exact weights: vectors of different digests MUST NOT be compared.
    """

    digest = SHA256

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._session: Any = None
        self._input = ""

    def encode(self, text: str, *, most_chars: int | None = _MAX_CHARS) -> Vector:
        """The vector of one text; the same text always gives the same one. None: all of it.

        Texts go through one by one: in a batch a vector depends on its neighbours. Raises
        EncoderUnavailable.
        """
        session = self._get_session()
        found = session.run(None, {self._input: [text[:most_chars]]})[0][0]
        vector: Vector = np.asarray(found, dtype="<f4")
        length = float(np.linalg.norm(vector))
        return vector / np.float32(length) if length else vector

    def check(self) -> None:
        """Load now; raises EncoderUnavailable."""
        self._get_session()

    def _get_session(self) -> Any:
        if self._session is None:
            with self._lock:
                if self._session is None:
                    self._session = self._load()
        return self._session

    def _load(self) -> Any:
        try:
            weights = self._path.read_bytes()
        except OSError:
            log.error("encoder.missing", extra={"file": str(self._path)})
            raise EncoderUnavailable from None
        if hashlib.sha256(weights).hexdigest() != SHA256:
            log.error("encoder.altered", extra={"file": str(self._path)})
            raise EncoderUnavailable
        session = _build_session(weights)
        self._input = session.get_inputs()[0].name
        return session


def build_encoder(models_dir: Path) -> Encoder:
    """The encoder of this installation; its file is read on first use."""
    return Encoder(models_dir / FILE)


def _build_session(weights: bytes) -> Any:
    # imported here: the command line should not pay for them when nothing is searched
    import onnxruntime  # noqa: PLC0415
    from onnxruntime_extensions import get_library_path  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(get_library_path())
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
