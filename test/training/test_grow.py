"""The loop: logged frames become a student that replaces the old one only if it is better."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from ball_folder import CLASSES
from network_file import card, write_network

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.model_card import Evaluation, SemanticClass, TrainingData
from mtl_perception.network import Network
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.errors import ConfigurationError
from training.grow import command
from training.grow.comparison import compare, on_the_teacher
from training.grow.held_out import doubts_of_running, doubts_of_teacher
from training.grow.loop import GrowthLoop
from training.module import PerceptionModule

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
BALLS = TrainingData("balls", 4, "CC0-1.0")


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
    network_file(home / "current.onnx")
    return home


def network_file(path: Path, **of_card) -> Path:
    classes = tuple(SemanticClass(i, name, (40 * i, 80, 80)) for i, name in CLASSES.items())
    return write_network(path, 96, 96, card_text=card(96, 96, classes=classes, **of_card).to_json())


def checkpoint(path: Path, **model) -> None:
    """A teacher that has not been trained, whatever it says."""
    settings = {"height": 64, "width": 64, "focal_length": 50.0, "inputs": ["rgb", "depth"], **RECIPE["both"]["model"]}
    module = PerceptionModule(CLASSES, **{**settings, **model})
    told = {"training_data": [vars(BALLS)], "depth_range": [1.0, 4.0], "budgets": {}}
    content = {"hyper_parameters": dict(module.hparams), "FolderData": told, "state_dict": module.state_dict()}
    torch.save(content, path)


@pytest.fixture(scope="module")
def faults(home, folder):
    """Beside what is sound in ``home``: recordings, recipes and a teacher with one fault each."""

    def logged(name: str, source: Path, **description) -> Path:
        shutil.copytree(source, home / name)
        path = home / name / "dataset.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **description}))
        return home / name

    shutil.rmtree(logged("no_depth", home / "logged") / "depth")
    logged("no_camera", home / "logged", intrinsics=None)
    logged("other_classes", home / "logged", classes={**CLASSES, 1: "tree"})
    logged("full", folder.root, splits={"labelled": [n for n in folder.names() if folder.has("semantic", n)]})
    for name, part, group, key, value in (
        ("squashed", "both", "data", "width", 128),
        ("student", "student", "data", "sfot", True),
        ("teacher", "teacher", "trainer", "max_epoch", 1),
        ("student_heads", "student", "model", "head_widths", [16, 8, 8, 8]),
    ):
        layer = {**RECIPE[part], group: {**RECIPE[part].get(group, {}), key: value}}
        (home / f"{name}.yaml").write_text(yaml.safe_dump({**RECIPE, part: layer}))
    (home / "scales.yaml").write_text(yaml.safe_dump({**RECIPE, "pseudo_labels": {"scales": [1, 10]}}))
    checkpoint(home / "teacher.ckpt")
    checkpoint(home / "wide.ckpt", head_widths=[16, 8, 8, 8])


def grow(home, folder, *more: str, logged: str = "logged") -> int:
    arguments = ["--labelled", f"{folder.root}:train", "--held-out", f"{folder.root}:val", "--student", "current.onnx"]
    return main(["grow", logged, *arguments, "--recipe", "recipe.yaml", "--accelerator", "cpu", *more])


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
    taught = out / "teacher" / "last.ckpt"
    assert doubts_of_teacher(taught, load_checkpoint(taught).training_data, [f"{folder.root}:val"]) == []
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
    assert "lack classes" in on_the_teacher(old[1:], [evaluation("b", rmse=0.1)])
    only = on_the_teacher(old, [evaluation("a", miou_present=0.6)])  # The other has nothing that it looks at.
    assert only == "The teacher's miou_present: 0.6000 on a val."


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
    ("logged", "more", "complaint"),
    [
        ("logged", ["--student", "no.onnx"], "cannot read the network file no.onnx"),
        ("logged", ["--student", "recipe.yaml"], "--student recipe.yaml: the network that runs is a file *.onnx"),
        ("logged", ["--recipe", "no.yaml"], "cannot read the recipe no.yaml"),
        ("logged", ["--recipe", "scales.yaml"], "scales [1, 10] are to be a list of numbers, each 0.25 to 4"),
        ("logged", ["--held-out", "nowhere:val"], "nowhere"),
        ("other_classes", [], "name their classes differently: id 1 is 'wall' and 'tree'"),
        ("no_depth", ["--teacher", "teacher.ckpt"], "has depth for the teacher to look at; LOGGED is to be recordings"),
        ("full:labelled", ["--teacher", "teacher.ckpt"], "every frame has semantic already; LOGGED is to be"),
        ("no_camera", ["--teacher", "teacher.ckpt"], "no_camera has depth but no intrinsics"),
        ("logged", ["--teacher", "wide.ckpt"], "cannot start from the teacher's weights"),
        ("logged", ["--recipe", "student_heads.yaml"], "cannot start from the teacher's weights"),
        (
            "logged",
            ["--recipe", "squashed.yaml"],
            "takes 96x96 (height x width), which would be squashed to the 64x128",
        ),
        ("logged", ["--recipe", "teacher.yaml"], "the recipe's teacher: Group 'trainer' does not accept option 'max_e"),
        ("logged", ["--recipe", "student.yaml"], "the recipe's student: Group 'data' does not accept option 'sfot'"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_trained(
    home, faults, folder, monkeypatch, capsys, logged, more, complaint
):
    monkeypatch.chdir(home)
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained"))
    assert grow(home, folder, *more, "--name", "refused", logged=logged) == 2
    told = capsys.readouterr().err
    assert complaint in told and told.count("\n") == 1
    assert not (home / "runs" / "refused").exists(), "a run that is begun is bound to its settings"


def test_a_folder_that_cannot_be_written_to_is_told_of_at_once(home, folder, monkeypatch, capsys):
    monkeypatch.chdir(home)

    def refuse(folder: Path) -> None:  # Root, whom tests may run as, writes anywhere.
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("training.grow.checks.check_writable", refuse)
    assert grow(home, folder) == 2
    assert "no better network could take its place" in capsys.readouterr().err


def test_a_teacher_that_may_know_the_held_out_frames_is_told_of(folder, tmp_path):
    def doubts(train: str, start_from: str | None = None) -> list[str]:
        """Of a teacher with these settings beside it."""
        settings = {
            "data": {"train": [train], "root": None, "pseudo_labels": None},
            "model": {"start_from": start_from},
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
        return doubts_of_teacher(teacher, learnt, held_out)

    teacher, learnt, held_out = tmp_path / "last.ckpt", [BALLS], [f"{folder.root}:val"]
    unknown = doubts_of_teacher(teacher, learnt, held_out)
    assert (
        len(unknown) == 1 and "the teacher was trained on 4 frames of balls, which ones is not recorded" in unknown[0]
    )
    assert doubts(f"{folder.root}:train") == []
    assert doubts(f"{folder.root}:train", start_from="other.ckpt") == unknown, "what that had learnt is not told"
    assert doubts("elsewhere:train") == unknown
    with pytest.raises(ConfigurationError, match=r"to be held out, but 4 of its frames are in .*balls too"):
        doubts(f"{folder.root}")
    learnt = [BALLS, TrainingData("nyu", 9, "CC0-1.0")]
    assert doubts(f"{folder.root}:train") == unknown, "settings of another training"
    learnt = learnt[1:]
    assert doubts(f"{folder.root}") == []


def test_a_network_that_must_know_the_held_out_frames_is_told_of(folder):
    (told,) = doubts_of_running(card(training_data=(replace(BALLS, frames=12),)), [f"{folder.root}:val"])
    assert "the network that runs was trained on 12 frames of balls" in told
    assert ":val leaves only 8: it has learnt frames that are held out" in told


@pytest.fixture
def instant(home, faults, monkeypatch):
    """The loop with all its steps done at once, and figures that go with a network's name: their outcome counts."""
    figures = {"tiny": 0.5, "grown": 0.6, "newer": 0.7}
    monkeypatch.chdir(home)
    network_file(home / "current.onnx", training_data=(BALLS,))
    network_file(home / "grown.onnx", name="grown", evaluations=(evaluation("balls", miou_present=0.6),))

    def measure(path: Path, held_out: list[str]) -> list[Evaluation]:
        known = figures[Network(path).card.name] if path.suffix == ".onnx" else 0.65
        return [evaluation("balls", miou_present=known)]

    monkeypatch.setattr(command, "measure", measure)
    monkeypatch.setattr(command, "check_growth", lambda settings: None)
    monkeypatch.setattr(GrowthLoop, "pseudo_labels", lambda *_: home)
    monkeypatch.setattr(GrowthLoop, "student", lambda *_: home)
    monkeypatch.setattr(GrowthLoop, "export", lambda *_: home / "grown.onnx")
    yield home
    network_file(home / "current.onnx")


def test_a_network_that_took_its_place_meanwhile_is_measured_anew(instant, folder, monkeypatch, capsys):
    def export(*_) -> Path:
        network_file(instant / "current.onnx", name="newer")
        return instant / "grown.onnx"

    monkeypatch.setattr(GrowthLoop, "export", export)
    assert grow(instant, folder, "--teacher", "teacher.ckpt", "--name", "meanwhile") == 0
    assert Network(instant / "current.onnx").card.name == "newer"
    page = (instant / "runs" / "meanwhile" / "comparison.md").read_text()
    assert "| balls val | miou_present | 0.7000 | 0.6000 |" in page and "| newer | grown |" in page
    assert "Not replaced" in page and "measuring it anew" in capsys.readouterr().out


def test_the_page_tells_of_doubts_and_of_no_replacement_that_failed(instant, folder, monkeypatch, capsys):
    name = ("--teacher", "teacher.ckpt", "--name", "told")
    assert grow(instant, folder, *name) == 0
    page, out = (instant / "runs" / "told" / "comparison.md").read_text(), capsys.readouterr().out
    assert Network(instant / "current.onnx").card.name == "grown" and "\nReplaced: " in page
    for who in ("the network that runs", "the teacher"):
        assert all(f"Warning: {who} was trained on 4 frames of balls" in text for text in (page, out))

    def write(path: Path, data: bytes) -> None:
        if path.name == "current.onnx":
            raise PermissionError(13, "Permission denied", str(path))
        write_atomically(path, data)

    network_file(instant / "current.onnx")
    monkeypatch.setattr(command, "write_atomically", write)
    assert grow(instant, folder, *name) == 2
    assert Network(instant / "current.onnx").card.name == "tiny"
    assert not (instant / "runs" / "told" / "comparison.md").exists(), "it told of the replacement before"
