"""Metrics of normals, edges and offsets, and the losses that go with them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation
from torchmetrics.functional.classification import binary_average_precision

from training.datasets.derived.edges import EDGE, NO_EDGE, UNKNOWN_EDGE
from training.losses.edge_cross_entropy import edge_cross_entropy
from training.losses.multi_task import MultiTaskLoss, shrunk
from training.losses.normals_cosine import normals_cosine
from training.losses.offset_l1 import offset_l1
from training.metrics.by_task import TaskMetrics
from training.metrics.edges import EdgeMetrics
from training.metrics.figures import MAIN_FIGURES
from training.metrics.normals import NormalMetrics, angles
from training.metrics.offsets import OffsetMetrics


@given(angle=st.floats(0, 179.9), seed=st.integers(0, 99))
def test_the_angle_is_that_of_the_rotation_between_two(angle, seed):
    rng = np.random.default_rng(seed)
    normal, other = np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    turned = Rotation.from_rotvec(np.radians(angle) * np.cross(normal, other)).apply(normal)
    assert angles(turned[None], normal[None])[0] == pytest.approx(angle, abs=1e-6)


def test_normals_are_counted_where_they_are_known():
    metrics = NormalMetrics()
    target = np.array([[0, 0, -1.0], [0, 0, -1], [0, 0, 0], [0, 0, -1]])
    turned = [[0, math.sin(math.radians(a)), -math.cos(math.radians(a))] for a in (10, 20, 90, 60)]
    metrics.update(np.array(turned), target)
    found = metrics.compute()
    assert found["normals_mean"] == pytest.approx(30)
    assert [found[f"normals_within_{k}"] for k in (11, 22, 30)] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert math.isnan(NormalMetrics().compute()["normals_mean"])


@settings(max_examples=20)
@given(seed=st.integers(0, 999), unknown=st.floats(0, 0.5))
def test_average_precision_is_torchmetrics(seed, unknown):
    rng = np.random.default_rng(seed)
    target = rng.choice([NO_EDGE, EDGE, UNKNOWN_EDGE], (30, 40), p=[0.8 * (1 - unknown), 0.2 * (1 - unknown), unknown])
    level = np.clip(rng.normal(90, 40, target.shape) + 60 * (target == EDGE), 0, 255).round()
    metrics = EdgeMetrics()
    metrics.update(level / 255, target.astype(np.uint8))
    known = target != UNKNOWN_EDGE
    expected = binary_average_precision(torch.tensor(level[known] / 255), torch.tensor(target[known] == EDGE).long())
    assert metrics.compute()["edge_ap"] == pytest.approx(expected.item(), abs=1e-5)


def test_the_f_score_is_that_of_distances_at_the_best_threshold():
    """Against distances by scipy, every threshold tried in turn; 240x320 allows 3 pixels."""
    rng = np.random.default_rng(0)
    target = np.zeros((240, 320), np.uint8)
    target[100:102], target[:, 60:62] = EDGE, EDGE
    level = (255 * rng.random(target.shape) ** 8).round()
    level[103:104, 20:], level[:, 66:67] = 200, 180
    metrics = EdgeMetrics()
    metrics.update(level / 255, target)
    to_edge, best = distance_transform_edt(target == NO_EDGE), 0.0
    for threshold in np.unique(level):
        predicted = level >= threshold
        precision = (to_edge[predicted] <= 3).mean()
        recall = (distance_transform_edt(~predicted)[target == EDGE] <= 3).mean()
        best = max(best, 2 * precision * recall / max(precision + recall, 1e-12))
    assert metrics.compute()["edge_f"] == pytest.approx(best, abs=0.01)


def test_edges_found_within_the_tolerance_are_right_and_beyond_are_not():
    target = np.zeros((240, 320), np.uint8)
    target[100] = EDGE
    for shift, score in ((3, 1.0), (4, 0.0)):
        guess = np.roll(target, shift, 0).astype(float)
        metrics = EdgeMetrics()
        metrics.update(guess, target)
        found = metrics.compute()
        # With every pixel an edge some are right at any shift.
        assert found["edge_f"] == pytest.approx(max(score, 2 * (7 / 240) / (7 / 240 + 1)))
    assert math.isnan(EdgeMetrics().compute()["edge_f"])


def test_an_edge_is_right_beside_a_true_one_that_is_not_counted():
    target = np.zeros((240, 320), np.uint8)
    target[100] = EDGE
    guess = np.roll(target, 2, 0).astype(float)
    counted = np.ones(target.shape, bool)
    counted[100, :160] = False
    metrics = EdgeMetrics()
    metrics.update(guess, target, counted)
    assert metrics.compute()["edge_f"] == pytest.approx(1)


def test_offsets_end_so_far_away_where_there_is_an_object():
    metrics = OffsetMetrics()
    metrics.update(np.array([[3.0, 4], [1, 0], [9, 9]]), np.array([[0, 0], [0, 0], [np.nan, np.nan]]))
    assert metrics.compute() == {"offset_error": pytest.approx(3.0)}


def test_a_tasks_figures_are_told_where_it_was_measured():
    metrics = TaskMetrics([*MAIN_FIGURES], 3)
    metrics.update("offsets", np.zeros((2, 2, 2)), np.ones((2, 2, 2)))
    assert set(metrics.compute()) == {"offset_error"}
    metrics.update("semantic", np.ones((2, 2), np.uint8), np.ones((2, 2), np.uint8))
    metrics.update("depth", np.ones((2, 2)), np.ones((2, 2)))
    metrics.update("normals", np.ones((2, 2, 3)), np.ones((2, 2, 3)))
    metrics.update("edges", np.ones((4, 4)), np.eye(4, dtype=np.uint8))
    assert {figure.name for figure in MAIN_FIGURES.values()} <= set(metrics.compute())
    metrics.reset()
    assert not metrics.compute()


def test_losses_count_known_pixels_only():
    normals = torch.tensor([[0.0, 0, -1], [0, 0, 0]]).T.reshape(1, 3, 1, 2)
    sideways = torch.tensor([[2.0, 0, 0], [2, 0, 0]]).T.reshape(1, 3, 1, 2)
    assert normals_cosine(sideways, normals).item() == pytest.approx(1)
    logits = torch.tensor([0.0, 50.0, 7.0]).view(1, 1, 1, 3)
    edges = torch.tensor([1.0, 1.0, -1.0]).view(1, 1, 3)
    assert edge_cross_entropy(logits, edges).item() == pytest.approx(math.log(2) / 2)
    offsets = torch.tensor([[1.0, -1.0], [math.nan, math.nan]]).T.reshape(1, 2, 1, 2)
    assert offset_l1(torch.zeros(1, 2, 1, 2), offsets).item() == pytest.approx(2)


def test_a_coarse_cell_that_an_edge_runs_through_holds_an_edge():
    edges = torch.zeros(1, 8, 8)
    edges[0, :, 5] = 1
    assert shrunk("edges", edges, (2, 2))[0].tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("name", "channels", "nothing"),
    [("normals", 3, torch.zeros(2, 3, 32, 32)), ("edges", 1, -torch.ones(2, 32, 32)), ("offsets", 2, torch.nan)],
)
def test_a_label_that_is_unknown_everywhere_has_no_loss_and_no_gradient(name, channels, nothing):
    torch.manual_seed(0)
    scales = [torch.randn(2, channels, s, s, requires_grad=True) for s in (8, 8, 4, 2, 1)]
    label = nothing if isinstance(nothing, torch.Tensor) else torch.full((2, 2, 32, 32), nothing)
    parts = MultiTaskLoss()({"final": {name: scales[0]}, "auxiliary": {name: scales[1:]}}, {name: label})
    assert parts["loss"].item() == 0
    parts["loss"].backward()
    assert all(scale.grad.abs().sum() == 0 for scale in scales)
