"""Which task helps which: a matrix of tiny networks end to end, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
import yaml
from complete_folder import write_complete_folder

from training.__main__ import main
from training.affinity.checks import checked
from training.affinity.rows import affinity_rows
from training.affinity.runner import AffinityRunner
from training.affinity.study import AffinityStudy, read_affinity_study
from training.cheap_version import cheap_version
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.folder import FolderDataset
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.sample import collate
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.losses.multi_task import MultiTaskLoss
from training.models.backbone import Backbone
from training.models.mtinet import MTINet
from training.models.tasks import dense_tasks
from training.module import PerceptionModule
from training.yaml_file import STUDIES

STUDY = {
    "dataset": "complete",
    "split": "train",
    "report": "complete:val",
    "tasks": ["depth", "edges"],
    "plenty": 6,
    "few": 2,
    "seeds": [0],
    "steps": 2,
    "teacher_steps": 1,
    "soft": True,
    "fit": {
        "data": {"height": 64, "width": 64, "focal_length": 60, "batch_size": 2, "workers": 0},
        "model": {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]},
        "trainer": {"logger": False},
    },
    "cheap": {"steps": 1, "report_frames": 2},
}
ROWS = {"single_depth", "single_edges", "multi"} | {
    f"{row}_{task}" for row in ("teacher", "uneven", "student") for task in ("depth", "edges")
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_complete_folder(tmp_path_factory.mktemp("data") / "complete", train=8)


def run(data, *more: str) -> int:
    return main(["affinity", "tiny.yaml", "--root", str(data.root.parent), "--accelerator", "cpu", *more])


@pytest.fixture(scope="module")
def studied(tmp_path_factory, data):
    """A study of two tasks, stopped twice on its way: in the middle of a training, and between label and student."""
    home = tmp_path_factory.mktemp("affinity")
    (home / "tiny.yaml").write_text(yaml.safe_dump(STUDY))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        step, taken = PerceptionModule.training_step, []

        def interrupted(module, batch, index):
            taken.append(index)
            if len(taken) == 4:
                raise KeyboardInterrupt
            return step(module, batch, index)

        patch.setattr(PerceptionModule, "training_step", interrupted)
        patch.setattr("training.last_checkpoint.INTERVAL", 0.0)
        assert run(data) == 130
        assert (home / "runs/tiny/depth2-edges2/single_edges/seed0-steps2/last.ckpt").exists()
        patch.setattr(PerceptionModule, "training_step", step)
        written = AffinityRunner._fit

        def stopped(runner, training):
            if training.row.name == "student_depth":
                raise OSError(28, "No space left on device", "labels")
            written(runner, training)

        patch.setattr(AffinityRunner, "_fit", stopped)
        assert run(data) == 2
        patch.setattr(AffinityRunner, "_fit", written)
        assert run(data, "--out", "results") == 0
    return home


def test_a_study_leaves_matrix_table_and_picture(studied):
    content = json.loads((studied / "results/tiny.json").read_text())
    assert {r["row"] for r in content["results"]} == ROWS
    assert set(content["pairs"]) == {"depth>edges", "edges>depth"}
    figures = {r["row"]: r["values"] for r in content["results"]}
    pair = content["pairs"]["edges>depth"]
    best = min(figures[row]["rmse"] for row in ("uneven_edges", "multi", "single_depth"))
    gain = best - figures["student_edges"]["rmse"]
    assert figures[pair["over"]]["rmse"] == best
    assert pair["difference"] == pytest.approx(gain) and pair["relative"] == pytest.approx(gain / pair["without"])
    assert "rmse" not in figures["teacher_depth"] and "edge_f" in figures["teacher_depth"]
    assert content["pilot"] and content["conditions"] == {"depth+edges": "undecided"}
    table = (studied / "results/tiny.md").read_text()
    assert "A pilot: one seed" in table and "| depth alone | 2 | 2 | 1 |" in table
    assert cv2.imread(str(studied / "results/tiny.png")) is not None


def test_interrupted_and_gone_on_with_the_numbers_are_the_same(studied, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(studied / "tiny.yaml", tmp_path)
    # The network whose training was broken off, and the student that came after, are made again in one go.
    shutil.copytree(studied / "runs/tiny", tmp_path / "runs/tiny")
    shutil.rmtree(tmp_path / "runs/tiny/depth2-edges2/single_edges")
    shutil.rmtree(tmp_path / "runs/tiny/depth6-edges2/student_depth")
    assert run(data, "--out", "results") == 0
    one, other = (json.loads((p / "results/tiny.json").read_text()) for p in (studied, tmp_path))
    assert one["results"] == other["results"] and one["pairs"] == other["pairs"]


def test_student_and_network_compared_with_see_the_same_labels_for_the_same_steps(studied):
    home = studied / "runs/tiny/depth2-edges6"
    settings = [
        json.loads((home / f"{row}_edges/seed0-steps2-settings.json").read_text()) for row in ("uneven", "student")
    ]
    assert settings[0]["fit"] == settings[1]["fit"] and settings[0]["row"]["fit"] == settings[1]["row"]["fit"]
    labelled = {p.stem for p in (home / "pseudo/teacher_edges-seed0-steps1/pseudo_depth").iterdir()}
    budget = LabelBudget.read(home / "budget-budget-seed0.json").labels
    assert labelled == set(budget["edges"]) - set(budget["depth"]) and len(labelled) == 4
    few = LabelBudget.read(studied / "runs/tiny/depth2-edges2/budget-budget-seed0.json").labels
    assert few["depth"] == few["edges"] == budget["depth"]


def test_what_is_done_is_not_done_again_and_the_cost_is_said_first(studied, data, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained again"))
    assert run(data, "--out", "again") == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "tiny: 9 trainings, 7 of 2 steps and 2 teachers of 1, 16 steps in all at 64x64; 2 tasks, 1 seed"
    )
    assert "9 trainings, 9 of them done" in said
    assert (studied / "again/tiny.md").read_text() == (studied / "results/tiny.md").read_text()


def test_agreement_wants_both_versions(studied, data, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    assert run(data, "--agreement", "--out", "results") == 2
    assert "tiny_cheap.json: No such file or directory; run the study with --cheap first" in capsys.readouterr().err


def test_both_versions_there_their_agreement_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(STUDY))
    for name, sign in (("tiny", 1), ("tiny_cheap", -1)):
        pairs = {f"depth>{i}": {"relative": sign * i / 10} for i in range(4)}
        content = {"study": name, "tasks": [], "labels": {}, "pairs": pairs}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert main(["affinity", "tiny.yaml", "--agreement", "--out", "."]) == 0
    assert "over 4 effects\n  Spearman's rank correlation -1.00" in capsys.readouterr().out
    assert json.loads((tmp_path / "tiny_agreement.json").read_text())["kendall"] == pytest.approx(-1)


def test_another_number_of_frames_to_measure_on_is_measured_without_training_anew(studied, data, tmp_path, monkeypatch):
    monkeypatch.chdir(studied)
    runner = AffinityRunner(read_affinity_study(studied / "tiny.yaml"), str(data.root.parent))
    assert all(map(runner._is_done, runner.runs()))
    fewer = AffinityRunner(replace(runner.affinity, report_frames=2), str(data.root.parent))
    assert not any(map(fewer._is_done, fewer.runs()))


def study(tmp_path, **changes) -> AffinityStudy:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**STUDY, **changes}))
    return read_affinity_study(tmp_path / "s.yaml")


@pytest.mark.parametrize("path", sorted(STUDIES.glob("affinity_*.yaml")), ids=lambda p: p.stem)
def test_the_studies_can_be_read(path):
    found = read_affinity_study(path)
    assert cheap_version(found).steps < found.steps and cheap_version(found).tasks == found.tasks
    assert "51 trainings" in found.cost()


def test_the_cheap_version_is_smaller_and_asks_the_same(tmp_path):
    whole = study(tmp_path, cheap={"steps": 1, "fit": {"data": {"height": 32}}})
    cheap = cheap_version(whole)
    assert (cheap.name, cheap.steps, cheap.few, cheap.tasks) == ("s_cheap", 1, 2, ("depth", "edges"))
    assert cheap.fit["data"] == {**STUDY["fit"]["data"], "height": 32} and cheap.fit["model"] == STUDY["fit"]["model"]


def test_teachers_look_at_the_task_given_and_never_at_what_they_label():
    rows = {row.name: row for row in affinity_rows(("depth", "edges", "normals"), soft=False)}
    for task in ("depth", "edges", "normals"):
        teacher, student = rows[f"teacher_{task}"], rows[f"student_{task}"]
        assert teacher.inputs == ("rgb", task) and set(teacher.tasks) == {"depth", "edges", "normals"} - {task}
        assert student.teacher == teacher.name and student.inputs == ("rgb",)
        assert student.model == rows[f"uneven_{task}"].model


def test_some_frames_are_measured_on_where_the_study_says_so(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = replace(study(tmp_path), report_frames=2)
    assert len(AffinityRunner(few, str(data.root.parent))._measured_on["complete:val"].names) == 2


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tasks": ["depth"]}, "tasks depth: two or more are needed"),
        ({"tasks": ["depth", "depth"]}, "tasks depth, depth: two or more are needed, each once"),
        (
            {"tasks": ["depth", "keypoints"]},
            "unknown task 'keypoints'; known: depth, semantic, normals, edges, offsets",
        ),
        ({"seeds": []}, "one or more"),
        ({"steps": 0}, "steps is 0"),
        ({"cheap": {"tasks": ["depth"]}}, "cheap may change seeds, steps"),
        ({"colour": "red"}, "is no study of tasks: .*colour"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(tmp_path, changes, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        study(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"few": 9}, "few=9: only 8 frames of complete:train have all"),
        ({"few": 1}, "few=1 frames do not fill a batch of 2"),
        ({"plenty": 9}, "plenty=9: only 8 frames of complete:train have depth"),
        ({"plenty": 2}, "plenty=2 is not more than few=2"),
        ({"report": "complete:test"}, "no split 'test'"),
    ],
)
def test_labels_that_are_not_there_are_missed_before_anything_is_trained(tmp_path, data, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        checked(study(tmp_path, **changes), str(data.root.parent))


def changed(data, tmp_path, kind: str, change) -> str:
    """A copy of the data set with the files of a kind changed, or removed where ``change`` gives None."""
    shutil.copytree(data.root, tmp_path / "complete")
    for i, path in enumerate(sorted((tmp_path / "complete" / kind).iterdir())):
        image = change(i, cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        if image is None:
            path.unlink()
        else:
            cv2.imwrite(str(path), image)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("tasks", "kind", "change", "complaint"),
    [
        (
            ["depth", "semantic"],
            "semantic",
            lambda i, m: np.full_like(m, 3),
            "semantic is the same wherever it is known",
        ),
        (["depth", "edges"], "semantic", lambda i, m: np.full_like(m, 3), "edges is the same wherever it is known"),
        (["edges", "depth"], "depth", lambda i, m: np.full_like(m, 2000), "depth is the same wherever it is known"),
        (["edges", "normals"], "depth", lambda i, m: np.full_like(m, 2000), "normals is the same wherever it is known"),
        (["edges", "offsets"], "instance", lambda i, m: m * 0, "offsets is the same wherever it is known"),
        (["edges", "depth"], "depth", lambda i, m: m * 0, "depth is the same wherever it is known"),
    ],
)
def test_a_constant_label_is_named(data, tmp_path, tasks, kind, change, complaint):
    root = changed(data, tmp_path, kind, change)
    with pytest.raises(ConfigurationError, match=complaint):
        checked(study(tmp_path, tasks=tasks), root)


def test_tasks_without_common_frames_are_named(data, tmp_path):
    root = changed(data, tmp_path, "depth", lambda i, m: m if i % 2 else None)
    for i, path in enumerate(sorted((tmp_path / "complete/semantic").iterdir())):
        if i % 2:
            path.unlink()
    with pytest.raises(ConfigurationError, match=r"depth and edges together \(4 have depth, 4 have edges\)"):
        checked(study(tmp_path), root)
    shutil.rmtree(tmp_path / "complete/semantic")
    with pytest.raises(ConfigurationError, match="no frame of complete:train has edges"):
        checked(study(tmp_path), root)


def test_a_folder_needs_tasks_and_frames_to_measure_on(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["affinity", f"{data.root}:train"]) == 2
    assert "is a folder: say --tasks, and by --report" in capsys.readouterr().err
    assert main(["affinity", "nowhere"]) == 2
    assert "'nowhere' is no study (house), no *.yaml, and no data set folder" in capsys.readouterr().err
    arguments = ["--tasks", "depth", "edges", "--report", f"{data.root}:val", "--few", "4", "--table-only"]
    assert main(["affinity", f"{data.root}:train", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("affinity_complete: 27 trainings") and "holds no student" in captured.err


@pytest.mark.skipif("MTL_PERCEPTION_DATA" not in os.environ, reason="MTL_PERCEPTION_DATA is not set")
def test_the_house_has_what_its_study_asks_of_it():
    root = os.environ["MTL_PERCEPTION_DATA"]
    house = checked(read_affinity_study(STUDIES / "affinity_house.yaml"), root)
    source = Source.parse(house.source, root)
    derived = ("normals", "edges", "offsets")
    camera = CanonicalCamera(96, 128, 105.0)
    frames = FolderDataset(source.folder, source.names[:4], camera, augment=True, choice=LabelChoice(derived=derived))
    batch, tasks = collate([frames[i] for i in range(4)]), ("depth", "semantic", *derived)
    assert (batch["normals"] != 0).any(1).float().mean() > 0.8 and 0.01 < batch["edges"].mean() < 0.5
    assert batch["offsets"].isfinite().float().mean() > 0.9
    heads = dense_tasks(tasks, len(source.folder.info.classes))
    network = MTINet(Backbone("mobilenetv4_conv_small"), heads, [8, 8, 8, 8])
    losses = MultiTaskLoss()(network(batch["image"]), batch)
    assert all(torch.isfinite(losses[f"loss_{task}"]) and losses[f"loss_{task}"] > 0 for task in tasks)
