"""Just enough of the ONNX file format to read the weights of a model and to write a new graph.

Protocol-buffer wire format by hand: the `onnx` package would be a dependency for one start-up
step. Nothing of any one model lives here.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

_TYPES: dict[int, Any] = {1: np.float32, 2: np.uint8, 3: np.int8, 7: np.int64}
_TYPE_NUMBERS = {np.dtype(kind): number for number, kind in _TYPES.items()}
_FLOAT = 1
_IR_VERSION = 8
_OPSETS = (("", 18), ("com.microsoft", 1))


def read_weights(content: bytes) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The tensors of a model by name, and the inputs of each of its nodes by the node's name."""
    tensors: dict[str, Any] = {}
    inputs: dict[str, list[str]] = {}
    for field, graph in _fields(memoryview(content)):
        if field == 7:  # noqa: PLR2004 - numbers of fields are those of onnx.proto
            for part, value in _fields(graph):
                if part == 1:
                    name, sources = _read_node(value)
                    inputs[name] = sources
                elif part == 5:  # noqa: PLR2004
                    name, array = _read_tensor(value)
                    tensors[name] = array
    return tensors, inputs


def write_model(
    nodes: Sequence[bytes],
    tensors: Mapping[str, Any],
    *,
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
) -> bytes:
    """A model of these nodes, from floats to floats; a word stands for any length."""
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"graph")
    graph += b"".join(_bytes(5, _write_tensor(name, array)) for name, array in tensors.items())
    for name, shape in inputs.items():
        graph += _bytes(11, _value_info(name, shape))
    for name, shape in outputs.items():
        graph += _bytes(12, _value_info(name, shape))
    opsets = b"".join(_bytes(8, _bytes(1, d.encode()) + _number(2, v)) for d, v in _OPSETS)
    return _number(1, _IR_VERSION) + _bytes(7, graph) + opsets


def write_node(
    kind: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: Any
) -> bytes:
    """One node; attributes are whole numbers or floats."""
    node = b"".join(_bytes(1, name.encode()) for name in inputs)
    node += b"".join(_bytes(2, name.encode()) for name in outputs)
    node += _bytes(3, outputs[0].encode()) + _bytes(4, kind.encode())
    for name, value in attributes.items():
        if isinstance(value, float):
            shown = b"\x15" + struct.pack("<f", value) + _number(20, 1)
        else:
            shown = _number(3, value) + _number(20, 2)
        node += _bytes(5, _bytes(1, name.encode()) + shown)
    return node + (_bytes(7, domain.encode()) if domain else b"")


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(message):
        key, position = _read_number(message, position)
        field, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _read_number(message, position)
            yield field, value
            continue
        if wire == 2:  # noqa: PLR2004
            size, position = _read_number(message, position)
        else:
            size = {1: 8, 5: 4}[wire]
        if position + size > len(message):
            raise ValueError("The model's file ends too early.")
        yield field, message[position : position + size]
        position += size


def _read_number(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004
            return value, position
        shift += 7


def _read_node(message: memoryview) -> tuple[str, list[str]]:
    name, inputs = "", []
    for field, value in _fields(message):
        if field == 1:
            inputs.append(bytes(value).decode())
        elif field == 3:  # noqa: PLR2004
            name = bytes(value).decode()
    return name, inputs


def _read_tensor(message: memoryview) -> tuple[str, Any]:
    shape: list[int] = []
    kind, name, raw = 0, "", b""
    for field, value in _fields(message):
        if field == 1:
            shape.extend([value] if isinstance(value, int) else _packed(value))
        elif field == 2:  # noqa: PLR2004
            kind = value
        elif field == 8:  # noqa: PLR2004
            name = bytes(value).decode()
        elif field in (4, 9):  # floats lie packed as they would raw
            raw = value
        elif field == 5:  # noqa: PLR2004
            small = [value] if isinstance(value, int) else list(_packed(value))
            raw = np.array(small, dtype=_TYPES[kind]).tobytes()
    return name, np.frombuffer(raw, dtype=_TYPES[kind]).reshape(shape)


def _packed(message: memoryview) -> Iterator[int]:
    position = 0
    while position < len(message):
        value, position = _read_number(message, position)
        yield value


def _write_tensor(name: str, array: Any) -> bytes:
    shape = b"".join(_number(1, size) for size in array.shape)
    kind = _number(2, _TYPE_NUMBERS[array.dtype])
    return (
        shape + kind + _bytes(8, name.encode()) + _bytes(9, np.ascontiguousarray(array).tobytes())
    )


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(
        _bytes(1, _number(1, size) if isinstance(size, int) else _bytes(2, size.encode()))
        for size in shape
    )
    tensor = _number(1, _FLOAT) + _bytes(2, sizes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
