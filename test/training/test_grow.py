"""The loop: logged frames become a student that replaces the old one only if it is better."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
import yaml
from ball_folder import CLASSES
from network_file import card, write_network

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.model_card import Evaluation, SemanticClass
from mtl_perception.network import Network
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.grow import command
from training.grow.comparison import compare, on_the_teacher
from training.grow.loop import GrowthLoop

pytestmark = pytest.mark.timeout(400)

RECIPE = {
    "both": {
        "data": {"height": 64, "width": 64, "focal_length": 50, "batch_size": 2, "workers": 0},
        "model": {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]},
    },
    "teacher": {
        "data": {"require": ["semantic", "depth"]},
        "model": {"inputs": ["rgb", "depth"]},
        "trainer": {"max_epochs": 1},
    },
    "pseudo_labels": {"scales": [1, 2]},
    "student": {"data": {"soft": True, "balanced": True}, "trainer": {"max_epochs": 1}},
}


def evaluation(data: str, **values: float) -> Evaluation:
    return Evaluation(data, "val", 4, values)


@pytest.fixture(scope="module")
def home(tmp_path_factory, folder):
    """A network that runs, and a folder that a robot logged: depth, no classes."""
    home = tmp_path_factory.mktemp("grow")
    (home / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    shutil.copytree(folder.root, home / "logged")
    shutil.rmtree(home / "logged" / "semantic")
    description = home / "logged" / "dataset.json"
    description.write_text(json.dumps({**json.loads(description.read_text()), "classes": {}}))
    classes = tuple(SemanticClass(i, name, (40 * i, 80, 80)) for i, name in CLASSES.items())
    write_network(home / "current.onnx", 96, 96, card_text=card(96, 96, classes=classes).to_json())
    return home


def grow(home, folder, *more: str) -> int:
    arguments = ["--labelled", f"{folder.root}:train", "--held-out", f"{folder.root}:val", "--student", "current.onnx"]
    return main(["grow", "logged", *arguments, "--recipe", "recipe.yaml", "--accelerator", "cpu", *more])


def test_the_loop_closes_and_the_same_command_goes_on(home, folder, monkeypatch, capsys):
    monkeypatch.chdir(home)
    before = (home / "current.onnx").read_bytes()
    assert grow(home, folder) == 0
    out = home / "runs" / "grow_logged"
    comparison = json.loads((out / "comparison.json").read_text())
    assert {c["figure"] for c in comparison["changes"]} == {"miou_present", "rmse"}
    assert "The teacher's miou_present: 0." in (out / "comparison.md").read_text()
    grown = Network(out / "student.onnx")
    assert grown.card.evaluations[0].values["rmse"] == pytest.approx(comparison["changes"][-1]["new"])
    assert (grown.card.input_height, grown.card.input_width) == (96, 96)
    assert {d.name for d in grown.card.training_data} == {"balls", "logged"}
    logged = DatasetFolder(home / "logged")
    with_depth = {n for n in logged.names() if logged.has("depth", n)}
    assert {p.stem for p in (out / "pseudo" / "pseudo_semantic").iterdir()} == with_depth
    assert not (home / "logged" / "pseudo_labels.json").exists()
    assert (home / "current.onnx").read_bytes() == (
        (out / "student.onnx").read_bytes() if comparison["better"] else before
    )
    trained = load_checkpoint(out / "student" / "last.ckpt").network.state_dict()
    monkeypatch.setattr(GrowthLoop, "export", lambda *_: out / "student.onnx")
    # Of networks of a few steps it is chance which is better; what follows from it is the question.
    for better in (False, True):
        (home / "current.onnx").write_bytes(before)
        monkeypatch.setattr(command, "compare", lambda old, new, b=better: replace(compare(old, new), better=b))
        assert grow(home, folder) == 0
        assert (home / "current.onnx").read_bytes() == ((out / "student.onnx").read_bytes() if better else before)
    assert (home / "current.previous.onnx").read_bytes() == before
    again = load_checkpoint(out / "student" / "last.ckpt").network.state_dict()
    assert all(torch.equal(trained[name], again[name]) for name in trained)
    (home / "current.onnx").write_bytes(before)


def test_a_teacher_that_knows_no_more_than_who_runs_is_told_of():
    old = [evaluation("a", miou_present=0.5, rmse=1.0), evaluation("b", rmse=1.0)]
    better = on_the_teacher(old, [evaluation("a", miou_present=0.6), evaluation("b", rmse=0.1)])
    assert better == "The teacher's miou_present: 0.6000 on a val."
    worse = on_the_teacher(old, [evaluation("a", miou_present=0.45), evaluation("b", rmse=0.1)])
    assert "0.4500 on a val" in worse and "train it longer (teacher.trainer in the recipe)" in worse
    assert "no classes" in on_the_teacher(old[1:], [evaluation("b", rmse=0.1)])


@pytest.mark.parametrize(
    ("old", "new", "better"),
    [
        ({"miou_present": 0.5, "rmse": 1.0}, {"miou_present": 0.55, "rmse": 1.0}, True),
        ({"miou_present": 0.5, "rmse": 1.0}, {"miou_present": 0.5, "rmse": 0.9}, True),
        ({"miou_present": 0.5, "rmse": 1.0}, {"miou_present": 0.5, "rmse": 1.0}, False),
        ({"miou_present": 0.5, "rmse": 1.0}, {"miou_present": 0.6, "rmse": 1.03}, False),
        ({"miou_present": 0.5, "rmse": 1.0}, {"miou_present": 0.495, "rmse": 0.9}, True),
        ({"rmse": 1.0}, {"rmse": 0.99}, True),
    ],
)
def test_better_is_better_on_the_whole_and_nowhere_much_worse(old, new, better):
    comparison = compare([evaluation("a", **old)], [evaluation("a", **new)])
    assert comparison.better is better
    assert ("Replaced: " if better else "Not replaced: ") in comparison.markdown("old", "new")


def test_a_loss_on_one_set_of_frames_is_not_hidden_by_a_gain_on_another():
    old = [evaluation("a", rmse=1.0), evaluation("b", rmse=1.0)]
    new = [evaluation("a", rmse=0.5), evaluation("b", rmse=1.1)]
    comparison = compare(old, new)
    assert not comparison.better and comparison.why == "rmse on b val is worse by 10.0 %, more than 2 %"


def test_frames_that_are_trained_on_are_not_held_out(home, folder, monkeypatch, capsys):
    monkeypatch.chdir(home)
    assert grow(home, folder, "--held-out", f"{folder.root}:val", f"{folder.root}") == 2
    assert "is to be held out, but 8 of its frames are in" in capsys.readouterr().err


def test_a_run_that_was_begun_otherwise_is_not_gone_on_with(home, folder, monkeypatch, capsys):
    monkeypatch.chdir(home)
    other = home / "runs" / "other"
    other.mkdir(parents=True)
    (other / "settings.json").write_text(json.dumps({"logged": "elsewhere"}))
    assert grow(home, folder, "--name", "other") == 2
    assert "was begun with other settings than now (logged, labelled, scales, fit differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--student", "no.onnx"], "cannot read the network file no.onnx"),
        (["--student", "recipe.yaml"], "--student recipe.yaml: the network that runs is a file *.onnx"),
        (["--recipe", "no.yaml"], "cannot read the recipe no.yaml"),
        (["--held-out", "nowhere:val"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_trained(home, folder, monkeypatch, capsys, more, complaint):
    monkeypatch.chdir(home)
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained"))
    assert grow(home, folder, *more) == 2
    assert complaint in capsys.readouterr().err
