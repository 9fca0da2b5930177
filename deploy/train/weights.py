"""The files of weights that trainers write and `privacy/` reads: whole numbers, lists as bits."""

import base64
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

_LINE = 120


def rounded(weights: Any) -> tuple[Any, float]:
    """Whole numbers of eight bits, and what one of them is worth; the few very large are cut."""
    scale = float(np.quantile(np.abs(weights[weights != 0]), 0.9999)) / 127
    return np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), scale


def as_bits(hashes: Iterable[int], bits: int) -> Any:
    """A list of 2^`bits` bits in which those are set that hashes of 32 bits begin with."""
    known = np.zeros(1 << (bits - 3), dtype=np.uint8)
    for one in hashes:
        place = one >> (32 - bits)
        known[place >> 3] |= 1 << (place & 7)
    return known


def save(target: Path, title: str, head: str, *parts: Any) -> None:
    """Text, as every other data file of the package: title, numbers, the parts packed."""
    content = b"".join(part.tobytes() for part in parts)
    packed = base64.b64encode(zlib.compress(content, 9)).decode()
    lines = [
        f"# {title}, made by deploy/train; sources and licences are there.",
        head,
        *(packed[at : at + _LINE] for at in range(0, len(packed), _LINE)),
    ]
    target.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{target.name}: {target.stat().st_size} bytes")
