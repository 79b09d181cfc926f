"""Rows and studies as YAML: what they say, what they quote, what is refused."""

from __future__ import annotations

import pytest
from tiny_study import tiny_study

from training.errors import ConfigurationError
from training.reproduce.row import ROWS, read_row
from training.reproduce.study import read_study
from training.yaml_file import STUDIES

PAPER_ROWS = {"umst_s", "ummt", "ummt_d", "fmst", "mmst", "mmmt_d", "mmmt_s", "ummt_ps", "ummt_pd"}
OUR_ROWS = {"umst_d", "ummt_pu", "ummt_steps", "ceiling"}


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


def test_the_paper_is_quoted_right():
    """Tables 3 and 4: what pseudo-labels gain, and what the mirror case loses."""
    rows = {name: read_row(name).paper["nyudv2"] for name in ("ummt", "ummt_ps", "ummt_pd", "umst_s")}
    assert (rows["ummt"]["miou"], rows["ummt_ps"]["miou"]) == (22.1, 25.3)
    assert (rows["ummt"]["rmse"], rows["ummt_ps"]["rmse"], rows["ummt_pd"]["rmse"]) == (0.790, 0.653, 0.882)
    assert rows["umst_s"]["miou"] == 20.7


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("co_teachers: umst_s", r"co_teachers is a list: \[umst_s\]"),
        ("co_teachers: [umst_s]", "beside a teacher, each once"),
        ("teacher: mmmt_d\nco_teachers: [mmmt_d]", "beside a teacher, each once"),
        ("teacher: mmmt_d\nlabels: mirror\nco_teachers: [umst_s]", "label classes within the budget"),
        ("teacher: mmmt_d\nlabels: all", "there is nothing to label"),
        ("reprojected: true\nlabels: all", "of no teacher: leave out labels"),
        ("reprojected: true\nlabels: mirror", "of no teacher: leave out labels"),
        ("reprojected: true\nteacher: mmmt_d", "of no teacher: leave out teacher"),
        ("reprojected: true\nsoft: true", "of no teacher: leave out soft"),
        ("reprojected: true\ninherit: true", "of no teacher: leave out inherit"),
        ("reprojected: 3", "reprojected is true or false, not 3"),
    ],
)
def test_teachers_that_cannot_be_are_refused_before_anything_is_trained(tmp_path, monkeypatch, content, complaint):
    refused_row(tmp_path, monkeypatch, f"title: mine\n{content}\n", complaint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("title: mine\nrequire: 3", r"require is a list: \[3\]"),
        ("title: mine\nscales:", r"scales is a list: \[None\]"),
        ("title: mine\nteacher: ummt\nscales: [1, 8]", r"scales \[1, 8\] are to be a list of numbers, each 0.25 to 4"),
        ("title: mine\nteacher: ummt\nscales: [big]", "are to be a list of numbers"),
        ("title: mine\nteacher: [a]", r"teacher is a text, not \['a'\]"),
        ("title: mine\nmodel: [rgb]", r"model holds fields, e.g. \{tasks: \[semantic\]\}, not \['rgb'\]"),
        ("title: mine\nlabels: [some]", r"labels is budget, mirror or all, not \['some'\]"),
        ("title: mine\ntau: 0.9", "a row has no 'tau'; it may say co_teachers"),
        ("soft: true", "mine.yaml has no title"),
        ("- title", "it holds no fields"),
        ("title: \ud800".encode("utf-8", "surrogatepass"), "is no YAML"),
    ],
)
def test_a_row_that_says_what_it_cannot_is_refused_in_a_line(tmp_path, monkeypatch, content, complaint):
    refused_row(tmp_path, monkeypatch, content, complaint)


def refused_row(rows, monkeypatch, content, complaint):
    """Have ``read_row`` refuse a row of this ``content``."""
    monkeypatch.setattr("training.reproduce.row.ROWS", rows)
    (rows / "mine.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match=complaint):
        read_row("mine")


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


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rows": ["umst_x"]}, "no row 'umst_x'; known: ceiling"),
        ({"epochs": 3}, "either steps or epochs"),
        ({"choose": ""}, "need `choose`"),
        ({"seeds": []}, "has budgets, seeds and rows"),
        ({"budgets": {"depth": 4}}, r"budgets is a list of labels by task, \[\{depth"),
        ({"budgets": [{"depth": "many"}]}, "budgets is a list of labels by task"),
        ({"fit": []}, "fit holds groups of arguments"),
        ({"fit": {"data": 3}}, "fit holds groups of arguments"),
        ({"baselines": ["ummt"]}, "ummt is to be compared with, but is none of the rows"),
        ({"colour": "red"}, "is no study: .*colour"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(tmp_path, change, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        tiny_study(tmp_path, **change)
