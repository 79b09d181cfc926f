"""The teacher: several modalities, fused by addition, inputs with holes, and its probabilities as a label."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.datasets.augmentation import View
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.folder import FolderDataset
from training.datasets.sample import IGNORE
from training.errors import ConfigurationError
from training.losses.multi_task import MultiTaskLoss
from training.losses.semantic_cross_entropy import semantic_cross_entropy, soft_cross_entropy
from training.models.backbone import Backbone
from training.models.fusion import build_backbone
from training.models.inheritance import inherit
from training.models.modalities import encode, modalities
from training.models.mtinet import MTINet
from training.models.tasks import dense_tasks

BACKBONE = "mobilenetv4_conv_small"


def batch(**labels: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"image": torch.rand(2, 3, 64, 64), **labels}


def test_fusion_adds_the_features_of_the_modalities_at_every_scale():
    inputs = modalities(["rgb", "depth", "semantic"], 4)
    fused = build_backbone(BACKBONE, "none", inputs).eval()
    tensors = encode(batch(depth=torch.rand(2, 64, 64), semantic=torch.randint(1, 5, (2, 64, 64))), inputs)
    with torch.no_grad():
        apart = [fused.backbones[name](x) for name, x in tensors.items()]
        together = fused(tensors)
    assert len(together) == 4
    for scale, features in enumerate(together):
        torch.testing.assert_close(features, sum(f[scale] for f in apart))


def test_a_student_starts_as_its_teacher_is_where_the_other_backbones_say_nothing():
    tasks = dense_tasks(["depth", "semantic"], 4)
    teacher = MTINet(build_backbone(BACKBONE, "none", modalities(["rgb", "depth"], 4)), tasks, [8] * 4).eval()
    student = MTINet(build_backbone(BACKBONE, "none", modalities(["rgb"], 4)), tasks, [8] * 4).eval()
    inherit(student, teacher)
    image = torch.rand(1, 3, 64, 64)
    teacher.backbone.backbones["depth"].forward = lambda x: [torch.zeros(())] * 4
    with torch.no_grad():
        theirs, own = (
            network(x)["final"] for network, x in ((teacher, {"rgb": image, "depth": image}), (student, image))
        )
    assert all(torch.equal(theirs[name], own[name]) for name in theirs)


def test_a_next_rounds_teacher_takes_all_of_the_last_ones():
    tasks = dense_tasks(["depth", "semantic"], 4)
    last, new = (
        MTINet(build_backbone(BACKBONE, "none", modalities(["rgb", "depth"], 4)), tasks, [8] * 4) for _ in range(2)
    )
    inherit(new, last)
    assert all(torch.equal(value, last.state_dict()[name]) for name, value in new.state_dict().items())


def test_weights_of_another_network_are_not_inherited():
    tasks = dense_tasks(["depth", "semantic"], 4)
    student, other, fewer = (
        MTINet(build_backbone(BACKBONE, "none", modalities(["rgb"], 4)), t, [width] * 4)
        for t, width in ((tasks, 8), (tasks, 12), (tasks[:1], 8))
    )
    with pytest.raises(ConfigurationError, match=r"project\.0.* is \(8, .*, the teacher has \(12, "):
        inherit(student, other)
    with pytest.raises(ConfigurationError, match=r"semantic.* the teacher has none; give both the same backbone"):
        inherit(student, fewer)


def test_depth_is_zero_at_a_typical_depth_and_in_holes_and_holes_are_marked():
    depth = torch.tensor([2.5, 5.0, 0.0]).view(1, 1, 3)
    (modality,) = modalities(["depth"], 4)
    encoded = modality.encode({"image": torch.zeros(1, 3, 1, 3), "depth": depth})
    np.testing.assert_allclose(encoded[0, 0, 0], [0, np.log(2), 0], atol=1e-6)
    np.testing.assert_array_equal(encoded[0, 1, 0], [1, 1, 0])


def test_classes_are_one_channel_each_and_nothing_where_unlabelled():
    (modality,) = modalities(["semantic"], 3)
    ids = torch.tensor([[[1, 3, IGNORE]]])
    encoded = modality.encode({"image": torch.zeros(1, 3, 1, 3), "semantic": ids})
    assert encoded[0, :, 0].T.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("names", [["rgb", "depth"], ["rgb", "semantic"], ["rgbd"]])
def test_a_batch_without_the_label_is_one_of_holes(names):
    inputs = modalities(names, 4)
    holes = batch(depth=torch.zeros(2, 64, 64), semantic=torch.full((2, 64, 64), IGNORE))
    torch.testing.assert_close(encode(batch(), inputs), encode(holes, inputs))


@pytest.mark.parametrize("names", [["rgb"], ["rgbd"], ["rgb", "depth"], ["depth"], ["rgb", "depth", "semantic"]])
def test_a_network_of_any_inputs_learns_with_every_weight(names):
    inputs = modalities(names, 4)
    network = MTINet(build_backbone(BACKBONE, "none", inputs), dense_tasks(["semantic"], 4), [8, 8, 8, 8])
    labels = {"depth": torch.rand(2, 64, 64) + 1, "semantic": torch.randint(1, 5, (2, 64, 64))}
    output = network(encode(batch(**labels), inputs))
    MultiTaskLoss()(output, labels)["loss"].backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_pretrained_weights_are_spread_over_the_channels_of_another_modality():
    rgb = Backbone("efficientnet_lite0", "package").network.state_dict()
    depth = Backbone("efficientnet_lite0", "package", inputs=2, colours=0).network.state_dict()
    assert depth["conv_stem.weight"].shape[1] == 2
    others = [key for key in rgb if key != "conv_stem.weight"]
    assert all(torch.equal(rgb[key], depth[key]) for key in others)


@pytest.mark.parametrize("names", [[], ["lidar"], ["rgb", "rgb"]])
def test_unknown_inputs_are_named(names):
    with pytest.raises(ConfigurationError, match="rgb, depth, semantic, rgbd"):
        modalities(names, 4)


def test_certain_probabilities_are_a_hard_label():
    torch.manual_seed(0)
    scores, ids = torch.randn(2, 3, 4, 4), torch.randint(1, 4, (2, 4, 4))
    certain = torch.nn.functional.one_hot(ids - 1, 3).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(soft_cross_entropy(scores, certain), semantic_cross_entropy(scores, ids))
    assert soft_cross_entropy(scores, torch.zeros_like(certain)).item() == 0


def test_soft_and_hard_labels_weigh_by_their_pixels():
    """One frame with classes, one with the same as probabilities: together what two frames with classes are."""
    torch.manual_seed(0)
    scores = torch.randn(2, 3, 8, 8, requires_grad=True)
    output = {"final": {"semantic": scores}, "auxiliary": {"semantic": [scores]}}
    ids = torch.randint(1, 4, (2, 8, 8))
    soft = torch.nn.functional.one_hot(ids - 1, 3).permute(0, 3, 1, 2).float()
    soft[0] = 0
    mixed = torch.where(torch.tensor([True, False])[:, None, None], ids, IGNORE)
    both = MultiTaskLoss()(output, {"semantic": mixed, "soft_semantic": soft})["loss"]
    torch.testing.assert_close(both, MultiTaskLoss()(output, {"semantic": ids})["loss"])


@settings(max_examples=30)
@given(left=st.integers(0, 24), top=st.integers(0, 18), width=st.integers(20, 40), mirrored=st.booleans())
def test_a_view_of_probabilities_shows_the_same_place_as_the_picture(folder_of_balls, left, top, width, mirrored):
    """A map whose values are the coordinates says where a view looks."""
    dataset = folder_of_balls
    rows, columns = np.mgrid[0:12, 0:16]
    soft = np.stack([(columns + 0.5) * 4, (rows + 0.5) * 4], -1).astype(np.float16)
    height = width * 3 // 4
    view = View(left, top, width, height, mirrored)
    seen = dataset._soft_view(soft, view, dataset.camera.place(height, width), (48, 64))
    # A view lies in the middle of the picture; beside it the teacher says nothing.
    per_pixel = height / 32
    x = left + width / 2 + ((np.arange(16) + 0.5) * 4 - 32) * per_pixel
    y = top + (np.arange(8) + 0.5) * height / 8
    within = (x > left + 2 * per_pixel) & (x < left + width - 2 * per_pixel)
    known_x, known_y = within & (x > 2) & (x < 62), (y > 2) & (y < 46)
    got = seen.numpy()[:, :, ::-1] if mirrored else seen.numpy()
    # The picture's middle is a whole pixel's.
    np.testing.assert_allclose(got[0][:, known_x], np.tile(x[known_x], (8, 1)), atol=0.6)
    np.testing.assert_allclose(got[1][known_y][:, within], np.tile(y[known_y, None], (1, within.sum())), atol=0.05)
    outside = (x < left - 2 * per_pixel) | (x > left + width + 2 * per_pixel)
    assert outside.any() and (got[:, :, outside] == 0).all()


@pytest.fixture(scope="module")
def folder_of_balls(folder):
    return FolderDataset(folder, folder.names(), CanonicalCamera(32, 64, 50.0), augment=False)
