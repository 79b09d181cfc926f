"""How far two networks differ: figures that can be checked by hand, and limits that bite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.deployment.parity import TOLERANCES, Parity, Tolerance, compare

HEIGHT, WIDTH = 48, 64


class Painted:
    """A backend: depth is red, the class green and the confidence blue, after ``change`` of depth and class."""

    metadata, device = {}, "paint"

    def __init__(self, change=lambda depth, classes: None, shape=(HEIGHT, WIDTH)) -> None:
        self.input_shape, self._change = shape, change

    def run(self, image: np.ndarray):
        depth, classes = image[..., 0].astype(np.float32), image[..., 1].copy()
        self._change(depth, classes)
        return depth, classes, image[..., 2].copy()


def frames(count: int = 4, height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(1, 250, (count, height, width, 3), np.uint8))


def test_a_network_agrees_with_itself():
    parity = compare(Painted(), Painted(), frames())
    assert parity == Parity(4, 0.0, 0.0, 0.0, 1.0, 1.0)
    for tolerance in TOLERANCES.values():
        assert not parity.beyond(tolerance)


@settings(max_examples=25)
@given(scale=st.floats(1e-5, 3), seed=st.integers(0, 99))
def test_errors_are_those_numpy_finds(scale, seed):
    """Percentiles of a histogram, against those of all the errors: never below, and hardly above."""
    noise = np.random.default_rng(seed).normal(0, scale, (HEIGHT, WIDTH)).astype(np.float32)

    def change(depth, classes):
        depth *= 1 + noise

    images = frames(2)
    parity = compare(Painted(), Painted(change), images)
    true = np.concatenate([image[..., 0].astype(np.float32) for image in images])
    error = np.abs(true * (1 + np.tile(noise, (2, 1))) - true) / true
    for figure, share in ((parity.depth_median, 0.5), (parity.depth_p99, 0.99)):
        exact = float(np.quantile(error, share, method="inverted_cdf"))
        assert exact * (1 - 1e-4) <= figure <= exact * 1.0125


def test_classes_are_counted_over_all_frames_and_in_the_worst_one():
    calls = []

    def change(depth, classes):
        calls.append(1)
        if len(calls) == 2:
            classes[0, :12] += 1  # a quarter of the 48 rows

    parity = compare(Painted(), Painted(change), frames())
    assert parity.same_class == pytest.approx(1 - 1 / 16)
    assert parity.worst_same_class == pytest.approx(3 / 4)


def test_padding_does_not_count():
    """A wide frame fills a half of the input: what differs in the rest, nobody sees."""

    def change(depth, classes):
        depth[:, :12], depth[:, 36:] = np.nan, 1e9
        classes[:, :12] = 77

    assert not compare(Painted(), Painted(change), frames(2, 24, 64)).beyond(TOLERANCES["fp32"])
    assert compare(Painted(), Painted(change), frames(2)).beyond(TOLERANCES["fp32"])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_pixel_without_depth_is_refused(value):
    def change(depth, classes):
        depth[0, 20, 20] = value

    parity = compare(Painted(), Painted(change), frames())
    assert parity.beyond(TOLERANCES["int8"]) == ["depth is not finite in 0.03% of the pixels"]
    assert not compare(Painted(change), Painted(), frames()).depth_broken  # nothing to be moved from


def test_all_depth_lost_is_no_agreement():
    def change(depth, classes):
        depth[:] = np.nan

    parity = compare(Painted(), Painted(change), frames())
    assert len(parity.beyond(TOLERANCES["int8"])) == 3  # not finite, and no error that would be small enough


def test_depth_of_nothing_is_compared_in_millimetres():
    black = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)]

    def change(depth, classes):
        depth += 1e-4

    assert compare(Painted(), Painted(), black).depth_p99 == 0
    assert compare(Painted(), Painted(change), black).depth_p99 == pytest.approx(0.1, rel=0.02)


def test_each_limit_bites_alone_and_is_named():
    good = Parity(3, 0.01, 0.1, 0.0, 0.98, 0.9)
    assert good.beyond(Tolerance(0.01, 0.1, 0.98)) == []
    assert good.beyond(Tolerance(0.009, 0.1, 0.98)) == ["depth moved by 1.00% (median), more than 0.90%"]
    assert good.beyond(Tolerance(0.01, 0.09, 0.98)) == ["depth moved by 10.00% (99th percentile), more than 9.00%"]
    assert good.beyond(Tolerance(0.01, 0.1, 0.99)) == ["98.00% of the pixels kept their class, fewer than 99.00%"]


def test_the_table_has_every_figure_beside_its_limit():
    table = Parity(3, 0.01, 0.1, 0.0, 0.98, 0.9).table(Tolerance(0.02, 0.2, 0.97))
    for text in ("1.0000%   <= 2.00%", "10.0000%   <= 20.00%", "98.0000%   >= 97.00%", "90.0000%"):
        assert text in table


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="no frame"):
        compare(Painted(), Painted(), [])
    with pytest.raises(ValueError, match="inputs differ"):
        compare(Painted(), Painted(shape=(24, 64)), frames())
