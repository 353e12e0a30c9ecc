"""Whether an ONNX graph needs bytes that are not in it, which no digest of the bundle covers.

ONNX is a protocol buffer (onnx.proto): fields with a number and a wire type. The walk below reads the few
that lead to tensors and operators, so that the edge can ask without the library `onnx`.
"""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL = 1  # TensorProto.DataLocation
# Message: fields that hold messages, by number.
_INNER = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_DEEPEST = 64  # graphs in graphs


def needs_outside_data(graph: bytes) -> str | None:
    """What the ONNX model in `graph` takes from outside of itself, in words; None where it is whole.

    Raises:
        ValueError: it is no ONNX model.
    """
    return next(_found(memoryview(graph), "model", 0), None)


def _found(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("it is nested deeper than any network")
    for number, value in _fields(message):
        inner = _INNER.get(kind, {}).get(number)
        if inner is not None and isinstance(value, memoryview):
            yield from _found(value, inner, depth + 1)
        elif kind == "tensor" and (number == 13 or (number == 14 and value == _EXTERNAL)):
            yield "weights in another file"
        elif (
            kind == "node" and number == 4 and isinstance(value, memoryview) and bytes(value) == b"EPContext"
        ):
            yield "an engine in another file"


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
        elif wire == _BYTES:
            length, at = _varint(message, at)
            if length > len(message) - at:
                raise ValueError("it is cut off")
            yield number, message[at : at + length]
            at += length
        else:
            raise ValueError("it is no protocol buffer")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("it is cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is no protocol buffer")
