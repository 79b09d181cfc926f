"""Finds the other files an ONNX file names as the place of its weights, without the onnx package."""

from __future__ import annotations

from collections.abc import Iterator

# The fields of onnx.proto on every way from the model to a tensor, by field number.
_FIELDS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
}
_VARINT, _64_BITS, _BYTES, _32_BITS = 0, 1, 2, 5


def external_files(model: bytes) -> list[str]:
    """Files in which ``model`` says that weights of its lie, sorted; none where it carries them all itself.

    Raises:
        ValueError: the bytes are no protocol buffer, as an ONNX file is.
    """
    found = set()
    pending = [("ModelProto", memoryview(model))]
    while pending:
        kind, data = pending.pop()
        if kind == "StringStringEntryProto":
            entry = {number: bytes(value) for number, value in _fields(data)}
            if entry.get(1) == b"location":
                found.add(entry.get(2, b"").decode(errors="replace"))
            continue
        known = _FIELDS[kind]
        pending += [(known[number], value) for number, value in _fields(data) if number in known]
    return sorted(found)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of the fields of a message that have a length: its texts, arrays and messages."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        wire = tag & 7
        if wire == _VARINT:
            _, position = _varint(data, position)
        elif wire in (_64_BITS, _32_BITS):
            position += 8 if wire == _64_BITS else 4
        elif wire == _BYTES:
            size, start = _varint(data, position)
            position = start + size
            if position <= len(data):
                yield tag >> 3, data[start:position]
        else:
            raise ValueError(f"wire type {wire}")
    if position > len(data):
        raise ValueError("it is cut off")


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """A number of 7 bits a byte, low ones first, and the position after it."""
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise ValueError("it is cut off, or a number is too long")
