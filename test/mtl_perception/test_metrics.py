"""The figures are what other libraries and the formulas give, however the frames are dealt out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.metrics import DepthMetrics, SegmentationMetrics

CLASSES = 5
examples = settings(max_examples=25)
seeds = st.integers(0, 2**32 - 1)


def label_maps(seed: int, shape: tuple[int, ...] = (3, 12, 16)) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, half of them right, and targets, 0..5 both; class 4 is in neither, class 5 is only predicted."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 4, shape).astype(np.uint8)
    predicted = np.where(rng.random(shape) < 0.5, target, rng.choice(np.array([0, 1, 2, 3, 5], np.uint8), shape))
    return predicted, target


def depth_maps(seed: int, shape: tuple[int, ...] = (3, 12, 16)) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets, float32 metres; a third of the targets are unknown in one way or another."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.3, 12, shape)
    predicted = target * np.exp(rng.normal(0, 0.4, shape))
    unknown = rng.random(shape) < 1 / 3
    target[unknown] = rng.choice([0.0, -1.0, np.nan, np.inf, -np.inf], unknown.sum())
    predicted[unknown] = np.nan
    return predicted.astype(np.float32), target.astype(np.float32)


def segmentation(predicted, target, classes: int = CLASSES) -> SegmentationMetrics:
    metrics = SegmentationMetrics(classes)
    metrics.update(np.asarray(predicted), np.asarray(target))
    return metrics


def test_iou_is_that_of_torchmetrics():
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.classification")
    predicted, target = label_maps(1)
    jaccard = classification.MulticlassJaccardIndex(CLASSES + 1, average=None, ignore_index=0)
    accuracy = classification.MulticlassAccuracy(CLASSES + 1, average="micro", ignore_index=0)
    tensors = torch.from_numpy(predicted).long(), torch.from_numpy(target).long()
    metrics = segmentation(predicted, target)
    # Where a class is nowhere, torchmetrics says 0.
    np.testing.assert_allclose(np.nan_to_num(metrics.iou()), jaccard(*tensors).numpy()[1:], rtol=1e-6)
    assert metrics.compute()["pixel_accuracy"] == pytest.approx(float(accuracy(*tensors)), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_mean_iou_is_that_of_torchmetrics(seed):
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.classification")
    predicted, target = label_maps(seed)
    jaccard = classification.MulticlassJaccardIndex(CLASSES + 1, average="macro", ignore_index=0)
    expected = jaccard(torch.from_numpy(predicted).long(), torch.from_numpy(target).long())
    # It too leaves out classes that are neither in the targets nor in the predictions.
    assert segmentation(predicted, target).compute()["miou"] == pytest.approx(float(expected), rel=1e-6)


@examples
@given(seeds)
def test_iou_is_intersection_over_union_of_pixel_sets(seed):
    predicted, target = label_maps(seed)
    found = segmentation(predicted, target).iou()
    for i in range(1, CLASSES + 1):
        mine, theirs = (predicted == i) & (target != 0), target == i
        union = (mine | theirs).sum()
        assert found[i - 1] == pytest.approx((mine & theirs).sum() / union if union else math.nan, nan_ok=True)


def test_the_three_mean_ious_differ_by_the_classes_they_count():
    # Class 1: 2 of 3, class 2: 1 of 2, class 3: predicted only, class 4: nowhere.
    metrics = segmentation([1, 1, 3, 2, 0], [1, 1, 1, 2, 2], classes=4)
    np.testing.assert_allclose(metrics.iou(), [2 / 3, 1 / 2, 0, np.nan])
    assert metrics.compute() == pytest.approx(
        {
            "miou": (2 / 3 + 1 / 2 + 0) / 3,
            "miou_present": (2 / 3 + 1 / 2) / 2,
            "miou_all_classes": (2 / 3 + 1 / 2 + 0 + 0) / 4,
            "pixel_accuracy": 3 / 5,
            "classes_present": 2.0,
        }
    )
    names = {1: "wall", 2: "floor", 3: "door", 4: "sofa"}
    assert metrics.per_class(names) == pytest.approx({"wall": 2 / 3, "floor": 1 / 2, "door": 0.0})


def test_what_was_predicted_where_nothing_is_labelled_does_not_count():
    predicted, target = np.array([1, 2, 1, 7, 255], np.uint8), np.array([1, 2, 0, 0, 0], np.uint8)
    assert segmentation(predicted, target).compute()["miou"] == 1.0
    target[2:] = 255
    assert segmentation(predicted, target).compute()["miou"] == 1.0


@pytest.mark.parametrize("nothing", [0, 255])
@pytest.mark.parametrize("classes", [2, 254])
def test_no_prediction_is_a_miss_and_no_class_of_its_own(nothing, classes):
    metrics = segmentation(np.array([1, nothing, 2], np.uint8), np.array([1, 1, 2], np.uint8), classes)
    np.testing.assert_array_equal(metrics.iou()[:2], [0.5, 1.0])
    assert metrics.confusion[:, -1].sum() == 1 and metrics.confusion.sum() == 3
    assert metrics.compute()["miou"] == 0.75


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint16])
def test_any_integer_type_counts_the_same(dtype):
    predicted, target = label_maps(2)
    np.testing.assert_array_equal(
        segmentation(predicted.astype(dtype), target.astype(dtype)).confusion, segmentation(predicted, target).confusion
    )


@examples
@given(seeds, st.integers(1, 5))
def test_segmentation_in_parts_is_all_at_once(seed, parts):
    predicted, target = label_maps(seed)
    metrics = SegmentationMetrics(CLASSES)
    for piece in zip(np.array_split(predicted, parts, 1), np.array_split(target, parts, 1), strict=True):
        metrics.update(*piece)
    np.testing.assert_array_equal(metrics.confusion, segmentation(predicted, target).confusion)


def test_segmentation_without_labels_is_nan_also_after_a_reset():
    metrics = segmentation([1, 2], [0, 255])
    for _ in range(2):
        figures = metrics.compute()
        assert figures.pop("classes_present") == 0
        assert all(math.isnan(v) for v in figures.values())
        assert np.isnan(metrics.iou()).all() and metrics.per_class({}) == {}
        metrics.update(np.array([1]), np.array([1]))
        metrics.reset()


@pytest.mark.parametrize(
    ("predicted", "target"),
    [([6], [1]), ([1], [6]), ([254], [1]), ([1], [254]), ([-1], [1]), ([1], [-1]), ([256], [1])],
)
def test_ids_that_are_no_class_are_refused_and_leave_no_trace(predicted, target):
    metrics = SegmentationMetrics(CLASSES)
    with pytest.raises(ValueError, match="beyond the 5 classes"):
        metrics.update(np.array([1, *predicted]), np.array([1, *target]))
    assert metrics.confusion.sum() == 0


@pytest.mark.parametrize("classes", [0, -1, 255])
def test_class_counts_that_ids_cannot_hold_are_refused(classes):
    with pytest.raises(ValueError, match="1 to 254"):
        SegmentationMetrics(classes)


@pytest.mark.parametrize("metrics", [SegmentationMetrics(2), DepthMetrics()])
def test_shapes_that_would_broadcast_are_refused(metrics):
    with pytest.raises(ValueError, match=r"\(1, 4\).*\(3, 4\)"):
        metrics.update(np.ones((1, 4), np.uint8), np.ones((3, 4), np.uint8))


def formulas(predicted: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The definitions of Eigen et al. 2014, section 4.1, pixel by pixel."""
    pairs = [(float(p), float(t)) for p, t in zip(predicted.flat, target.flat, strict=True) if 0 < t < math.inf]
    ratios = [max(p / t, t / p) for p, t in pairs]
    n = len(pairs)
    return {
        "rmse": math.sqrt(math.fsum((p - t) ** 2 for p, t in pairs) / n),
        "log_rmse": math.sqrt(math.fsum((math.log(p) - math.log(t)) ** 2 for p, t in pairs) / n),
        "abs_rel": math.fsum(abs(p - t) / t for p, t in pairs) / n,
        "sq_rel": math.fsum((p - t) ** 2 / t for p, t in pairs) / n,
        **{f"delta{k}": sum(r < 1.25**k for r in ratios) / n for k in (1, 2, 3)},
    }


@examples
@given(seeds, st.integers(1, 5))
def test_depth_follows_the_formulas_all_at_once_and_in_parts(seed, parts):
    predicted, target = depth_maps(seed)
    metrics = DepthMetrics()
    for piece in zip(np.array_split(predicted, parts, 1), np.array_split(target, parts, 1), strict=True):
        metrics.update(*piece)
    assert metrics.compute() == pytest.approx(formulas(predicted, target), rel=1e-6)


@examples
@given(seeds)
def test_doubles_are_measured_as_such(seed):
    predicted, target = (m.astype(np.float64) for m in depth_maps(seed))
    metrics = DepthMetrics()
    metrics.update(predicted, target)
    assert metrics.compute() == pytest.approx(formulas(predicted, target), rel=1e-12)


def test_many_pixels_are_summed_as_exactly_as_few():
    """Seven million of one error: a plain sum of float32 would stop growing."""
    metrics = DepthMetrics()
    for _ in range(24):
        metrics.update(np.full((480, 640), 2.2, np.float32), np.full((480, 640), 2.0, np.float32))
    assert metrics.compute()["abs_rel"] == pytest.approx(0.1, rel=1e-6)
    assert metrics.compute()["rmse"] == pytest.approx(0.2, rel=1e-6)


@examples
@given(seeds)
def test_depth_of_parts_merged_is_all_at_once(seed):
    predicted, target = depth_maps(seed)
    whole, merged = DepthMetrics(), DepthMetrics()
    whole.update(predicted, target)
    for i in range(len(target)):
        part = DepthMetrics()
        part.update(predicted[i], target[i])
        merged.merge(part)
    assert merged.compute() == pytest.approx(whole.compute(), rel=1e-6) and merged.pixels == whole.pixels


@pytest.mark.parametrize("seed", range(3))
def test_depth_errors_are_those_of_torchmetrics(seed):
    torch = pytest.importorskip("torch")
    torchmetrics = pytest.importorskip("torchmetrics")
    predicted, target = depth_maps(seed)
    metrics = DepthMetrics()
    metrics.update(predicted, target)
    figures = metrics.compute()
    known = np.isfinite(target) & (target > 0)
    guess, true = (torch.from_numpy(m[known].astype(np.float64)) for m in (predicted, target))
    rmse = torchmetrics.MeanSquaredError(squared=False)
    found = {
        "rmse": rmse(guess, true),
        "log_rmse": rmse(guess.log(), true.log()),
        "abs_rel": torchmetrics.MeanAbsolutePercentageError()(guess, true),
        # The square over the truth is the square of both over its root.
        "sq_rel": torchmetrics.MeanSquaredError()(guess / true.sqrt(), true.sqrt()),
    }
    for k in (1, 2, 3):
        # Right is a ratio of the bound's logarithm at most, either way up: an accuracy over "near enough" and "not".
        near = ((guess.log() - true.log()).abs() / (k * math.log(1.25))).clamp(max=2) < 1
        found[f"delta{k}"] = torchmetrics.classification.BinaryAccuracy()(near.long(), torch.ones_like(near).long())
    assert figures == pytest.approx({name: float(value) for name, value in found.items()}, rel=1e-6)


def test_depth_by_hand():
    metrics = DepthMetrics()
    # Ratios 1, 1.2, 1.5, 2.5, one under- and one overestimated by the same factor count alike.
    metrics.update(np.array([1.0, 2.4, 2.0, 10.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    figures = metrics.compute()
    assert figures["rmse"] == pytest.approx(math.sqrt((0.16 + 1 + 36) / 4))
    assert figures["abs_rel"] == pytest.approx((0.2 + 1 / 3 + 1.5) / 4)
    assert figures["sq_rel"] == pytest.approx((0.08 + 1 / 3 + 9) / 4)
    assert [figures[f"delta{k}"] for k in (1, 2, 3)] == [0.5, 0.75, 0.75]


def test_a_ratio_of_exactly_the_bound_is_not_below_it():
    metrics = DepthMetrics()
    metrics.update(np.array([5.0]), np.array([4.0]))
    figures = metrics.compute()
    assert (figures["delta1"], figures["delta2"]) == (0.0, 1.0)


def test_what_is_not_in_front_of_the_camera_is_no_truth_and_as_a_guess_counts_as_next_to_it():
    some, plain = DepthMetrics(), DepthMetrics()
    some.update(np.array([-3.0, 2.0, 2.0, 2.0, 7.0]), np.array([1.0, -1.0, 0.0, 1e-4, 6.0]))
    plain.update(np.array([1e-3, 7.0]), np.array([1.0, 6.0]))
    assert some.compute() == pytest.approx(plain.compute())


def test_depth_of_nothing_known_is_nan_also_after_a_reset():
    metrics = DepthMetrics()
    metrics.update(np.full(3, np.nan), np.array([0.0, np.nan, np.inf]))
    assert all(math.isnan(v) for v in metrics.compute().values())
    metrics.update(np.ones(3), np.ones(3))
    assert metrics.compute()["rmse"] == 0
    metrics.reset()
    assert all(math.isnan(v) for v in metrics.compute().values())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_predictions_that_are_no_number_are_refused_and_leave_no_trace(bad):
    metrics = DepthMetrics()
    with pytest.raises(ValueError, match="not finite"):
        metrics.update(np.array([1.0, bad]), np.array([1.0, 1.0]))
    assert math.isnan(metrics.compute()["rmse"])
