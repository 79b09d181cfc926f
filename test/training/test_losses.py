from __future__ import annotations

import pytest
import torch

from training.losses.depth_l1 import depth_l1
from training.losses.multi_task import MultiTaskLoss
from training.losses.semantic_cross_entropy import semantic_cross_entropy


def test_depth_l1_counts_known_pixels_only():
    prediction = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    label = torch.tensor([[[2.0, 0.0], [0.0, 1.0]]])
    assert depth_l1(prediction, label).item() == pytest.approx((1 + 3) / 2)


def test_cross_entropy_takes_ids_from_one_and_ignores_255():
    scores = torch.zeros(1, 3, 1, 2)
    scores[0, 1, 0, 0] = 50.0
    assert semantic_cross_entropy(scores, torch.tensor([[[2, 255]]])).item() == pytest.approx(0, abs=1e-6)
    assert semantic_cross_entropy(scores, torch.tensor([[[1, 255]]])).item() == pytest.approx(50, rel=1e-3)


def output(requires_grad: bool = False):
    torch.manual_seed(0)
    maps = lambda c: torch.rand(2, c, 8, 8, requires_grad=requires_grad)  # noqa: E731
    scales = lambda c: [torch.rand(2, c, s, s, requires_grad=requires_grad) for s in (8, 4, 2, 1)]  # noqa: E731
    return {
        "final": {"depth": maps(1), "semantic": maps(3)},
        "auxiliary": {"depth": scales(1), "semantic": scales(3)},
    }


DEPTH = torch.full((2, 32, 32), 2.0)
SEMANTIC = torch.ones(2, 32, 32, dtype=torch.long)


def test_the_loss_is_the_sum_of_the_tasks_weighted_by_alpha():
    both = {"depth": DEPTH, "semantic": SEMANTIC}
    parts = MultiTaskLoss(alpha=3.0)(output(), both)
    assert parts["loss"].item() == pytest.approx((parts["loss_depth"] + 3 * parts["loss_semantic"]).item())


def test_the_initial_predictions_of_all_scales_are_supervised_each_at_its_own():
    """And the final one at the label's size (MTI-Net's deep supervision)."""
    torch.manual_seed(1)
    label, predicted = torch.rand(2, 32, 32) + 1, output()
    parts = MultiTaskLoss()(predicted, {"depth": label})
    final = torch.nn.functional.interpolate(predicted["final"]["depth"], (32, 32), mode="bilinear")
    expected = depth_l1(final, label)
    assert parts["final_depth"].item() == pytest.approx(expected.item())
    for scale in predicted["auxiliary"]["depth"]:
        step = 32 // scale.shape[-1]
        expected = expected + depth_l1(scale, label[:, step // 2 :: step, step // 2 :: step])
    assert parts["loss"].item() == parts["loss_depth"].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("labels", [{"depth": DEPTH}, {"depth": DEPTH, "semantic": torch.full_like(SEMANTIC, 255)}])
def test_a_missing_label_has_no_loss_and_no_gradient(labels):
    prediction = output(requires_grad=True)
    parts = MultiTaskLoss()(prediction, labels)
    assert parts["loss_semantic"].item() == 0
    parts["loss"].backward()
    assert prediction["final"]["semantic"].grad.abs().sum() == 0
    assert prediction["final"]["depth"].grad.abs().sum() > 0
