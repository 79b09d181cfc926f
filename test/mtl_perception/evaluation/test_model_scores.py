"""A network's scores are those of the shared metrics; by distance, from frame to frame and between networks by hand."""

from __future__ import annotations

import numpy as np
import pytest
from network_file import card

from mtl_perception.evaluation.frames import Frame
from mtl_perception.evaluation.model_scores import ModelScores
from mtl_perception.metrics import DepthMetrics, SegmentationMetrics
from mtl_perception.model_card import SemanticClass
from mtl_perception.network import Prediction

SHAPE = (30, 40)
SECOND = 10**9


def frame(index: int, depth=None, classes=None, stamp: int | None = None) -> Frame:
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    return Frame(index, index * SECOND // 10 if stamp is None else stamp, rgb, 50.0, depth, classes)


def said(depth, classes=1) -> Prediction:
    maps = np.broadcast_to(np.asarray(depth, np.float32), SHAPE), np.broadcast_to(np.uint8(classes), SHAPE)
    return Prediction(*(np.array(m) for m in maps), np.full(SHAPE, 200, np.uint8), (0.5, 10.0))


def random_frames(count: int = 5):
    rng = np.random.default_rng(0)
    for i in range(count):
        true = rng.uniform(0.3, 70, SHAPE).astype(np.float32) * (rng.random(SHAPE) > 0.3)
        classes = rng.integers(0, 3, SHAPE).astype(np.uint8)
        guess = (true + 0.2) * rng.uniform(0.7, 1.5, SHAPE)
        yield frame(i, true, classes), said(guess, rng.integers(1, 3, SHAPE).astype(np.uint8))


def test_sums_over_frames_are_those_of_the_shared_metrics():
    scores, depth, segmentation = ModelScores(card()), DepthMetrics(), SegmentationMetrics(2)
    for one, prediction in random_frames():
        scores.add(one, prediction, 5.0)
        depth.update(prediction.depth, one.depth)
        segmentation.update(prediction.segmentation, one.classes)
    found = scores.metrics()
    assert {k: found["depth"][k] for k in depth.compute()} == pytest.approx(depth.compute(), rel=1e-12)
    assert found["depth"]["pixels"] == depth.pixels and found["depth"]["frames"] == 5
    assert found["segmentation"]["confusion"] == segmentation.confusion.tolist()
    assert {k: found["segmentation"][k] for k in segmentation.compute()} == segmentation.compute()
    ious = {c["name"]: c["iou"] for c in found["segmentation"]["classes"]}
    assert ious == pytest.approx(segmentation.per_class({1: "wall", 2: "floor"}))


def test_figures_of_a_frame_are_those_of_the_frame_alone():
    scores = ModelScores(card())
    for one, prediction in random_frames(2):
        scores.add(one, prediction, 5.0)
        depth, segmentation = DepthMetrics(), SegmentationMetrics(2)
        depth.update(prediction.depth, one.depth)
        segmentation.update(prediction.segmentation, one.classes)
        figures = scores.frames[-1]
        assert figures.depth_rmse == pytest.approx(depth.compute()["rmse"])
        assert figures.depth_delta1 == depth.compute()["delta1"] and figures.depth_pixels == depth.pixels
        assert (figures.pixel_accuracy, figures.miou) == tuple(
            segmentation.compute()[k] for k in ("pixel_accuracy", "miou")
        )
        assert figures.labelled_pixels == segmentation.confusion.sum()


def test_distances_share_the_pixels_out():
    scores = ModelScores(card())
    for one, prediction in random_frames():
        scores.add(one, prediction, 5.0)
    depth = scores.metrics()["depth"]
    rows = depth["by_distance"]
    assert sum(r["pixels"] for r in rows) == depth["pixels"]
    assert rows[-1]["to"] == 66 and rows[0]["from"] == 0  # 70 m counts there too
    for key, square in (("abs_rel", False), ("bias", False), ("delta1", False), ("rmse", True)):
        mean = sum(r["pixels"] * r[key] ** (2 if square else 1) for r in rows) / depth["pixels"]
        assert (mean**0.5 if square else mean) == pytest.approx(depth[key])


def test_distances_by_hand():
    scores = ModelScores(card())
    true = np.zeros(SHAPE, np.float32)
    true[0, :3] = (0.5, 1.0, 1.5)
    scores.add(frame(0, true), said(1.5), 5.0)
    assert scores.metrics()["depth"]["by_distance"] == [
        {"from": 0.0, "to": 1.0, "pixels": 1, "rmse": 1.0, "abs_rel": 2.0, "bias": 1.0, "delta1": 0.0},
        {
            "from": 1.0,
            "to": 2.0,
            "pixels": 2,
            "rmse": pytest.approx((0.25 / 2) ** 0.5),
            "abs_rel": 0.25,
            "bias": 0.25,
            "delta1": 0.5,
        },
    ]


def test_a_network_that_sees_all_half_again_as_far_says_so_in_its_scale():
    scores = ModelScores(card())
    for i in range(3):
        true = np.full(SHAPE, 2.0 + i, np.float32)
        scores.add(frame(i, true), said(1.5 * true), 5.0)
    depth = scores.metrics()["depth"]
    assert depth["median_ratio"] == pytest.approx(1.5) and depth["bias"] == pytest.approx(1.5)


def test_stability_by_hand():
    scores = ModelScores(card())
    for i, (depth, classes) in enumerate([(2.0, 1), (2.2, 1), (2.2, 2), (1.1, 2)]):
        scores.add(frame(i), said(depth, classes), 5.0)
    found = scores.metrics()
    assert set(found) == {"stability"}
    assert found["stability"] == {"pairs": 3, "depth_change": pytest.approx(0.1), "class_change": pytest.approx(1 / 3)}


@pytest.mark.parametrize("stamps", [(0, 2 * SECOND), (SECOND, 0), (5, 5)])
def test_frames_apart_in_time_are_no_pair(stamps):
    scores = ModelScores(card())
    for i, stamp in enumerate(stamps):
        scores.add(frame(i, stamp=stamp), said(2.0 + i), 5.0)
    assert scores.metrics() == {}


def test_a_change_of_size_is_no_pair():
    scores = ModelScores(card())
    scores.add(frame(0), said(2.0), 5.0)
    small = Prediction(*(np.ones((8, 8), t) for t in (np.float32, np.uint8, np.uint8)), (0.5, 10.0))
    scores.add(frame(1), small, 5.0)
    assert scores.metrics() == {}


def test_agreement_by_hand():
    scores = ModelScores(card(), card(name="other"))
    for i in range(2):
        scores.add(frame(i, stamp=i * 10 * SECOND), said(2.2, 1), 5.0, said(2.0, 1 + i))
    assert scores.metrics() == {"agreement": {"depth_abs_rel": pytest.approx(0.1), "class_share": 0.5}}


def test_networks_of_other_classes_are_not_compared_by_them():
    scores = ModelScores(card(), card(classes=(SemanticClass(1, "oven", (0, 0, 0)),)))
    scores.add(frame(0), said(2.2, 1), 5.0, said(2.0, 1))
    assert scores.metrics() == {"agreement": {"depth_abs_rel": pytest.approx(0.1)}}


def test_labels_the_network_has_no_class_for_are_told_and_not_counted():
    scores = ModelScores(card())
    classes = np.ones(SHAPE, np.uint8)
    classes[:3], classes[3:6], classes[6] = 77, 255, 0
    scores.add(frame(0, classes=classes), said(2.0, 1), 5.0)
    found = scores.metrics()["segmentation"]
    assert found["miou"] == 1.0 and sum(map(sum, found["confusion"])) == 23 * 40
    assert found["unknown_labels"] == {"ids": [77], "share": pytest.approx(3 / 26)}
    scores = ModelScores(card())
    scores.add(frame(0, classes=np.full(SHAPE, 77, np.uint8)), said(2.0, 1), 5.0)
    assert scores.metrics() == {} and scores.unknown_labels == {77: 1200}


def test_a_depth_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="not finite"):
        ModelScores(card()).add(frame(0, np.ones(SHAPE, np.float32)), said(np.nan), 5.0)


def test_precision_and_recall_by_hand():
    scores = ModelScores(card())
    true, guess = np.ones(SHAPE, np.uint8), np.ones(SHAPE, np.uint8)
    true[:10], guess[:5] = 2, 2  # 400 of floor, 200 of them found
    scores.add(frame(0, classes=true), said(2.0, guess), 5.0)
    wall, floor = scores.metrics()["segmentation"]["classes"]
    assert wall == {"id": 1, "name": "wall", "pixels": 800, "iou": 0.8, "precision": 0.8, "recall": 1.0}
    assert floor == {"id": 2, "name": "floor", "pixels": 400, "iou": 0.5, "precision": 1.0, "recall": 0.5}
