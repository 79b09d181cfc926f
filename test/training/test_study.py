"""Studies: rows as YAML, runs that go on where they stopped, tables that say what was measured."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import re
import shutil
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mtl_perception.model_card import Evaluation
from training.__main__ import main
from training.datasets.pseudo_folder import PseudoFolder, PseudoInfo
from training.errors import ConfigurationError
from training.reproduce.command import pictured_runs
from training.reproduce.plateau import is_past_plateau
from training.reproduce.row import ROWS, read_row
from training.reproduce.runner import StudyRunner
from training.reproduce.study import STUDIES, read_study
from training.reproduce.summary import Spread, at_best_length, gains
from training.reproduce.table import markdown

PAPER_ROWS = {"umst_s", "ummt", "ummt_d", "fmst", "mmst", "mmmt_d", "mmmt_s", "ummt_ps", "ummt_pd"}
OUR_ROWS = {"umst_d", "ummt_pu", "ummt_steps", "ceiling"}

STUDY = {
    "dataset": "balls",
    "split": "train",
    "report": "balls:val",
    "choose": "balls:train",
    "budgets": [{"depth": 4, "semantic": 2}],
    "seeds": [0],
    "steps": [1, 2],
    "rows": ["umst_s", "ummt_ps"],
    "fit": {
        "data": {"height": 64, "width": 64, "focal_length": 50, "batch_size": 2, "workers": 0},
        "model": {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]},
    },
}


@pytest.fixture(scope="module")
def studied(tmp_path_factory, folder):
    """A small study, run as a user runs it."""
    home = tmp_path_factory.mktemp("study")
    (home / "tiny.yaml").write_text(yaml.safe_dump(STUDY))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        arguments = ["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--accelerator", "cpu"]
        assert main([*arguments, "--out", "results"]) == 0
    return home


@pytest.mark.parametrize("name", sorted(p.stem for p in ROWS.glob("*.yaml")))
def test_every_row_makes_sense(name):
    row = read_row(name)
    assert set(row.tasks) <= {"depth", "semantic"} and set(row.inputs) <= {"rgb", "depth", "semantic", "rgbd"}
    for other in filter(None, (*row.teachers, row.steps_of)):
        assert read_row(other)
    for teacher in map(read_row, row.teachers):
        missing = "depth" if row.labels == "mirror" else "semantic"
        assert missing not in row.inputs and missing in teacher.tasks and missing not in teacher.inputs


def test_every_row_of_the_paper_is_there():
    assert {p.stem for p in ROWS.glob("*.yaml")} >= PAPER_ROWS | OUR_ROWS


@pytest.mark.parametrize(
    "path",
    sorted(p for p in STUDIES.glob("*.yaml") if p.stem != "toy" and not p.stem.startswith(("affinity_", "limits_"))),
    ids=lambda p: p.stem,
)
def test_the_studies_can_be_read_and_teachers_come_first(path):
    names = [row.name for row in read_study(path).with_teachers()]
    for row in read_study(path).with_teachers():
        for other in filter(None, (*row.teachers, row.steps_of)):
            assert names.index(other) < names.index(row.name)


def test_the_paper_is_quoted_right():
    """Tables 3 and 4: what pseudo-labels gain, and what the mirror case loses."""
    rows = {name: read_row(name).paper["nyudv2"] for name in ("ummt", "ummt_ps", "ummt_pd", "umst_s")}
    assert (rows["ummt"]["miou"], rows["ummt_ps"]["miou"]) == (22.1, 25.3)
    assert (rows["ummt"]["rmse"], rows["ummt_ps"]["rmse"], rows["ummt_pd"]["rmse"]) == (0.790, 0.653, 0.882)
    assert rows["umst_s"]["miou"] == 20.7


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
    changed = {**STUDY, "fit": {**STUDY["fit"], "model": {**STUDY["fit"]["model"], "learning_rate": 1e-4}}}
    (studied / "changed" / "tiny.yaml").write_text(yaml.safe_dump(changed))
    for more in ([], ["--table-only"]):
        assert main(["reproduce", "changed/tiny.yaml", "--root", str(folder.root.parent), *more]) == 2
        assert "was begun with other settings than now (fit differ; see " in capsys.readouterr().err


def test_other_frames_to_measure_on_are_measured_without_training_anew(studied, folder, tmp_path, monkeypatch):
    run = "runs/tiny/depth4-semantic2/umst_s/seed0-steps1"
    shutil.copytree(studied / run, tmp_path / run)
    trained = (tmp_path / run / "last.ckpt").stat().st_mtime_ns
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({**STUDY, "choose": "balls"}))
    monkeypatch.chdir(tmp_path)
    only = ["--rows", "umst_s", "--steps", "1", "--accelerator", "cpu"]
    assert main(["reproduce", "tiny.yaml", "--root", str(folder.root.parent), *only]) == 0
    assert json.loads((tmp_path / run / "result.json").read_text())["measured"].keys() == {"balls:val", "balls"}
    assert (tmp_path / run / "last.ckpt").stat().st_mtime_ns == trained


def test_a_teacher_is_trained_as_long_as_its_student_unless_the_study_says_how_long(tmp_path, folder, monkeypatch):
    """A student comes to know what its labels tell: from a teacher far from its plateau it cannot come to its own."""
    monkeypatch.chdir(tmp_path)
    for more, lengths in (({}, {1: 1, 2: 2}), ({"teacher_steps": 5}, {1: 5, 2: 5})):
        (tmp_path / "s.yaml").write_text(yaml.safe_dump({**STUDY, **more}))
        runner = StudyRunner(read_study(tmp_path / "s.yaml"), str(folder.root.parent))
        students = [run for run in runner.runs() if run.row.name == "ummt_ps"]
        assert {run.steps: runner.teachers_of(run)[0].steps for run in students} == lengths


def test_several_teachers_are_trained_and_label_together(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**STUDY, "rows": ["ummt_ps_ensemble"], "steps": [1]}))
    root = ["--root", str(folder.root.parent), "--accelerator", "cpu"]
    assert main(["reproduce", "s.yaml", *root]) == 0
    runner = StudyRunner(read_study(tmp_path / "s.yaml"), str(folder.root.parent))
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


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("co_teachers: umst_s", r"co_teachers is a list: \[umst_s\]"),
        ("co_teachers: [umst_s]", "beside a teacher, each once"),
        ("teacher: mmmt_d\nco_teachers: [mmmt_d]", "beside a teacher, each once"),
        ("teacher: mmmt_d\nlabels: mirror\nco_teachers: [umst_s]", "label classes within the budget"),
    ],
)
def test_co_teachers_that_cannot_be_are_refused_before_anything_is_trained(tmp_path, monkeypatch, content, complaint):
    monkeypatch.setattr("training.reproduce.row.ROWS", tmp_path)
    (tmp_path / "mine.yaml").write_text(f"title: mine\n{content}\n")
    with pytest.raises(ConfigurationError, match=complaint):
        read_row("mine")


def test_a_run_takes_one_device(tmp_path, folder, monkeypatch):
    """On all GPUs that a machine has, a batch would be as many times larger."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.fit.main", lambda argv: (_ for _ in ()).throw(ConfigurationError(" ".join(argv))))
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(STUDY))
    with pytest.raises(ConfigurationError, match=r"--trainer\.devices=1(\s|$)"):
        StudyRunner(read_study(tmp_path / "s.yaml"), str(folder.root.parent)).run_all()


def refusal(path, folder, changes: dict) -> str:
    """What is said of the study with ``changes`` before anything is trained."""
    path.write_text(yaml.safe_dump({**STUDY, **changes}))
    with pytest.raises(ConfigurationError) as error:
        StudyRunner(read_study(path), str(folder.root.parent)).run_all()
    return str(error.value)


def test_what_cannot_end_well_is_not_begun(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained"))
    # Nothing that is trained on may be reported.
    said = refusal(tmp_path / "s.yaml", folder, {"report": "balls"})
    assert "are of balls:train, which is trained on, and of balls, which is reported" in said
    # A budget's turn may come late.
    later = [{"depth": 4, "semantic": 2}, {"depth": 4, "semantic": 1}]
    said = refusal(tmp_path / "s.yaml", folder, {"budgets": later})
    assert said.startswith("depth4-semantic1/") and "1 frames to train on do not fill a batch of 2" in said
    said = refusal(tmp_path / "s.yaml", folder, {"budgets": [later[0], {"depth": 400, "semantic": 2}]})
    assert "depth=400" in said


def test_a_training_that_fails_is_named(tmp_path, folder, monkeypatch):
    def fail(argv):
        raise ConfigurationError("the loss is nan at step 3")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.fit.main", fail)
    assert refusal(tmp_path / "s.yaml", folder, {}) == "depth4-semantic2/mmmt_d/seed0-steps1: the loss is nan at step 3"


def test_runs_of_another_precision_are_not_mixed_in(studied, folder, monkeypatch, capsys):
    monkeypatch.chdir(studied)
    arguments = ["reproduce", "tiny.yaml", "--root", str(folder.root.parent), "--table-only"]
    assert main([*arguments, "--precision", "bf16-mixed"]) == 2
    assert "other settings than now (precision differ" in capsys.readouterr().err


def test_a_figure_that_a_seed_lacks_is_no_end(tmp_path):
    """Where a seed's network has no such figure, its file has none."""
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(STUDY))
    lacking = {**result("umst_s", 1, 0.6, 0.2), "seed": 1, "measured": {"balls:val": {"values": {}}}}
    for results in ([result("umst_s", 1, 0.6, 0.2), lacking], [lacking, result("umst_s", 1, 0.6, 0.2)]):
        assert "| UMST-S | rgb | 1 | 2 | nan" in markdown(read_study(tmp_path / "s.yaml"), results)


def test_every_row_is_in_the_pictures_also_where_their_lengths_differ(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = {**STUDY, "epochs": 3, "rows": ["ummt", "ummt_ps"]}
    content.pop("steps")
    for name, fields in (("epochs", content), ("steps", STUDY)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(fields))
        runner = StudyRunner(read_study(tmp_path / f"{name}.yaml"), str(folder.root.parent))
        for run in runner.runs():
            runner.checkpoint(run).parent.mkdir(parents=True)
            runner.checkpoint(run).touch()
        shown = {run.row.name: run.steps for run in pictured_runs(runner)}
        assert (
            shown
            == {
                "epochs": {"ummt": 3, "mmmt_d": 3, "ummt_ps": 6},
                "steps": {"umst_s": 2, "mmmt_d": 2, "ummt_ps": 2},
            }[name]
        )


def test_epochs_count_the_frames_a_row_trains_on(tmp_path, folder, monkeypatch):
    """As the paper counts: the student has more frames, so more steps; the control gets as many."""
    monkeypatch.chdir(tmp_path)
    content = {**STUDY, "epochs": 3, "rows": ["ummt", "ummt_steps", "ummt_ps"]}
    content.pop("steps")
    (tmp_path / "paper.yaml").write_text(yaml.safe_dump(content))
    runner = StudyRunner(read_study(tmp_path / "paper.yaml"), str(folder.root.parent))
    steps = {run.row.name: run.steps for run in runner.runs()}
    assert steps["ummt"] == 3 * (2 // 2) and steps["ummt_ps"] == 3 * (4 // 2) == steps["ummt_steps"]
    # Where the study names no size of a batch it is that of ``fit``.
    bare = StudyRunner(replace(runner.study, fit={}), str(folder.root.parent))
    assert {run.steps for run in bare.runs()} == {0}


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
def test_intervals_are_students(values):
    spread = Spread(tuple(values))
    if np.std(values) > 1e-6:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert spread.mean - spread.half_width == pytest.approx(low, abs=1e-6)
        assert spread.mean + spread.half_width == pytest.approx(high, abs=1e-6)


def test_one_seed_has_no_interval():
    assert math.isnan(Spread((1.0,)).half_width)


def result(row: str, steps: int, chosen: float, reported: float) -> dict:
    measured = {
        "balls:train": {"values": {"miou_present": chosen}},
        "balls:val": {"values": {"miou_present": reported}},
    }
    return {"row": row, "budget_name": "b", "steps": steps, "seed": 0, "measured": measured}


def test_the_length_is_chosen_without_a_look_at_what_is_reported(tmp_path):
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(STUDY))
    study = read_study(tmp_path / "s.yaml")
    results = [result("umst_s", 1, 0.6, 0.2), result("umst_s", 2, 0.5, 0.9)]
    (best,) = at_best_length(study, results, "miou_present")
    assert best.steps == 1 and best.figures["miou_present"].mean == 0.2
    assert "| UMST-S | 20.0 | 1 |" in markdown(study, results)


def test_a_length_that_lacks_seeds_is_not_the_best(tmp_path):
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(STUDY))
    study = read_study(tmp_path / "s.yaml")
    lucky = result("umst_s", 2, 0.9, 0.9)
    results = [result("umst_s", 1, 0.6, 0.2), {**result("umst_s", 1, 0.5, 0.3), "seed": 1}, lucky]
    assert [cell.steps for cell in at_best_length(study, results, "miou_present")] == [1]
    unlucky = {**result("umst_s", 2, 0.8, 0.7), "seed": 1}
    assert "| UMST-S | 80.0 ± 127.1 | 2 (longest) |" in markdown(study, [*results, unlucky])


def test_gains_are_told_seed_by_seed_over_the_best_row_without_a_teacher(tmp_path):
    """A seed whose budget is a bad draw is bad for all rows: pairs tell apart what means with wide intervals do not."""
    rows = ["umst_s", "ummt", "ummt_ps", "ceiling"]
    (tmp_path / "s.yaml").write_text(
        yaml.safe_dump({**STUDY, "rows": rows, "baselines": ["umst_s", "ummt"], "ceiling": "ceiling"})
    )
    study = read_study(tmp_path / "s.yaml")
    figures = {"umst_s": (0.1, 0.2, 0.3), "ummt": (0.2, 0.3, 0.4), "ummt_ps": (0.41, 0.32, 0.51), "ceiling": (0.6,) * 3}
    results = [
        {**result(row, 1, value, value), "seed": seed}
        for row, values in figures.items()
        for seed, value in enumerate(values)
    ]
    shuffled = [results[i] for i in np.random.default_rng(0).permutation(len(results))]
    gain, most = gains(study, shuffled, "miou_present")
    assert (most.row, most.over, most.share) == ("ceiling", "ummt", 1.0)
    assert sorted(most.difference.values) == pytest.approx([0.2, 0.3, 0.4])
    assert (gain.row, gain.over) == ("ummt_ps", "ummt")
    assert sorted(gain.difference.values) == pytest.approx([0.02, 0.11, 0.21])
    assert gain.share == pytest.approx((0.34 / 3) / 0.3)
    assert "| UMMT-PS | +11.3 ± 23.6 (38 %) | UMMT | - | - |" in markdown(study, shuffled)


def test_gains_are_told_at_equal_steps_too(tmp_path):
    """Else a row that was trained for longer is held against one that was not."""
    rows = ["umst_s", "ummt_ps"]
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**STUDY, "rows": rows, "baselines": ["umst_s"]}))
    study = read_study(tmp_path / "s.yaml")
    results = [result("umst_s", 1, 0.2, 0.2), result("ummt_ps", 1, 0.1, 0.1), result("ummt_ps", 2, 0.3, 0.3)]
    text = markdown(study, results)
    assert "| 1 | UMMT-PS | -10.0 | UMST-S | - | - |" in text and "| 2 | UMMT-PS" not in text
    assert "| UMMT-PS | +10.0 | UMST-S | - | - |" in text
    # More steps might be better still, of each row by itself.
    assert "| UMST-S | 20.0 | 1 (longest) |" in text and "| UMMT-PS | 30.0 | 2 (longest) |" in text


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
    content = {**STUDY, "rows": ["ummt"], "seeds": [0, 1], "steps": [1, 2, 4, 8]}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(content))
    runner = StudyRunner(read_study(tmp_path / "s.yaml"), str(folder.root.parent))
    assert [(run.steps, run.seed) for run in runner.runs()] == [(n, seed) for n in (1, 2, 4, 8) for seed in (0, 1)]
    trained = []

    def done(run):
        trained.append((run.steps, run.seed))
        values = {1: {"miou_present": 0.5, "rmse": 1.0}, 2: second}.get(
            run.steps, {"miou_present": 0.9, "rmse": 1 / run.steps}
        )
        # What is reported has no say.
        said = {"balls:train": values, "balls:val": {"miou_present": run.steps / 10, "rmse": 1 / run.steps}}
        measured = {t: {"frames": len(folder.names(t[6:])), "values": values} for t, values in said.items()}
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


def test_what_a_row_has_behind_it_is_said(tmp_path):
    """Equal steps are not all, where a student starts from a teacher that was trained."""
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(STUDY))
    study = read_study(tmp_path / "s.yaml")
    results, said = [result("umst_s", 1, 0.2, 0.2)], "Rows from the teacher's weights have its steps behind them"
    assert said not in markdown(study, results)
    assert said in markdown(replace(study, rows=(*study.rows, read_row("ummt_ps_soft_inherit"))), results)


def test_a_baseline_that_is_there_as_a_teacher_only_is_named(tmp_path):
    """As where one asks for a student of it by ``--rows``."""
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**STUDY, "rows": ["ummt", "ummt_pu"], "baselines": ["ummt"]}))
    study = replace(read_study(tmp_path / "s.yaml"), rows=(read_row("ummt_pu"),))
    results = [result("ummt", 1, 0.2, 0.2), result("ummt_pu", 1, 0.3, 0.3)]
    assert "| UMMT-PS, uni-modal teacher | +10.0 | UMMT | - | - |" in markdown(study, results)


def test_labels_of_a_teacher_that_was_trained_anew_since_are_not_learnt_nor_told_of(tmp_path, folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(STUDY))
    runner = StudyRunner(read_study(tmp_path / "s.yaml"), str(folder.root.parent))
    student = next(run for run in runner.runs() if run.row.name == "ummt_ps")
    teacher = runner.checkpoint(runner.teachers_of(student)[0])
    teacher.parent.mkdir(parents=True)
    teacher.write_bytes(b"first")
    written_by = hashlib.sha256(b"first").hexdigest()
    info = PseudoInfo("balls", str(teacher), written_by, (), ("semantic",), 0.9, 0.05, 64, 48, 3, 1000.0, True)
    labels = PseudoFolder.create(runner.pseudo_folder(student), info).root
    measured = {text: {"frames": len(folder.names(text[6:])), "values": {}} for text in ("balls:val", "balls:train")}
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
    content = {**STUDY, "rows": ["ceiling"], "steps": [1], "budgets": [{"depth": 4, "semantic": n} for n in (2, 3)]}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(content))
    runner = StudyRunner(read_study(tmp_path / "s.yaml"), str(folder.root.parent))
    trained = []
    monkeypatch.setattr(runner, "_fit", lambda run: trained.append(run))
    monkeypatch.setattr("training.reproduce.runner.load_checkpoint", lambda path: Mock())
    monkeypatch.setattr(
        "training.reproduce.runner.evaluate_checkpoint",
        lambda _, frames, split: (Evaluation("balls", split, len(frames.names), {}), {}),
    )
    runner.run_all()
    assert len(trained) == 1
    assert [r["budget_name"] for r in runner.results()] == ["depth4-semantic2", "depth4-semantic3"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rows": ["umst_x"]}, "no row 'umst_x'; known: ceiling"),
        ({"epochs": 3}, "either steps or epochs"),
        ({"choose": ""}, "need `choose`"),
        ({"seeds": []}, "has budgets, seeds and rows"),
        ({"baselines": ["ummt"]}, "ummt is to be compared with, but is none of the rows"),
        ({"colour": "red"}, "is no study: .*colour"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(tmp_path, change, complaint):
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**STUDY, **change}))
    with pytest.raises(ConfigurationError, match=complaint):
        read_study(tmp_path / "s.yaml")
