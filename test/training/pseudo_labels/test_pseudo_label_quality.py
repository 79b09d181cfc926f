"""The figures are those of other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torchmetrics.classification import (
    BinaryCalibrationError,
    MulticlassAccuracy,
    MulticlassJaccardIndex,
    MulticlassPrecision,
    MulticlassRecall,
)

from mtl_perception.metrics import DepthMetrics
from training.pseudo_labels.quality import DepthPseudoLabelQuality, PseudoLabelQuality

CLASSES = 5
SHAPE = (24, 32)
examples = settings(max_examples=25)
seeds = st.integers(0, 2**32 - 1)


def class_maps(seed: int, tau: float = 0.6) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Predictions that are right more often where confidence is high; class 4 is nowhere, 5 only predicted."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, SHAPE).astype(np.uint8)
    truth[rng.random(SHAPE) < 0.05] = 255
    confidence = rng.integers(0, 256, SHAPE).astype(np.uint8)
    other = rng.choice(np.array([1, 2, 3, 5], np.uint8), SHAPE)
    right = (rng.random(SHAPE) < confidence / 400) & (truth > 0) & (truth < 255)
    return np.where(right, truth, other), confidence, confidence > 255 * tau, truth


def depth_maps(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Predictions that err less where confidence is high; some have none, some truths are unknown."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.3, 12, SHAPE)
    confidence = rng.integers(150, 256, SHAPE).astype(np.uint8)
    predicted = truth * np.exp(rng.normal(0, 0.05, SHAPE) + rng.normal(0, 0.01, SHAPE) * (255 - confidence))
    predicted[rng.random(SHAPE) < 0.1] = 0
    unknown = rng.random(SHAPE) < 0.3
    truth[unknown] = rng.choice([0.0, -1.0, np.nan, np.inf], unknown.sum())
    return predicted.astype(np.float32), confidence, confidence > 220, truth.astype(np.float32)


def counted(*maps: np.ndarray, tau: float = 0.6, bins: int = 20) -> PseudoLabelQuality:
    quality = PseudoLabelQuality(CLASSES, tau, bins)
    quality.update(*maps)
    return quality


@pytest.mark.parametrize("only_kept", [True, False])
def test_classes_are_measured_as_torchmetrics_does(only_kept):
    predicted, confidence, kept, truth = class_maps(1)
    found = counted(predicted, confidence, kept, truth).compute()
    # Class 0 of torchmetrics: what does not count.
    ignored = (truth == 0) | (truth == 255) | (only_kept & ~kept)
    tensors = torch.from_numpy(predicted).long(), torch.from_numpy(np.where(ignored, 0, truth)).long()
    options = {"num_classes": CLASSES + 1, "ignore_index": 0}
    end = "" if only_kept else "_all"
    accuracy = MulticlassAccuracy(**options, average="micro")(*tensors)
    jaccard = MulticlassJaccardIndex(**options, average="macro")(*tensors)
    assert found["accuracy" + end] == pytest.approx(float(accuracy), rel=1e-6)
    assert found["miou" + end] == pytest.approx(float(jaccard), rel=1e-6)
    if only_kept:
        precision = MulticlassPrecision(**options, average=None)(*tensors)
        recall = MulticlassRecall(**options, average=None)(*tensors)
        assert list(found["per_class"]) == [1, 2, 3, 5]
        for i in (1, 2, 3):
            assert found["per_class"][i]["precision"] == pytest.approx(float(precision[i]), rel=1e-6)
            assert found["per_class"][i]["recall"] == pytest.approx(float(recall[i]), rel=1e-6)
        assert found["per_class"][5]["precision"] == 0 and math.isnan(found["per_class"][5]["recall"])


# With these numbers of bins no level of 8 bits lies on an edge, where rounding would decide.
@pytest.mark.parametrize("bins", [1, 7, 16, 19])
def test_calibration_is_that_of_torchmetrics(bins):
    predicted, confidence, kept, truth = class_maps(2)
    found = counted(predicted, confidence, kept, truth, bins=bins).compute()["calibration"]
    labelled = (truth > 0) & (truth < 255)
    sure = torch.from_numpy(confidence[labelled] / 255)
    right = torch.from_numpy((predicted == truth)[labelled]).long()
    assert found["error"] == pytest.approx(float(BinaryCalibrationError(n_bins=bins, norm="l1")(sure, right)), rel=1e-5)
    assert found["mean_confidence"] == pytest.approx(float(sure.mean()))
    assert sum(b["count"] for b in found["bins"]) == labelled.sum()
    assert (found["bins"][0]["low"], found["bins"][-1]["high"]) == (0, 1)
    for b in found["bins"]:
        inside = (sure >= b["low"]) & (sure < b["high"] + (b["high"] == 1))
        assert b["count"] == int(inside.sum())
        assert b["accuracy"] == pytest.approx(float(right[inside].double().mean()))
        assert b["confidence"] == pytest.approx(float(sure[inside].mean()))


def test_calibration_of_a_class_is_that_of_the_pixels_that_were_given_it():
    predicted, confidence, kept, truth = class_maps(2)
    found = counted(predicted, confidence, kept, truth, bins=16).compute()["per_class"]
    labelled = (truth > 0) & (truth < 255)
    for i, figures in found.items():
        given = labelled & (predicted == i)
        sure = torch.from_numpy(confidence[given] / 255)
        right = torch.from_numpy((truth == i)[given]).long()
        error = float(BinaryCalibrationError(n_bins=16, norm="l1")(sure, right))
        assert figures["calibration_error"] == pytest.approx(error, rel=1e-5)
        assert figures["mean_confidence"] == pytest.approx(float(sure.mean()))
        assert figures["accuracy"] == pytest.approx(float(right.double().mean()))


@pytest.mark.parametrize("tau", [0.0, 0.2, 0.6, 0.9, 0.99])
def test_the_curve_tells_what_another_threshold_would_keep(tau):
    predicted, confidence, _, truth = class_maps(3)
    found = counted(predicted, confidence, confidence > 255 * tau, truth, tau=tau).compute()
    (point,) = (p for p in found["curve"] if p["tau"] == tau)
    assert (point["coverage"], point["accuracy"]) == (found["coverage"], found["accuracy"])
    assert all(a["coverage"] >= b["coverage"] for a, b in zip(found["curve"], found["curve"][1:], strict=False))


def test_classes_by_hand():
    predicted = np.array([[1, 1, 2, 2, 1, 2]], np.uint8)
    truth = np.array([[1, 2, 2, 2, 0, 0]], np.uint8)
    kept = np.array([[True, True, True, False, True, False]])
    found = counted(predicted, np.full((1, 6), 255, np.uint8), kept, truth).compute()
    assert (found["pixels"], found["labelled_pixels"]) == (6, 4)
    assert (found["coverage"], found["coverage_all_pixels"]) == (3 / 4, 4 / 6)
    assert found["accuracy"] == pytest.approx(2 / 3) and found["accuracy_all"] == 3 / 4
    assert found["miou"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert found["miou_all"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found["per_class"] == {
        1: {
            **{"pixels": 1, "coverage": 1.0, "precision": 1 / 2, "recall": 1.0},
            **{"mean_confidence": 1.0, "accuracy": 1 / 2, "calibration_error": 1 / 2},
        },
        2: {
            **{"pixels": 3, "coverage": pytest.approx(2 / 3), "precision": 1.0, "recall": 1 / 2},
            **{"mean_confidence": 1.0, "accuracy": 1.0, "calibration_error": 0.0},
        },
    }
    assert found["calibration"]["error"] == pytest.approx(1 - 3 / 4)


def test_depth_is_measured_as_an_evaluation_would():
    predicted, confidence, kept, truth = depth_maps(4)
    quality = DepthPseudoLabelQuality()
    quality.update(predicted, confidence, kept, truth)
    found = quality.compute()
    labelled = kept & (predicted > 0)
    known = np.isfinite(truth) & (truth > 0)
    for end, counts in (("", labelled), ("_all", predicted > 0)):
        metrics = DepthMetrics()
        metrics.update(predicted, np.where(counts, truth, 0))
        expected = metrics.compute()
        for name in ("abs_rel", "rmse", "delta1"):
            assert found[name + end] == pytest.approx(expected[name], rel=1e-6)
    assert found["coverage"] == (labelled & known).sum() / known.sum()
    assert found["coverage_all_pixels"] == labelled.sum() / truth.size
    assert found["known_pixels"] == known.sum()


def test_the_surest_depth_comes_first():
    predicted, confidence, _, truth = depth_maps(5)
    quality = DepthPseudoLabelQuality()
    quality.update(predicted, confidence, confidence > 220, truth)
    found = quality.compute()
    curve, known = found["curve"], np.isfinite(truth) & (truth > 0)
    for point in (curve[0], curve[40], curve[-1]):
        surest = known & (predicted > 0) & (confidence >= 255 * point["confidence"] - 1e-9)
        error = predicted[surest].astype(float) - truth[surest]
        assert point["coverage"] == pytest.approx(surest.sum() / known.sum())
        assert point["rmse"] == pytest.approx(math.sqrt((error**2).mean()))
        assert point["abs_rel"] == pytest.approx((abs(error) / truth[surest]).mean())
    assert (curve[-1]["abs_rel"], curve[-1]["rmse"]) == (found["abs_rel_all"], found["rmse_all"])
    coverages = [p["coverage"] for p in curve]
    assert coverages == sorted(coverages)
    assert curve[0]["abs_rel"] < 0.5 * curve[-1]["abs_rel"]  # this confidence does rank well


def test_nothing_known_is_no_number():
    predicted, confidence, kept, truth = class_maps(6)
    for quality in (PseudoLabelQuality(CLASSES, 0.6), counted(predicted, confidence, kept, np.zeros_like(truth))):
        found = quality.compute()
        assert all(math.isnan(found[name]) for name in ("coverage", "accuracy", "accuracy_all", "miou", "miou_all"))
        assert math.isnan(found["calibration"]["error"]) and found["per_class"] == {}
    assert found["coverage_all_pixels"] == kept.mean()
    quality = DepthPseudoLabelQuality()
    quality.update(np.ones(SHAPE), confidence, kept, np.zeros(SHAPE))
    found = quality.compute()
    assert all(math.isnan(found[name]) for name in ("coverage", "abs_rel", "rmse_all", "delta1")) and not found["curve"]


def test_a_pixel_without_a_class_is_missed_and_not_given():
    predicted, confidence, kept, truth = class_maps(9)
    none = np.random.default_rng(9).random(SHAPE) < 0.3
    maps = np.where(none, 0, predicted), np.where(none, np.uint8(0), confidence), kept & ~none, truth
    found, labelled = counted(*maps).compute(), (truth > 0) & (truth < 255)
    assert found["labelled_pixels"] == labelled.sum()
    assert found["coverage"] == pytest.approx((kept & ~none)[labelled].mean())
    assert found["accuracy_all"] == pytest.approx(((predicted == truth) & ~none)[labelled].mean())
    of_it, given = labelled & (truth == 2), labelled & ~none & (predicted == 2)
    assert found["per_class"][2]["pixels"] == of_it.sum()
    assert found["per_class"][2]["coverage"] == pytest.approx((kept & ~none)[of_it].mean())
    assert found["per_class"][2]["accuracy"] == pytest.approx((truth == 2)[given].mean())
    assert found["curve"][0]["coverage"] == pytest.approx((~none & (confidence > 0))[labelled].mean())


def test_nothing_kept_has_no_accuracy():
    predicted, confidence, kept, truth = class_maps(7)
    found = counted(predicted, confidence, np.zeros_like(kept), truth).compute()
    assert found["coverage"] == 0 and math.isnan(found["accuracy"]) and found["accuracy_all"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predicted": np.zeros(SHAPE, np.uint8)}, "without a predicted class is kept, or has confidence"),
        ({"predicted": np.full(SHAPE, 6, np.uint8)}, "none of 0..5"),
        ({"truth": np.full(SHAPE, 6, np.uint8)}, "beyond the 5 classes"),
        ({"confidence": np.ones(SHAPE)}, "confidence is float64, not uint8"),
        ({"kept": np.ones(SHAPE, np.uint8)}, "kept is uint8, not bool"),
        ({"kept": np.ones((1, 32), bool)}, "shapes"),
    ],
)
def test_maps_that_make_no_sense_are_refused_and_leave_no_trace(change, message):
    maps = dict(zip(("predicted", "confidence", "kept", "truth"), class_maps(8), strict=True))
    quality = counted(*maps.values())
    before = quality.compute()
    with pytest.raises(ValueError, match=message):
        quality.update(**(maps | change))
    np.testing.assert_equal(quality.compute(), before)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_depth_that_is_none_is_refused(bad):
    quality = DepthPseudoLabelQuality()
    with pytest.raises(ValueError, match="negative or not finite"):
        quality.update(np.full(SHAPE, bad), np.ones(SHAPE, np.uint8), np.ones(SHAPE, bool), np.ones(SHAPE))
    assert quality.compute()["pixels"] == 0


@pytest.mark.parametrize("bins", [0, 257])
def test_numbers_of_bins_that_8_bits_cannot_fill_are_refused(bins):
    with pytest.raises(ValueError, match="1 to 256"):
        PseudoLabelQuality(CLASSES, 0.9, bins)
