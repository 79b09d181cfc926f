"""Studies: runs that go on where they stopped, and leave tables and pictures."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import cv2
import pytest
from ball_folder import write_folder
from tiny_study import STUDY, tiny_study

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.model_card import Evaluation
from training.__main__ import main
from training.datasets.pseudo_folder import PseudoFolder, PseudoInfo
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.reproduce.command import pictured_runs
from training.reproduce.plateau import is_past_plateau
from training.reproduce.row import read_row
from training.reproduce.runner import StudyRunner


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small labelled frames: eight to train on, two to report, two to choose a length on."""
    names = [f"f{i:02d}" for i in range(12)]
    splits = {"train": names[:8], "val": names[8:10], "choose": names[10:], "other": names[10:11]}
    return write_folder(tmp_path_factory.mktemp("data") / "balls", splits=splits)


@pytest.fixture(scope="module")
def studied(tmp_path_factory, folder):
    """A small study, run as a user runs it."""
    home = tmp_path_factory.mktemp("study")
    tiny_study(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        arguments = ["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--accelerator", "cpu"]
        assert main([*arguments, "--out", "results"]) == 0
    return home


def test_a_study_leaves_table_figures_and_pictures(studied):
    out = studied / "results"
    assert {p.name for p in out.iterdir()} == {"tiny.md", "tiny.json", "tiny.png", "tiny_pictures.png"}
    results = json.loads((out / "tiny.json").read_text())["results"]
    # Two rows and the teacher, each at two lengths.
    assert len(results) == 6 and {r["row"] for r in results} == {"umst_s", "mmmt_d", "ummt_ps"}
    for result in results:
        values = result["measured"]["balls:val"]["values"]
        assert 0 <= values["miou_present"] <= 1 and ("rmse" in values) == (result["row"] != "umst_s")
    table = (out / "tiny.md").read_text()
    assert table.count("| UMST-S | rgb | 1 | 1 |") == 1 and "| MMMT-D | rgb + depth | 2 | 1 |" in table


def test_the_student_saw_the_budget_and_the_pseudo_labels_only(studied, folder):
    home = studied / "runs" / "tiny" / "depth4-semantic2"
    budget = json.loads((home / "budget-budget-seed0.json").read_text())["labels"]
    assert len(budget["depth"]) == 4 and len(budget["semantic"]) == 2
    assert set(budget["semantic"]) <= set(budget["depth"])
    labelled = {p.stem for p in (home / "pseudo" / "mmmt_d-seed0-steps2" / "pseudo_semantic").iterdir()}
    assert labelled == set(budget["depth"]) - set(budget["semantic"])


def test_what_is_done_is_not_done_again(studied, folder, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained again"))
    arguments = ["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--out", "again"]
    assert main(arguments) == 0
    assert "6 trainings, 6 of them done" in capsys.readouterr().out
    assert (studied / "again" / "tiny.md").read_text() == (studied / "results" / "tiny.md").read_text()


def test_a_full_disk_is_said_in_one_line(studied, folder, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    table = (studied / "results" / "tiny.md").read_text()

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("mtl_perception.json_file.write_atomically", full)
    assert main(["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--out", "results"]) == 2
    assert (
        capsys.readouterr()
        .err.strip()
        .splitlines()[-1]
        .startswith("error: No space left on device (results/tiny.json); what is written is whole, and the same")
    )
    assert (studied / "results" / "tiny.md").read_text() == table


def test_runs_of_other_settings_are_not_mixed_in(studied, folder, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    (studied / "changed").mkdir()
    tiny_study(studied / "changed", fit={**STUDY["fit"], "model": {**STUDY["fit"]["model"], "learning_rate": 1e-4}})
    for more in ([], ["--table-only"]):
        assert main(["reproduce", "changed/tiny.yaml", "--root", str(folder.root.parent), *more]) == 2
        assert "was begun with other settings than now (fit differ; see " in capsys.readouterr().err


def test_other_frames_to_measure_on_are_measured_without_training_anew(studied, folder, tmp_path, monkeypatch):
    run = "runs/tiny/depth4-semantic2/umst_s/seed0-steps1"
    shutil.copytree(studied / run, tmp_path / run)
    trained = (tmp_path / run / "last.ckpt").stat().st_mtime_ns
    tiny_study(tmp_path, choose="balls:other")
    monkeypatch.chdir(tmp_path)
    only = ["--rows", "umst_s", "--steps", "1", "--accelerator", "cpu"]
    assert main(["reproduce", "tiny.yaml", "--root", str(folder.root.parent), *only]) == 0
    assert json.loads((tmp_path / run / "result.json").read_text())["measured"].keys() == {"balls:val", "balls:other"}
    assert (tmp_path / run / "last.ckpt").stat().st_mtime_ns == trained


def test_data_that_changed_since_are_measured_anew_and_not_trained_on_further(
    studied, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    tiny_study(tmp_path)
    rows = Path("runs/tiny/depth4-semantic2/umst_s")
    shutil.copytree(studied / rows, tmp_path / rows)
    copy = DatasetFolder(shutil.copytree(folder.root, tmp_path / "moved" / "balls"))
    only = ["reproduce", "tiny.yaml", "--root", "moved", "--rows", "umst_s", "--steps", "1", "--accelerator", "cpu"]
    assert main(only) == 0 and "1 trainings, 1 of them done" in capsys.readouterr().out
    result = rows / "seed0-steps1" / "result.json"
    before = json.loads(result.read_text())["measured"]["balls:val"]["values"]

    def correct(split):
        path = copy.path("semantic", next(n for n in copy.names(split) if copy.has("semantic", n)))
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        label[: len(label) // 2] = 3
        cv2.imwrite(str(path), label)

    correct("val")
    assert main(only) == 0 and "1 trainings, 0 of them done" in capsys.readouterr().out
    assert json.loads(result.read_text())["measured"]["balls:val"]["values"] != before
    correct("train")
    assert main(only) == 2
    assert "was begun with other settings than now (data differ" in capsys.readouterr().err


def test_a_teacher_is_trained_as_long_as_its_student_unless_the_study_says_how_long(tmp_path, folder, monkeypatch):
    """A student comes to know what its labels tell: from a teacher far from its plateau it cannot come to its own."""
    monkeypatch.chdir(tmp_path)
    for more, lengths in (({}, {1: 1, 2: 2}), ({"teacher_steps": 5}, {1: 5, 2: 5})):
        runner = StudyRunner(tiny_study(tmp_path, **more), str(folder.root.parent))
        students = [run for run in runner.runs() if run.row.name == "ummt_ps"]
        assert {run.steps: runner.teachers_of(run)[0].steps for run in students} == lengths


def test_several_teachers_are_trained_and_label_together(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = tiny_study(tmp_path, rows=["ummt_ps_ensemble"], steps=[1])
    root = ["--root", str(folder.root.parent), "--accelerator", "cpu"]
    assert main(["reproduce", "tiny.yaml", *root]) == 0
    runner = StudyRunner(study, str(folder.root.parent))
    assert {result["row"] for result in runner.results()} == {"mmmt_d", "umst_s", "ummt_ps_ensemble"}
    student = next(run for run in runner.runs() if run.row.name == "ummt_ps_ensemble")
    labels = runner.pseudo_folder(student)
    assert labels.name == "mmmt_d+umst_s-seed0-steps1-x1"
    taught = PseudoFolder(labels).info.teacher
    assert [path.split("/")[-3] for path in taught.split(", ")] == ["mmmt_d", "umst_s"]
    other = runner.home / "depth4-semantic2" / "umst_s" / "seed0-steps1" / "last.ckpt"
    other.write_bytes(b"trained anew")
    with pytest.raises(
        ConfigurationError, match=f"{re.escape(str(labels))} was .* or {other} was trained anew: delete"
    ):
        runner.results()


def test_a_run_takes_one_device(tmp_path, folder, monkeypatch):
    """On all GPUs that a machine has, a batch would be as many times larger."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.fit.main", lambda argv: (_ for _ in ()).throw(ConfigurationError(" ".join(argv))))
    with pytest.raises(ConfigurationError, match=r"--trainer\.devices=1(\s|$)"):
        StudyRunner(tiny_study(tmp_path), str(folder.root.parent)).run_all()


def refusal(home, folder, **changes) -> str:
    """What is said of the study with ``changes`` before anything is trained."""
    with pytest.raises(ConfigurationError) as error:
        StudyRunner(tiny_study(home, **changes), str(folder.root.parent)).run_all()
    return str(error.value)


def test_what_cannot_end_well_is_not_begun(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained"))
    # Nothing that is trained on may be reported.
    said = refusal(tmp_path, folder, report="balls")
    assert "are of balls:train, which is trained on, and of balls, which is reported" in said
    # Nor chosen on: the longest would win.
    said = refusal(tmp_path, folder, choose="balls:train")
    assert "are of balls:train, which is trained on, and of balls:train, which is chosen on" in said
    said = refusal(tmp_path, folder, report="balls:choose", choose="balls:other")
    assert "1 frames, f10 is one, are of balls:choose, which is reported, and of balls:other, which is chosen" in said
    # A budget's turn may come late.
    later = [{"depth": 4, "semantic": 2}, {"depth": 4, "semantic": 1}]
    said = refusal(tmp_path, folder, budgets=later)
    assert said.startswith("depth4-semantic1/") and "1 frames to train on do not fill a batch of 2" in said
    said = refusal(tmp_path, folder, budgets=[later[0], {"depth": 400, "semantic": 2}])
    assert "depth=400" in said
    said = refusal(tmp_path, folder, budgets=[{"semantic": 4}], rows=["ummt_pd"])
    assert "only a budget of two kinds of label has a mirror image" in said
    # Depth is scarce, and is no mean.
    scarce = [{"depth": 2, "semantic": 4}]
    said = refusal(tmp_path, folder, budgets=scarce, rows=["ummt_ps_ensemble"])
    assert "nothing is left for mmmt_d to label: within the budget no frame has depth, which it looks at" in said
    rows = (replace(read_row("ummt_pu"), co_teachers=("umst_s",)),)
    study = replace(tiny_study(tmp_path, budgets=scarce), rows=rows)
    with pytest.raises(ConfigurationError, match="the mean of ummt, umst_s is of classes, and the budget lacks depth"):
        StudyRunner(study, str(folder.root.parent)).run_all()


def test_what_a_budget_does_not_count_is_all_there(tmp_path, folder, monkeypatch):
    """So that classes are scarce, and depth is not, where it counts classes only."""
    monkeypatch.chdir(tmp_path)
    tiny_study(tmp_path, rows=["ummt_pu"], budgets=[{"semantic": 4}], steps=[1])
    assert main(["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--accelerator", "cpu"]) == 0
    labels = PseudoFolder(tmp_path / "runs" / "tiny" / "semantic4" / "pseudo" / "ummt-seed0-steps1")
    assert labels.info.tasks == ("semantic",)
    assert sum(labels.has("semantic", name) for name in folder.names("train")) == 4


def test_a_training_that_fails_is_named(tmp_path, folder, monkeypatch):
    def fail(argv):
        raise ConfigurationError("the loss is nan at step 3")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.fit.main", fail)
    assert refusal(tmp_path, folder) == "depth4-semantic2/mmmt_d/seed0-steps1: the loss is nan at step 3"


def test_runs_of_another_precision_are_not_mixed_in(studied, folder, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    arguments = ["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--table-only"]
    assert main([*arguments, "--precision", "bf16-mixed"]) == 2
    assert "other settings than now (precision differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"steps": None, "epochs": 3, "rows": ["ummt", "ummt_ps"]}, {"ummt": 3, "mmmt_d": 3, "ummt_ps": 6}),
        ({}, {"umst_s": 2, "mmmt_d": 2, "ummt_ps": 2}),
    ],
    ids=["epochs", "steps"],
)
def test_every_row_is_in_the_pictures_also_where_their_lengths_differ(tmp_path, folder, monkeypatch, changes, shown):
    monkeypatch.chdir(tmp_path)
    runner = StudyRunner(tiny_study(tmp_path, **changes), str(folder.root.parent))
    for run in runner.runs():
        runner.checkpoint(run).parent.mkdir(parents=True)
        runner.checkpoint(run).touch()
    assert {run.row.name: run.steps for run in pictured_runs(runner)} == shown


def test_epochs_count_the_frames_a_row_trains_on(tmp_path, folder, monkeypatch):
    """As the paper counts: the student has more frames, so more steps; the control gets as many."""
    monkeypatch.chdir(tmp_path)
    study = tiny_study(tmp_path, steps=None, epochs=3, rows=["ummt", "ummt_steps", "ummt_ps"])
    runner = StudyRunner(study, str(folder.root.parent))
    steps = {run.row.name: run.steps for run in runner.runs()}
    assert steps["ummt"] == 3 * (2 // 2) and steps["ummt_ps"] == 3 * (4 // 2) == steps["ummt_steps"]
    # Where the study names no size of a batch it is that of ``fit``.
    bare = StudyRunner(replace(runner.study, fit={}), str(folder.root.parent))
    assert {run.steps for run in bare.runs()} == {0}


def digest_of(text: str, folder) -> str:
    """By which the frames ``text`` of ``folder`` are known again."""
    return Source.parse(text, str(folder.root.parent)).digest


@pytest.mark.parametrize(
    ("second", "complete", "left_out"),
    [
        ({"miou_present": 0.4, "rmse": 1.0}, True, True),
        ({"miou_present": 0.5, "rmse": 0.9}, True, False),
        ({"miou_present": 0.6, "rmse": 1.1}, True, False),
        ({"miou_present": 0.4, "rmse": 1.0}, False, False),
    ],
    ids=["no better", "better depth", "better classes", "a seed is missing"],
)
def test_a_row_is_trained_no_longer_than_it_gains(tmp_path, folder, monkeypatch, second, complete, left_out):
    monkeypatch.chdir(tmp_path)
    study = tiny_study(tmp_path, rows=["ummt"], seeds=[0, 1], steps=[1, 2, 4, 8])
    runner = StudyRunner(study, str(folder.root.parent))
    assert [(run.steps, run.seed) for run in runner.runs()] == [(n, seed) for n in (1, 2, 4, 8) for seed in (0, 1)]
    trained = []

    def done(run):
        trained.append((run.steps, run.seed))
        values = {1: {"miou_present": 0.5, "rmse": 1.0}, 2: second}.get(
            run.steps, {"miou_present": 0.9, "rmse": 1 / run.steps}
        )
        # What is reported has no say.
        said = {"balls:choose": values, "balls:val": {"miou_present": run.steps / 10, "rmse": 1 / run.steps}}
        measured = {t: {"digest": digest_of(t, folder), "values": values} for t, values in said.items()}
        path = runner.home / run.name / "result.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"row": "ummt", "seed": run.seed, "steps": run.steps, "measured": measured}))

    monkeypatch.setattr(runner, "run", done)
    if complete:
        runner.run_all()
    else:
        for run in runner.runs()[:3]:
            done(run)
    longest = runner.runs()[-1]
    assert is_past_plateau(runner.study, runner.results(), longest) is left_out
    # Once it is left out, so is all that is longer.
    assert {steps for steps, _ in trained} == ({1, 2} if left_out or not complete else {1, 2, 4, 8})


def test_labels_of_a_teacher_that_was_trained_anew_since_are_not_learnt_nor_told_of(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = StudyRunner(tiny_study(tmp_path), str(folder.root.parent))
    student = next(run for run in runner.runs() if run.row.name == "ummt_ps")
    teacher = runner.checkpoint(runner.teachers_of(student)[0])
    teacher.parent.mkdir(parents=True)
    teacher.write_bytes(b"first")
    written_by = hashlib.sha256(b"first").hexdigest()
    info = PseudoInfo("balls", str(teacher), written_by, (), ("semantic",), 0.9, 0.05, 64, 48, 3, 1000.0, True)
    labels = PseudoFolder.create(runner.pseudo_folder(student), info).root
    measured = {text: {"digest": digest_of(text, folder), "values": {}} for text in ("balls:val", "balls:choose")}
    done = runner.home / student.name / "result.json"
    done.parent.mkdir(parents=True)
    done.write_text(json.dumps({"row": "ummt_ps", "seed": 0, "steps": student.steps, "measured": measured}))
    assert [r["row"] for r in runner.results()] == ["ummt_ps"]
    teacher.write_bytes(b"second")
    for use in (runner.results, runner.run_all, lambda: runner.run(student)):
        with pytest.raises(ConfigurationError, match=f"{labels} was written before {teacher} was trained anew: delete"):
            use()


def test_a_row_that_sees_all_labels_is_trained_once_for_all_budgets(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    budgets = [{"depth": 4, "semantic": labelled} for labelled in (2, 3)]
    study = tiny_study(tmp_path, rows=["ceiling"], steps=[1], budgets=budgets)
    runner = StudyRunner(study, str(folder.root.parent))
    trained = []
    monkeypatch.setattr(runner, "_fit", lambda run: trained.append(run))
    monkeypatch.setattr("training.reproduce.runner.load_checkpoint", lambda path: Mock())
    monkeypatch.setattr(
        "training.reproduce.runner.evaluate_checkpoint",
        lambda _, frames: (Evaluation("balls", frames.split, len(frames.names), {}), {}),
    )
    runner.run_all()
    assert len(trained) == 1
    assert [r["budget_name"] for r in runner.results()] == ["depth4-semantic2", "depth4-semantic3"]
