"""Depth as cameras send it becomes millimetres."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mtl_perception.depth_logger.depth_values import DepthError, decode_compressed_depth, millimetres_of_metres


def test_metres_become_millimetres_and_what_is_no_depth_unknown():
    metres = np.array([[0.0014, 0.0016, 1.2345, 65.535, 65.5356], [np.nan, np.inf, -np.inf, -1, 0]], np.float32)
    np.testing.assert_array_equal(millimetres_of_metres(metres), [[1, 2, 1234, 65535, 0], [0, 0, 0, 0, 0]])


@given(arrays.arrays(np.uint16, (4, 5)))
def test_millimetres_sent_as_metres_come_back_exactly(millimetres):
    np.testing.assert_array_equal(millimetres_of_metres(millimetres.astype(np.float32) / 1000), millimetres)


def test_all_unknown_is_no_error():
    for nothing in (np.nan, np.inf, 0.0, -1.0):
        assert not millimetres_of_metres(np.full((3, 4), nothing, np.float32)).any()


def test_millimetres_in_floats_are_noticed_and_far_walls_are_not():
    with pytest.raises(DepthError, match=r"half of these are beyond 1800 m: .*have it publish 16UC1"):
        millimetres_of_metres(np.full((3, 4), 1800.0, np.float32))
    far = np.full((3, 4), 90.0, np.float32)
    far[0, 0] = 12.0
    assert millimetres_of_metres(far)[0, 0] == 12000


def message(pixels: np.ndarray, a: float = 0.0, b: float = 0.0) -> bytes:
    return struct.pack("<iff", 1, a, b) + cv2.imencode(".png", pixels)[1].tobytes()


DEPTH = np.random.default_rng(0).integers(0, 9000, (24, 32), dtype=np.uint16)


@pytest.mark.parametrize("kind", ["16UC1; compressedDepth", "16UC1; compressedDepth png"])
def test_compressed_millimetres_come_back_and_their_png_as_it_is(kind):
    data = message(DEPTH)
    depth, png = decode_compressed_depth(kind, data)
    np.testing.assert_array_equal(depth, DEPTH)
    assert png == data[12:]


@given(st.floats(5, 40), st.integers(50, 150))
def test_compressed_metres_are_inverse_depth(far, quantisation):
    # As compressed_depth_image_transport does: value = A / depth + B, with A and B from its two parameters.
    a = quantisation * (quantisation + 1)
    b = 1 - a / far
    metres = np.linspace(0.5, far * 0.95, 24 * 32).reshape(24, 32).astype(np.float32)
    values = (a / metres + b).astype(np.uint16)
    values[0, :5] = 0
    depth, png = decode_compressed_depth("32FC1; compressedDepth png", message(values, a, b))
    assert png is None and not depth[0, :5].any()
    error = np.abs(depth / 1000 - metres)
    step = metres**2 / a + 0.001  # one step of the quantisation
    assert (error <= step * 1.2 + metres**3 / a**2)[values > 1].all()


@pytest.mark.parametrize(
    ("kind", "data", "complaint"),
    [
        ("rgb8; jpeg compressed bgr8", b"x" * 99, "is not compressedDepth"),
        ("16UC1; compressedDepth rvl", b"x" * 99, "set the driver's compressedDepth format to png"),
        ("mono16; compressedDepth png", b"x" * 99, "not 'mono16'"),
        ("16UC1; compressedDepth png", b"", "0 bytes has no picture"),
        ("16UC1; compressedDepth png", bytes(12), "12 bytes has no picture"),
        ("16UC1; compressedDepth png", message(DEPTH)[:200], "damaged"),
        ("16UC1; compressedDepth png", message(DEPTH.astype(np.uint8)), "holds uint8"),
        ("32FC1; compressedDepth png", message(np.zeros((4, 4, 3), np.uint16), 1, 1), "not one channel"),
    ],
)
def test_what_is_no_compressed_depth_is_named(kind, data, complaint):
    with pytest.raises(DepthError, match=complaint):
        decode_compressed_depth(kind, data)
