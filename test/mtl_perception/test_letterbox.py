"""A frame of any size fits into a network of any size without being squashed, and comes back where it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mtl_perception.letterbox import Letterbox

side = st.integers(1, 4000)
small = st.integers(1, 160)
examples = settings(max_examples=150)


def ramps(height: int, width: int) -> np.ndarray:
    """A smooth picture, (H, W, 3) uint8: grows to the right, downwards, and towards the corner."""
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    planes = (np.tile(x, (height, 1)), np.tile(y[:, None], (1, width)), (x + y[:, None]) / 2)
    return np.rint(np.stack(planes, -1) * 200 + 20).astype(np.uint8)


@examples
@given(side, side, side, side)
@example(480, 640, 480, 640)
@example(1, 4000, 192, 256)
@example(4000, 1, 192, 256)
def test_the_frame_lies_centred_inside_and_keeps_its_aspect(height, width, network_height, network_width):
    box = Letterbox((height, width), (network_height, network_width))
    assert box.inner[0] <= network_height and box.inner[1] <= network_width
    assert box.inner[0] == network_height or box.inner[1] == network_width
    for inner, original in zip(box.inner, (height, width), strict=True):
        assert abs(inner - original * box.scale) <= 0.5 + 1e-6 or inner == 1
    index = np.broadcast_to(np.arange(network_width, dtype=np.int32), (1, network_height, network_width))
    left = box.crop(index)
    assert left.shape == box.inner
    assert 0 <= network_width - 1 - left[0, -1] - left[0, 0] <= 1


@examples
@given(small, small, small, small)
def test_a_smooth_picture_comes_back(height, width, network_height, network_width):
    box = Letterbox((height, width), (network_height, network_width))
    rgb = ramps(height, width)
    fed = box.to_network(rgb)
    assert fed.shape == (1, network_height, network_width, 3) and fed.dtype == np.uint8 and fed.flags.c_contiguous
    # Beyond the outermost pixel centres nothing is known: there a ramp of 200 stops half a pixel early.
    tolerance = 3 + 100 / box.inner[0] + 100 / box.inner[1]
    for channel in range(3):
        back = box.to_frame(fed[..., channel].astype(np.float32), cv2.INTER_LINEAR)
        assert back.shape == (height, width)
        assert np.abs(back - rgb[..., channel]).max() <= tolerance


@examples
@given(st.integers(8, 160), st.integers(8, 160), st.integers(8, 160), st.integers(8, 160), st.data())
def test_labels_come_back_within_a_pixel(height, width, network_height, network_width, data):
    box = Letterbox((height, width), (network_height, network_width))
    edge = data.draw(st.integers(0, width))
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, edge:] = 255
    labels = (box.to_network(rgb)[..., 0] > 127).astype(np.uint8)
    back = box.to_frame(labels, cv2.INTER_NEAREST_EXACT)
    assert back.shape == (height, width) and (np.diff(back.astype(int)) >= 0).all()
    coarsest = max(1, width / box.inner[1])
    assert np.abs((back == 0).sum(1) - edge).max() <= coarsest


def test_the_frame_is_surrounded_by_padding_and_nothing_else():
    fed = Letterbox((30, 40), (64, 64)).to_network(np.zeros((30, 40, 3), np.uint8))[0]
    inside = (fed == 0).all(-1)
    assert inside[8:56].all() and not inside[:8].any() and not inside[56:].any()
    assert len(np.unique(fed[~inside], axis=0)) == 1


def test_a_frame_of_the_networks_size_is_not_copied():
    rgb = np.zeros((48, 64, 3), np.uint8)
    box = Letterbox((48, 64), (48, 64))
    assert np.shares_memory(box.to_network(rgb), rgb)
    output = np.zeros((1, 48, 64), np.float32)
    assert np.shares_memory(box.to_frame(output, cv2.INTER_LINEAR), output)


def test_fine_texture_does_not_alias_when_the_frame_shrinks():
    stripes = np.zeros((300, 300, 3), np.uint8)
    stripes[:, ::2] = 200
    fed = Letterbox((300, 300), (70, 70)).to_network(stripes)
    assert np.abs(fed.astype(int) - 100).max() < 30


@pytest.mark.parametrize("rows", [slice(None, None, 2), slice(None, None, -1)])
def test_rows_need_not_be_packed(rows):
    rgb = ramps(96, 64)[rows]
    box = Letterbox(rgb.shape[:2], (48, 32))
    np.testing.assert_array_equal(box.to_network(rgb), box.to_network(rgb.copy()))
