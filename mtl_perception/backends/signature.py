"""The inputs and outputs every network file has, whichever library opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mtl_perception.backends import NetworkError

INPUT = "image"
OUTPUTS = {"depth": "float32", "segmentation": "uint8", "confidence": "uint8"}
"""Name and numpy dtype of the outputs, in the order of ``Backend.run``."""


def check_signature(
    inputs: Mapping[str, tuple[str, Sequence[object]]], outputs: Mapping[str, tuple[str, Sequence[object]]]
) -> tuple[int, int]:
    """Height and width of a network file's input, pixels.

    Args:
        inputs, outputs: numpy's name of the dtype (the library's, where numpy has none) and shape, by name; a size
            that is not fixed is anything but an int.

    Raises:
        NetworkError: they are not those of a network file; one line.
    """
    if list(inputs) != [INPUT] or inputs[INPUT][0] != "uint8":
        found = ", ".join(f"{name} {kind}" for name, (kind, _) in inputs.items())
        raise NetworkError(f"its input should be {INPUT} uint8, it has {found}")
    shape = list(inputs[INPUT][1])
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or not all(isinstance(n, int) for n in shape):
        raise NetworkError(f"its input {INPUT} should be of fixed shape (1, H, W, 3), it is {shape}")
    height, width = int(str(shape[1])), int(str(shape[2]))
    for name, kind in OUTPUTS.items():
        found_kind, found_shape = outputs.get(name, ("nothing of that name", ()))
        if found_kind != kind or list(found_shape) != [1, height, width]:
            raise NetworkError(
                f"its output {name} should be {kind} of shape (1, {height}, {width}), "
                f"it has {found_kind} {list(found_shape) or ''}".rstrip()
            )
    return height, width
