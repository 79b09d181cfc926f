"""Where pseudo-labels stop helping: what is trained for which point, once each, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import yaml
from complete_folder import write_complete_folder
from room_views import write_room

from mtl_perception.dataset_folder import DatasetFolder
from training.__main__ import main
from training.cheap_version import cheap_version
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import PseudoFolder
from training.errors import ConfigurationError
from training.limits.plan import CLEAN, cost, plan, points
from training.limits.report import markdown
from training.limits.runner import LimitsRunner
from training.limits.study import LimitsStudy, read_limits_study
from training.limits.summary import levels, verdicts
from training.reproduce.row import read_row
from training.yaml_file import STUDIES

pytestmark = pytest.mark.timeout(300)

STUDY = {
    "dataset": "complete",
    "split": "train",
    "report": "complete:val",
    "students": ["ummt_ps"],
    "controls": ["ummt_d"],
    "seeds": [0],
    "steps": 1,
    "teacher_steps": 1,
    "budget": {"depth": 8, "semantic": 4},
    "curves": {"tau": [0.0, 0.9], "labels": [2, 4], "holes": [0.5]},
    "fit": {
        "data": {"height": 64, "width": 64, "focal_length": 60, "batch_size": 2, "workers": 0},
        "model": {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]},
        "trainer": {"logger": False},
    },
    "cheap": {"curves": {"tau": [0.5]}, "fit": {"data": {"batch_size": 4}}},
}


def written(path: Path, **changes) -> Path:
    path.write_text(yaml.safe_dump({**STUDY, **changes}, sort_keys=False))
    return path


@pytest.fixture
def study(tmp_path) -> LimitsStudy:
    return read_limits_study(written(tmp_path / "tiny.yaml"))


def trained(study: LimitsStudy) -> dict[str, list[str]]:
    return {data: [run.name for run in runs] for data, runs in plan(study).items()}


def test_what_points_share_is_trained_once_and_teachers_come_first(study):
    runs = trained(study)
    assert runs["holes-0.5"] == [
        "depth8-semantic4/ummt_d/seed0-steps1",
        "depth8-semantic4/mmmt_d/seed0-steps1",
        "depth8-semantic4/ummt_ps/seed0-steps1",
    ]
    assert sorted(runs[CLEAN]) == sorted(
        [
            *(f"depth8-semantic4/{row}/seed0-steps1" for row in ("ummt_d", "mmmt_d", "ummt_ps")),
            "depth8-semantic4/ummt_ps_tau0/seed0-steps1",  # That of 0.9 is ummt_ps itself.
            *(f"depth8-semantic2/{row}/seed0-steps1" for row in ("ummt_d", "mmmt_d", "ummt_ps")),
        ]
    )
    assert cost(study).startswith("tiny: 10 trainings, 10 steps in all at 64x64")
    # Noise of depth changes nothing for a row that never sees depth.
    blind = replace(study, controls=(*study.controls, read_row("umst_s")))
    assert trained(blind)["holes-0.5"] == runs["holes-0.5"]
    # A curve of noise begins where there is none.
    assert [(p.value, p.data) for p in points(study) if p.curve == "holes"] == [
        *[(0.0, CLEAN)] * 2,
        *[(0.5, "holes-0.5")] * 2,
    ]


def test_teachers_of_teachers_are_counted_too(study):
    study = replace(study, students=(read_row("ummt_ps_soft_inherit_balanced_2"),), curves={"labels": (4,)})
    assert [run.row.name for run in plan(study)[CLEAN]] == [
        "ummt_d",
        "mmmt_d",
        "mmmt_d_2",
        "ummt_ps_soft_inherit_balanced_2",
    ]


@pytest.mark.parametrize(("row", "noisy"), [("umst_s", False), ("fmst", True), ("mmst", True), ("ummt_d", True)])
def test_noise_of_depth_is_of_rows_that_look_at_depth_too(study, row, noisy):
    study = replace(study, controls=(read_row(row),), curves={"kinect": (1.0,)})
    control = next(point for point in points(study) if point.value and not point.is_student)
    assert control.data == ("kinect-1" if noisy else CLEAN)


def test_a_row_of_all_labels_stands_at_every_number_of_labels(study, monkeypatch):
    study = replace(study, controls=(read_row("ceiling"),), curves={"labels": (2, 4)})
    runs = plan(study)[CLEAN]
    results = [
        {"row": run.row.name, "budget": run.budget, "seed": 0, "steps": run.steps, "measured": {study.report: frames}}
        for run in runs
        for frames in ({"frames": 3, "values": {"miou_present": run.steps}},)
    ]
    runner = LimitsRunner(study, ".")
    monkeypatch.setattr(runner, "_runner", lambda *_: Mock(results=lambda: results))
    assert [r["value"] for r in runner.results() if r["row"] == "ceiling"] == [2, 4]


def test_the_cheap_version_changes_what_it_says_and_nothing_else(study):
    cheap = cheap_version(study)
    assert cheap.name == "tiny_cheap" and cheap.curves == {"tau": (0.5,)}
    assert cheap.fit["data"] == {**study.fit["data"], "batch_size": 4} and cheap.budget == study.budget
    assert study.only(["labels"], [3]).curves == {"labels": (2, 4)}
    with pytest.raises(ConfigurationError, match="has no curve 'kinect'; it has: tau, labels, holes"):
        study.only(["kinect"])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("limits")
    write_complete_folder(home / "complete", train=8)
    return home


def test_curves_of_threshold_and_noise_are_trained_gathered_and_drawn(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    curves = {"tau": [0.0], "holes": [0.5]}
    # The only step of one would be too small to tell anything apart.
    written(home / "tiny.yaml", curves=curves, steps=2)
    command = ["limits", "tiny.yaml", "--root", ".", "--accelerator", "cpu", "--out", "results"]
    assert main(command) == 0
    content = json.loads((home / "results/tiny.json").read_text())
    assert {(r["curve"], r["value"], r["row"]) for r in content["results"]} == {
        *(("tau", 0.0, row) for row in ("ummt_d", "ummt_ps")),
        *(("holes", level, row) for level in (0.0, 0.5) for row in ("ummt_d", "ummt_ps")),
    }
    figures = {(r["curve"], r["value"], r["row"]): r["values"] for r in content["results"]}
    assert figures["tau", 0.0, "ummt_d"] == figures["holes", 0.0, "ummt_d"]
    assert figures["tau", 0.0, "ummt_ps"] != figures["holes", 0.0, "ummt_ps"]  # where it is 0.9, as ever
    assert figures["holes", 0.5, "ummt_d"] != figures["holes", 0.0, "ummt_d"]
    worse = DatasetFolder(home / "runs/tiny/data/complete_holes-0.5")
    name = worse.names("train")[0]
    before = DatasetFolder(home / "complete").read_depth(name)
    assert np.count_nonzero(worse.read_depth(name)) == pytest.approx(np.count_nonzero(before) / 2, abs=1)
    table = (home / "results/tiny.md").read_text()
    assert "A pilot: one seed" in table and "## holes: depth rmse, m" in table
    assert cv2.imread(str(home / "results/tiny.png")) is not None

    made = {path: path.stat().st_mtime_ns for path in home.rglob("*.ckpt")}
    assert len(made) == 7 and main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in made} == made
    capsys.readouterr()
    assert main(["limits", "tiny.yaml", "--root", ".", "--seeds", "5", "--table-only"]) == 2
    assert "holds no result yet" in capsys.readouterr().err

    # The degraded copy is of what the data were.
    name = DatasetFolder(home / "complete").names("val")[0]
    depth = home / "complete" / "depth" / f"{name}.png"
    cv2.imwrite(str(depth), np.full_like(cv2.imread(str(depth), cv2.IMREAD_UNCHANGED), 1234))
    assert main(command) == 2
    assert "complete_holes-0.5 was begun with other settings than now (data differ" in capsys.readouterr().err


def test_labels_carried_by_poses_are_followed_while_the_poses_get_worse(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"f{i:02d}" for i in range(12)]
    room = write_room(tmp_path / "room", splits={"train": names[:9], "val": names[9:]})
    changes = {"dataset": "room", "report": "room:val", "students": ["ummt_reprojected"], "controls": ["umst_s"]}
    changes |= {"curves": {"localisation": [10]}, "budget": {"depth": 9, "semantic": 3}}
    path = written(tmp_path / "poses.yaml", **changes, steps=2, teacher_steps=0)
    assert trained(read_limits_study(path)) == {
        CLEAN: [f"depth9-semantic3/{row}/seed0-steps2" for row in ("umst_s", "ummt_reprojected")],
        "localisation-10": ["depth9-semantic3/ummt_reprojected/seed0-steps2"],
    }
    assert main(["limits", str(path), "--root", ".", "--accelerator", "cpu"]) == 0
    content = json.loads((tmp_path / "runs/poses/poses.json").read_text())
    figures = {(r["value"], r["row"]): r["values"] for r in content["results"]}
    assert figures[0, "umst_s"] == figures[10, "umst_s"]
    assert figures[0, "ummt_reprojected"] != figures[10, "ummt_reprojected"]
    home = tmp_path / "runs/poses"
    labels = [
        PseudoFolder(home / f"{data}depth9-semantic3/pseudo/reprojected-seed0") for data in ("", "localisation-10/")
    ]
    budget = LabelBudget.read(home / "depth9-semantic3/budget-budget-seed0.json", room)
    hidden = [n for n in names[:9] if not budget.keeps("semantic", n)]
    exact, worse = ([folder.confident("semantic", n).mean() for n in hidden] for folder in labels)
    assert np.mean(worse) < 0.9 * np.mean(exact)
    table = (home / "poses.md").read_text()
    assert "## localisation: mIoU, %" in table and "All rows took 2 steps." in table
    np.savetxt(room.path("pose", "f11"), np.eye(4))
    runner = LimitsRunner(read_limits_study(path), ".")
    with pytest.raises(ConfigurationError, match=r"room_localisation-10 was begun .* \(poses differ"):
        runner.run_all()


def test_a_control_that_is_a_teacher_too_is_told_of_at_the_length_of_the_others(study, monkeypatch):
    study = replace(study, students=(read_row("ummt_pu"),), controls=(read_row("ummt"),), teacher_steps=5)
    measured = {
        (run.row.name, run.steps): {
            "row": run.row.name,
            "budget": run.budget,
            "seed": run.seed,
            "steps": run.steps,
            "measured": {study.report: {"frames": 3, "values": {"miou_present": run.steps / 10}}},
        }
        for run in plan(study)[CLEAN]
        if run.budget == study.budget
    }
    for order in (sorted(measured), sorted(measured, reverse=True)):
        runner = LimitsRunner(study, ".")
        monkeypatch.setattr(runner, "_runner", lambda *_, o=order: Mock(results=lambda: [measured[key] for key in o]))
        found = [r["values"]["miou_present"] for r in runner.results() if r["row"] == "ummt" and r["curve"] == "tau"]
        assert found == [0.1, 0.1]


def result(value: float, row: str, seed: int, miou: float) -> dict:
    where = {"curve": "labels", "value": value, "row": row, "student": row == "ummt_ps", "seed": seed}
    return {**where, "frames": 3, "values": {"miou_present": miou}}


def test_a_student_helps_while_its_interval_is_above_the_best_control(study):
    gains = {2: (0.10, 0.11, 0.09), 4: (0.01, -0.02, 0.00), 8: (-0.05, -0.06, -0.05)}
    results = []
    for value, of_seeds in gains.items():
        for seed, gain in enumerate(of_seeds):
            base = 0.3 + 0.05 * seed  # seeds differ more than rows do
            results += [result(value, "ummt_d", seed, base), result(value, "ummt_ps", seed, base + gain)]
            results.append(result(value, "umst_s", seed, 0.1))
    found = verdicts(levels(results, "miou_present"), "miou_present")
    assert [(v.value, v.over, v.difference.verdict) for v in found] == [
        (2, "ummt_d", "helps"),
        (4, "ummt_d", "undecided"),
        (8, "ummt_d", "hurts"),
    ]
    assert not levels(results, "rmse")
    told = replace(study, curves={"labels": (2, 4, 8)}, controls=(*study.controls, read_row("umst_s")))
    table = markdown(told, results, "p.png")
    assert "steps behind them" not in table
    inherited = replace(told, students=(*told.students, read_row("ummt_ps_soft_inherit_balanced")))
    assert "Rows from the teacher's weights have its steps behind them" in markdown(inherited, results, "p.png")
    assert "| 2 | 35.0 ± 12.4 | 45.0 ± " in table and "+10.0 ± 2.5 helps (UMMT-D)" in table and "?" in table
    assert "- **labels of the scarce task**, mIoU, UMMT-PS: helps at 2; undecided at 4; hurts at 8" in table


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"students": ["ummt_d"]}, "ummt_d learns no pseudo-labels: it is no student"),
        ({"controls": []}, "it needs students, controls, seeds and curves"),
        (
            {"curves": {"lidar": [1]}},
            "unknown curve 'lidar'; known: tau, labels, kinect, disparity, holes, localisation",
        ),
        ({"curves": {"tau": []}}, "the curve tau has no values"),
        ({"curves": {"tau": [0.5]}, "students": ["ummt_ps_soft"]}, "tau is of a teacher's confident classes"),
        ({"curves": {"tau": [0.5]}, "students": ["ummt_reprojected"]}, "tau is of a teacher's confident classes"),
        ({"curves": {"localisation": [1]}}, "localisation is of labels carried by poses: no student learns any"),
        ({"curves": {"localisation": [0]}, "students": ["ummt_reprojected"]}, "level 0 of localisation: above 0"),
        ({"teacher_steps": -1}, "teacher_steps is -1, not a whole number, 0 or more"),
        ({"budget": {"depth": 8}}, "the budget has no semantic, which is to be scarce"),
        ({"cheap": {"rows": []}}, "cheap may not change rows"),
        ({"steps": 0}, "steps is 0, not a whole number, 1 or more"),
        ({"steps": None}, "steps is None, not a whole number"),
        ({"report_frames": "all"}, "report_frames is 'all', not a whole number"),
        ({"fit": None}, "fit holds groups of arguments"),
        ({"fit": {"data": 5}}, "fit holds groups of arguments"),
        ({"budget": {"depth": 8, "semantic": "4"}}, "budget holds numbers of labels by task"),
        ({"students": "ummt_ps"}, r"students is a list of rows: \[ummt_ps\]"),
        ({"controls": ["ummt_pu"]}, "ummt_pu learns pseudo-labels: it is no control"),
        ({"curves": {"disparity": ["5e-1"]}}, "'5e-1' of the curve disparity is no number"),
        ({"curves": {"tau": [1.0]}}, "tau 1 is no softmax"),
        ({"curves": {"labels": [2.5]}}, "2.5 labels: a whole number"),
        ({"curves": {"holes": [75]}}, "level 75 of holes: above 0, and of holes below 1"),
        ({"curves": {"kinect": [-1]}}, "level -1 of kinect: above 0"),
        ({"colour": "red"}, "is no study of limits"),
    ],
)
def test_a_study_that_cannot_be(tmp_path, changes, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        read_limits_study(written(tmp_path / "bad.yaml", **changes))


def test_the_studies_that_come_along_can_be_read():
    for path in STUDIES.glob("limits_*.yaml"):
        study = read_limits_study(path)
        assert len(plan(cheap_version(study))) > 1 and cost(study)
