"""What is measured of frames goes up and down with what it stands for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mtl_perception.depth_logger.measures import (
    clipped,
    disagreement,
    mean_confidence,
    sharpness,
    thumbnail,
    valid_depth,
    view_change,
)


@pytest.fixture
def room() -> np.ndarray:
    """A grey picture, larger than a view, with structure of all sizes."""
    rng = np.random.default_rng(0)
    layers = [cv2.resize(rng.uniform(40, 200, (n, n)).astype(np.float32), (800, 800)) for n in (4, 12, 40, 200, 800)]
    return np.clip(np.mean(layers, axis=0), 0, 255).astype(np.uint8)


def view(room: np.ndarray, x: int = 0) -> np.ndarray:
    return thumbnail(room[100:340, 100 + x : 420 + x])


def test_views_differ_the_more_the_farther_the_camera_turns(room):
    changes = [view_change(view(room), view(room, x)) for x in (0, 10, 40, 160)]
    assert changes[0] == 0 and changes == sorted(changes) and changes[-1] > 0.4
    assert view_change(view(room), 255 - view(room)) == 1


def test_light_and_noise_are_no_change_of_view(room):
    noise = np.random.default_rng(1).normal(0, 8, room.shape)
    assert view_change(view(room), view(np.clip(room + noise, 0, 255).astype(np.uint8))) < 0.02
    assert view_change(view(room), view((room * 0.8 + 20).astype(np.uint8))) < 0.05
    wall = np.full_like(room, 120)
    assert view_change(view(wall), view(np.clip(wall + noise, 0, 255).astype(np.uint8))) < 0.1
    assert view_change(view(wall), view(room)) > 0.5


def test_blur_and_only_blur_lowers_sharpness(room):
    values = [sharpness(cv2.blur(room, (n, 1))) for n in (1, 3, 7, 15)]
    assert values == sorted(values, reverse=True) and values[-1] < values[0] / 3
    assert sharpness(room) == pytest.approx(cv2.Laplacian(room, cv2.CV_64F).var())
    assert sharpness(np.full((10, 10), 7, np.uint8)) == 0


def test_shares():
    grey = np.array([[0, 5, 6, 249], [250, 255, 100, 100]], np.uint8)
    assert clipped(grey) == 0.5
    assert valid_depth(np.array([[0, 1], [2, 3]], np.uint16)) == 0.75
    assert mean_confidence(np.array([[0, 255]], np.uint8)) == 0.5


def test_disagreement_is_the_mean_relative_error_of_what_both_know():
    measured = np.full((48, 64), 2000, np.uint16)
    predicted = np.full((48, 64), 2.5, np.float32)
    assert disagreement(measured, predicted) == pytest.approx(0.25)
    assert disagreement(measured, predicted[::2, ::2]) == pytest.approx(0.25)  # at the network's own size
    measured[:, :32] = 0
    predicted[:24], predicted[24:36] = np.nan, np.inf
    assert disagreement(measured, predicted) == pytest.approx(0.25)
    assert disagreement(np.zeros_like(measured), predicted) is None
    assert disagreement(measured, np.full((48, 64), -np.inf, np.float32)) is None
