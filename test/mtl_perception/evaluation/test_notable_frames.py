"""The frames worth looking at are the worst, median and best, not neighbours of one another, and of substance."""

from __future__ import annotations

import numpy as np
from network_file import card

from mtl_perception.evaluation.frames import Frame
from mtl_perception.evaluation.model_scores import FrameScores
from mtl_perception.evaluation.notable_frames import notable_frames, pictures_of
from mtl_perception.network import Network


def scored(values, pixels=1000) -> list[FrameScores]:
    return [
        FrameScores(i, i, 1.0, depth_abs_rel=v, depth_pixels=pixels if np.isscalar(pixels) else pixels[i])
        for i, v in enumerate(values)
    ]


def by_rank(frames) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in notable_frames(frames):
        found.setdefault(one.rank, []).append(one.index)
    return found


def test_worst_median_and_best_of_many():
    order = np.random.default_rng(0).permutation(19)
    found = notable_frames(scored(order / 100.0))
    assert [(n.rank, round(100 * n.score)) for n in found] == [
        *(("worst", s) for s in (18, 17, 16)),
        *(("median", s) for s in (10, 9, 8)),
        *(("best", s) for s in (2, 1, 0)),
    ]
    assert all(n.task == "depth" and n.score_name == "abs_rel" and order[n.index] / 100 == n.score for n in found)


def test_neighbours_of_a_bad_moment_are_passed_over():
    values = np.full(400, 0.1) + np.arange(400) * 1e-6
    values[100:110] = 0.9
    worst = by_rank(scored(values))["worst"]
    assert sum(90 <= i <= 120 for i in worst) == 1
    assert min(np.diff(sorted(worst))) >= 20


def test_frames_that_were_hardly_measured_are_none():
    pixels = [1000] * 9 + [5]
    assert 9 not in [n.index for n in notable_frames(scored([0.1] * 9 + [9.9], pixels))]


def test_segmentation_is_ranked_by_its_own_figure():
    frames = [FrameScores(i, i, 1.0, miou=i / 10, labelled_pixels=100) for i in range(10)]
    found = notable_frames(frames)
    assert (found[0].task, found[0].rank, found[0].index, found[0].score) == ("segmentation", "worst", 0, 0.0)
    assert found[-1].index == 9 and found[-1].score == 0.9 and found[-1].score_name == "miou"


def test_one_frame_is_the_worst_and_there_is_no_other():
    assert by_rank(scored([0.2])) == {"worst": [0]}
    assert notable_frames([]) == []


def test_without_truth_some_are_taken_evenly_spread():
    found = notable_frames([FrameScores(i, i, 1.0) for i in range(60)])
    assert [n.index for n in found] == [5, 15, 25, 35, 45, 55] and {n.rank for n in found} == {"sample"}
    assert len(notable_frames([FrameScores(i, i, 1.0) for i in range(2)])) == 2


def test_pictures_are_what_the_network_sees_of_the_frame(network):
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    true = np.ones((48, 64), np.float32)
    frames = [Frame(i, 100 + i, np.roll(rgb, i, 0), 50.0, true, None) for i in range(8)]
    notable = {"tiny": notable_frames(scored(np.arange(8.0)))}
    pictures = pictures_of(frames, {"tiny": Network(network)}, notable)
    assert [(p.index, p.rank) for p in pictures] == [(n.index, n.rank) for n in notable["tiny"]]
    first = pictures[0]
    assert (first.model, first.task, first.stamp, first.score, first.score_name) == (
        "tiny",
        "depth",
        107,
        7.0,
        "abs_rel",
    )
    np.testing.assert_array_equal(first.rgb, np.roll(rgb, 7, 0))
    np.testing.assert_allclose(first.depth, first.rgb[..., 0] / 20 * 50 / card().focal_length, rtol=1e-6)
    assert first.segmentation.shape == (48, 64) and first.true_depth is true and first.true_segmentation is None
    assert [p.index for p in pictures_of(frames[:1], {"tiny": Network(network)}, notable)] == [
        0
    ]  # of a part, what is there


def test_frames_of_a_large_camera_are_kept_no_larger_than_they_are_shown(network):
    true = np.zeros((960, 1280), np.float32)
    true[:, 640:] = 2
    frame = Frame(0, 100, np.full((960, 1280, 3), 80, np.uint8), 50.0, true, None)
    picture = pictures_of([frame], {"tiny": Network(network)}, {"tiny": notable_frames(scored([0.1]))})[0]
    assert picture.rgb.shape == (480, 640, 3) and picture.depth.shape == (480, 640)
    assert set(np.unique(picture.true_depth)) == {0, 2}  # picked: 1 m is nowhere
