"""Five tasks with uneven labels in one network: budget, teacher, pseudo-labels, student, figures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from complete_folder import CLASSES, write_complete_folder

from training import fit
from training.__main__ import main
from training.checkpoint import TrainedNetwork, load_checkpoint
from training.datasets.frames import read_frame
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.label_drawing import draw
from training.datasets.placement import place
from training.datasets.pseudo_folder import PseudoFolder
from training.datasets.sample import UNKNOWN_EDGE_PROBABILITY
from training.datasets.source import Source
from training.deployed.deployed_network import DeployedNetwork
from training.deployed.evaluation import evaluate_file
from training.errors import ConfigurationError
from training.frame_prediction import maps_of, mirrored_map
from training.losses.multi_task import MultiTaskLoss
from training.models.fusion import build_backbone
from training.models.modalities import encode, modalities
from training.models.mtinet import MTINet
from training.models.tasks import dense_tasks
from training.module import PerceptionModule
from training.pseudo_labels.writer import REGRESSIONS

TASKS = ["depth", "semantic", "normals", "edges", "offsets"]
VALIDATE = ["--trainer.val_check_interval", "1"]
COUNTS = {"depth": 6, "semantic": 3, "normals": 8, "edges": 10, "offsets": 4}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_complete_folder(tmp_path_factory.mktemp("data") / "complete")


@pytest.fixture(scope="module")
def home(tmp_path_factory, data):
    """A teacher that looks at edges, its labels for the other four, and a student of these."""
    home = tmp_path_factory.mktemp("many")
    draw(data, "train", COUNTS).write(home / "budget.json")
    common = [
        *("--data.train", f"[{data.root}:train]", "--data.height", "64", "--data.width", "64", "--data.workers", "0"),
        *("--data.focal_length", "60", "--data.batch_size", "2", "--data.budget", "budget.json"),
        *("--model.backbone", "mobilenetv4_conv_small", "--model.head_widths", "[8, 8, 8, 8]"),
        *("--trainer.accelerator", "cpu", "--trainer.max_steps", "2", "--trainer.max_epochs", "-1"),
    ]
    others = [task for task in TASKS if task != "edges"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        teacher = ["--model.inputs", "[rgb, edges]", "--model.tasks", json.dumps(others)]
        fit.main([*common, *teacher, "--data.require", json.dumps(TASKS), "--name", "teacher"])
        out = ["--out", "labels", "--tasks", *others, "--soft", "--agreement", "1", "--budget", "budget.json"]
        assert main(["pseudo-label", "runs/teacher/last.ckpt", f"{data.root}:train", *out]) == 0
        student = ["--model.tasks", json.dumps(TASKS), "--data.pseudo_labels", "labels", "--data.soft", "true"]
        fit.main([*common, *student, "--data.hold_out", "2", "--name", "student", *VALIDATE])
    return home


def test_one_network_learns_five_tasks_from_uneven_labels(home, data):
    budget = LabelBudget.read(home / "budget.json", data)
    assert {task: len(names) for task, names in budget.labels.items()} == COUNTS
    student = load_checkpoint(home / "runs/student/last.ckpt")
    assert student.tasks == tuple(TASKS)
    _, evaluation, iou = evaluate_file(home / "runs/student/last.ckpt", Source(data, data.names("val"), "val"))
    values = evaluation.values
    assert iou
    for figure in ("rmse", "miou_present", "normals_mean", "edge_f", "edge_ap", "offset_error"):
        assert math.isfinite(values[figure]), figure
    logged = (home / "runs/student/metrics.csv").read_text().splitlines()[0].split(",")
    for figure in ("val/normals_mean", "val/edge_f", "val/offset_error", "val/miou", "val/rmse", "val/score"):
        assert figure in logged


def test_pseudo_labels_of_every_task_go_where_the_true_ones_are_hidden(home, data):
    budget, pseudo = LabelBudget.read(home / "budget.json"), PseudoFolder(home / "labels")
    choice = LabelChoice(budget, pseudo, True, derived=("normals", "edges", "offsets"))
    hidden = next(n for n in data.names("train") if not any(budget.keeps(t, n) for t in TASKS if t != "edges"))
    frame = read_frame(data, hidden, choice)
    assert all(label is not None for label in (frame.depth, frame.soft_semantic, frame.normals, frame.offsets))
    np.testing.assert_allclose(np.linalg.norm(frame.normals.astype(float), axis=-1), 1, atol=5e-3)
    assert np.isfinite(frame.offsets).all()
    truth = read_frame(data, hidden, LabelChoice(derived=("edges",))).edges
    np.testing.assert_array_equal(frame.edges, truth)
    report = json.loads((home / "labels/report/report.json").read_text())
    assert set(report) == {"depth", "semantic", "normals", "offsets"}
    assert report["normals"]["coverage"] == 1 and report["offsets"]["known_pixels"] > 0


def test_edges_and_thresholds_are_read_by_the_stated_rule(home, tmp_path, data):
    info = PseudoFolder(home / "labels").info
    strict = PseudoFolder.create(tmp_path / "p", type(info)(**{**vars(info), "tau": 0.9, "agreement": 0.05}))
    level = np.zeros((64, 64), np.uint8)
    level[0, :4] = [254, 240, 127, 10]
    strict.write("edges", "f", level)
    assert strict.read_edges("f", soft=False)[0, :4].tolist() == [254, 254, 255, 0]
    assert strict.read_edges("f", soft=True)[0, :4].tolist() == [254, 240, 127, 10]
    normals = np.zeros((64, 64, 3), np.float32)
    normals[..., 2] = -1
    normals[0, 0] = [0.6, 0, -0.8]
    confidence = np.full((64, 64), 255, np.uint8)
    confidence[1, 1] = int(255 * math.cos(math.radians(19)))
    for kind, array in (("normals_confidence", confidence), ("normals", normals)):
        strict.write(kind, "f", array)
    read = strict.read_normals("f")
    np.testing.assert_allclose(read[0, 0], [0.6, 0, -0.8], atol=0.01)
    assert not read[1, 1].any() and read[2, 2, 2] == pytest.approx(-1, abs=0.01)


def test_a_budget_that_hides_classes_hides_what_is_made_of_them(data):
    budget = LabelBudget("complete", "train", 0, "by hand", {"semantic": ("f00",), "normals": ("f01",)})
    assert budget.keeps("edges", "f00") and not budget.keeps("edges", "f01")
    assert budget.keeps("depth", "f05") and not budget.keeps("normals", "f05")
    listed = LabelBudget("complete", "train", 0, "by hand", {"semantic": ("f00",), "edges": ("f01",)})
    assert listed.keeps("edges", "f01") and not listed.keeps("edges", "f00")


@pytest.mark.parametrize("name", ["normals", "edges", "offsets"])
def test_a_batch_without_a_label_to_look_at_is_one_of_holes(name):
    (modality,) = modalities([name], 3)
    image = torch.zeros(1, 3, 8, 8)
    holes = {
        "normals": torch.zeros(1, 3, 8, 8),
        "edges": torch.full((1, 8, 8), UNKNOWN_EDGE_PROBABILITY),
        "offsets": torch.full((1, 2, 8, 8), torch.nan),
    }[name]
    without = modality.encode({"image": image})
    assert without.shape == (1, modality.channels, 8, 8) and not without.any()
    assert torch.equal(modality.encode({"image": image, name: holes}), without)


def test_a_network_of_five_tasks_that_looks_at_three_labels_learns_with_every_weight():
    torch.manual_seed(0)
    looks, heads = ["rgb", "normals", "edges", "offsets"], dense_tasks(TASKS, 3)
    seen = modalities(looks, 3)
    net = MTINet(build_backbone("mobilenetv4_conv_small", "none", seen), heads, [8, 8, 8, 8])
    batch = {
        "image": torch.rand(2, 3, 64, 64),
        "depth": torch.rand(2, 64, 64) + 1,
        "semantic": torch.randint(1, 4, (2, 64, 64)),
        "normals": torch.nn.functional.normalize(torch.randn(2, 3, 64, 64), dim=1),
        "edges": (torch.rand(2, 64, 64) > 0.8).float(),
        "offsets": torch.randn(2, 2, 64, 64),
    }
    losses = MultiTaskLoss()(net(encode(batch, seen)), batch)
    losses["loss"].backward()
    assert not [name for name, p in net.named_parameters() if p.grad is None]
    assert losses["loss"].item() == pytest.approx(sum(losses[f"loss_{task}"].item() for task in TASKS), rel=1e-5)


@pytest.mark.parametrize("task", REGRESSIONS)
def test_a_picture_and_its_mirror_image_that_agree_are_sure(task):
    torch.manual_seed(0)
    channels = {"depth": 1, "normals": 3, "offsets": 2}[task]
    final = torch.rand(1, channels, 16, 16) + 0.5
    seen = getattr(maps_of({task: final}, place((32, 32), (32, 32))), task)
    turned = mirrored_map(task, seen)
    mean, agreement = REGRESSIONS[task](seen, mirrored_map(task, turned))
    torch.testing.assert_close(mean, seen)
    torch.testing.assert_close(agreement, torch.ones_like(agreement))


def test_frames_are_measured_in_mixed_precision_too():
    """A network then gives bfloat16, of which NumPy knows nothing."""
    settings = {"height": 64, "width": 64, "focal_length": 60.0, "head_widths": [8] * 4, "tasks": TASKS}
    module = PerceptionModule(classes=CLASSES, backbone="mobilenetv4_conv_small", **settings).eval()
    batch = {
        "image": torch.rand(2, 3, 64, 64),
        "depth": torch.ones(2, 64, 64),
        "semantic": torch.ones(2, 64, 64, dtype=torch.long),
        "normals": torch.tensor([0.0, 0, -1]).view(1, 3, 1, 1).expand(2, 3, 64, 64),
        "edges": torch.ones(2, 64, 64),
        "offsets": torch.zeros(2, 2, 64, 64),
    }
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert module.network(batch["image"])["final"]["depth"].dtype == torch.bfloat16
        module.validation_step(batch, 0)
    values = module._metrics.compute()
    assert all(math.isfinite(values[name]) for name in ("rmse", "miou", "normals_mean", "edge_f", "offset_error"))


def network(tasks: list[str], inputs: list[str]) -> TrainedNetwork:
    seen = modalities(inputs, 3)
    net = MTINet(build_backbone("mobilenetv4_conv_small", "none", seen), dense_tasks(tasks, 3), [8, 8, 8, 8])
    return TrainedNetwork(
        net.eval(), "mobilenetv4_conv_small", "none", seen, tuple(tasks), CLASSES, 64, 64, 60.0, (1.0, 5.0), ()
    )


def test_a_robots_network_leaves_further_heads_behind():
    deployed = DeployedNetwork(network(TASKS, ["rgb"]), 64, 64)
    outputs = deployed(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))
    assert [tuple(o.shape) for o in outputs] == [(1, 64, 64)] * 3


@pytest.mark.parametrize(
    ("tasks", "inputs", "why"),
    [
        (["depth", "edges"], ["rgb"], "it predicts depth and edges only"),
        (["depth", "semantic"], ["rgb", "normals"], "it looks at rgb and normals"),
    ],
)
def test_networks_that_a_robot_cannot_run_are_refused_in_one_line(tasks, inputs, why):
    with pytest.raises(ConfigurationError, match=why):
        DeployedNetwork(network(tasks, inputs), 64, 64)


def test_unknown_tasks_and_inputs_are_named(home, data, monkeypatch, capsys):
    monkeypatch.chdir(home)
    arguments = ["fit", "--data.train", f"[{data.root}:train]", "--trainer.accelerator", "cpu"]
    assert main([*arguments, "--model.tasks", "[keypoints]"]) == 2
    assert "unknown task 'keypoints'; known: depth, semantic, normals, edges, offsets" in capsys.readouterr().err
