from __future__ import annotations

import numpy as np
import pytest
import timm
import torch

from training.errors import ConfigurationError
from training.models import lite0_weights
from training.models.aggregation import FeatureAggregation
from training.models.backbone import BACKBONES, Backbone
from training.models.blocks import SqueezeExcitation
from training.models.distillation import MultiModalDistillation
from training.models.feature_propagation import FeaturePropagation
from training.models.mtinet import MTINet
from training.models.tasks import DenseTask, dense_tasks


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones_give_four_scales(name):
    backbone = Backbone(name).eval()
    with torch.no_grad():
        features = backbone(torch.rand(1, 3, 64, 96))
    assert [tuple(f.shape) for f in features] == [
        (1, c, 64 // s, 96 // s) for c, s in zip(backbone.channels, (4, 8, 16, 32), strict=True)
    ]


def test_hrnet_w18_has_the_widths_of_the_paper():
    assert Backbone("hrnet_w18_small_v2").channels == [18, 36, 72, 144]


def test_a_size_that_does_not_fit_is_named_with_one_that_does():
    with pytest.raises(ConfigurationError, match=r"50x64.*multiples of 32, e\.g\. 64x64"):
        Backbone("mobilenetv4_conv_small")(torch.rand(1, 3, 50, 64))


@pytest.mark.parametrize("wrong", ["resnet9000", "package", "/nowhere/weights.pth"])
def test_unknown_backbones_and_weights_are_named(wrong):
    name, pretrained = (wrong, "none") if wrong == "resnet9000" else ("hrnet_w18_small", wrong)
    with pytest.raises(ConfigurationError, match=wrong.split("/")[-1]):
        Backbone(name, pretrained)


@pytest.mark.parametrize("content", [b"", b"no weights", b"\x80\x05]q.", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_damaged_file_of_weights_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"{name} holds no weights, or is damaged: "):
        Backbone("hrnet_w18_small", str(tmp_path / name))


def test_weights_that_are_no_mapping_are_named(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(ConfigurationError, match=r"list\.pth holds no weights, or is damaged: "):
        Backbone("hrnet_w18_small", str(tmp_path / "list.pth"))


@pytest.mark.parametrize("tasks", [1, 2, 3])
@pytest.mark.parametrize("widths", [None, [8, 16, 16, 32]])
def test_mtinet_predicts_any_number_of_tasks_and_learns_with_every_weight(tasks, widths):
    torch.manual_seed(0)
    dense = [DenseTask("depth", 1), DenseTask("semantic", 5), DenseTask("normals", 3)][:tasks]
    network = MTINet(Backbone("mobilenetv4_conv_small"), dense, widths)
    output = network(torch.rand(2, 3, 64, 64))
    for task in dense:
        assert output["final"][task.name].shape == (2, task.channels, 16, 16)
        sizes = [p.shape[-1] for p in output["auxiliary"][task.name]]
        assert sizes == [16, 8, 4, 2]
    total = sum(p.sum() for p in output["final"].values())
    (total + sum(p.sum() for ps in output["auxiliary"].values() for p in ps)).backward()
    unused = [n for n, p in network.named_parameters() if p.grad is None]
    assert not unused


def test_a_task_adds_what_the_others_know_as_far_as_their_gates_are_open():
    """MTI-Net, section 3.3, written out; the tasks' own features pass as they are."""
    torch.manual_seed(0)
    distil = MultiModalDistillation(["depth", "semantic", "normals"], 4)
    features = {name: torch.randn(2, 4, 6, 5) for name in distil.names}
    distilled = distil(features)
    for target in distil.names:
        expected = features[target]
        for source in {*distil.names} - {target}:
            content, gate = distil.message[target][source].weight.split(4)
            message, opened = (torch.conv2d(features[source], w, padding=1) for w in (content, gate))
            expected = expected + message / (1 + torch.exp(-opened))
        torch.testing.assert_close(distilled[target], expected)


def test_what_a_task_predicts_is_of_the_other_tasks_features_too():
    torch.manual_seed(0)
    network = MTINet(Backbone("mobilenetv4_conv_small"), dense_tasks(["depth", "semantic"], 3), [8] * 4).eval()
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = network(picture)["final"]
        for distil in network.distil:
            distil.message["depth"]["semantic"].weight.zero_()
        after = network(picture)["final"]
    assert not torch.equal(after["depth"], before["depth"]) and torch.equal(after["semantic"], before["semantic"])


def test_channels_are_weighed_by_a_sigmoid_of_what_is_pooled():
    torch.manual_seed(0)
    attention, x = SqueezeExcitation(8), torch.randn(2, 8, 3, 5)
    pooled = x.flatten(2).mean(2)
    hidden = torch.relu(pooled @ attention.squeeze.weight.flatten(1).T + attention.squeeze.bias)
    weights = torch.sigmoid(hidden @ attention.excite.weight.flatten(1).T + attention.excite.bias)
    torch.testing.assert_close(attention(x), x * weights[..., None, None])


def test_predicted_depth_is_positive():
    torch.manual_seed(0)
    network = MTINet(Backbone("mobilenetv4_conv_small"), dense_tasks(["depth", "semantic"], 3), [8, 8, 8, 8])
    depth = network(torch.rand(2, 3, 64, 64) * 5 - 2)["final"]["depth"]
    assert (depth > 0).all()


def test_tasks_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="own name"):
        MTINet(Backbone("mobilenetv4_conv_small"), [DenseTask("depth", 1)] * 2)


def test_imagenet_weights_of_lite0_are_in_their_places():
    """With weights in the wrong layers, what batch norm expects has nothing to do with what comes in."""
    weights = lite0_weights.load_lite0_weights()
    network = timm.create_model(lite0_weights.TIMM_NAME)
    renamed = lite0_weights.rename_to_timm(weights, network.state_dict())
    assert {v.data_ptr() for v in renamed.values()} <= {v.data_ptr() for v in weights.values()}
    network.load_state_dict(renamed, strict=False)
    torch.manual_seed(0)
    coarse = torch.nn.functional.interpolate(torch.randn(8, 3, 14, 14), size=(112, 112), mode="bicubic")
    correlations = []

    def compare(norm, inputs, _):
        measured = inputs[0].mean((0, 2, 3))
        correlations.append(torch.corrcoef(torch.stack([measured, norm.running_mean]))[0, 1].item())

    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)][:12]
    for norm in norms:
        norm.register_forward_hook(compare)
    with torch.no_grad():
        network.eval()(coarse)
    assert np.median(correlations) > 0.7, correlations


@torch.no_grad()
def test_a_folded_norm_changes_no_prediction():
    torch.manual_seed(0)
    head = FeatureAggregation(DenseTask("semantic", 5), [4, 6, 8, 10]).eval()
    for values in (head.norm.weight, head.norm.bias, head.norm.running_mean):
        values.normal_()
    head.norm.running_var.uniform_(0.1, 4)
    features = [torch.randn(2, c, 16 // s, 24 // s) for c, s in zip([4, 6, 8, 10], [1, 2, 4, 8], strict=True)]
    before = head(features)
    head.fold_norm()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in head.modules())
    torch.testing.assert_close(head(features), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("names", [("depth", "semantic"), ("depth", "edges", "semantic")])
@torch.no_grad()
def test_tasks_share_each_channel_by_a_softmax(names):
    torch.manual_seed(0)
    module = FeaturePropagation(names, 6).eval()
    features = {name: torch.randn(2, 6, 8, 8) for name in names}
    joint = torch.cat([features[name] for name in names], 1)
    shares = module.mix(joint).view(2, len(names), 6, 8, 8).softmax(1)
    shared = module.share((joint.view(2, len(names), 6, 8, 8) * shares).flatten(1, 2))
    for name, found in module(features).items():
        torch.testing.assert_close(found, features[name] + module.select[name](shared))
