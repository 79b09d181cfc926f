"""A budget in a file: what it keeps, and which files are none."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from budget_folders import holey_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from training.datasets.label_budget import TASKS, LabelBudget
from training.errors import ConfigurationError

examples = settings(max_examples=25)


@pytest.fixture(scope="module")
def holey(tmp_path_factory):
    return holey_folder(tmp_path_factory.mktemp("data") / "holey")


names = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True), unique=True, max_size=6).map(tuple)
label_lists = st.dictionaries(st.sampled_from(TASKS), names)
budgets = st.builds(LabelBudget, st.text(), st.none() | st.text(), st.integers(), st.text(), label_lists)


@examples
@given(budgets)
def test_a_budget_survives_its_file(budget):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / "budget.json"
        budget.write(path)
        assert LabelBudget.read(path) == budget
        assert LabelBudget.from_json(path.read_text(encoding="utf-8")).to_json() == budget.to_json()
        assert os.listdir(path.parent) == ["budget.json"]


def test_what_is_kept():
    budget = LabelBudget("d", "train", 0, "by hand", {"depth": ("b", "a", "c"), "semantic": ("c", "d"), "pose": ()})
    assert [budget.keeps("depth", n) for n in "abcd"] == [True, True, True, False]
    assert not budget.keeps("pose", "a")
    assert budget.keeps("instance", "x")  # not listed: not limited
    assert budget.frames("depth") == ["a", "b", "c"] and budget.frames("depth", "semantic") == ["c"]
    assert budget.frames("depth", "instance") == ["a", "b", "c"] and budget.frames("instance") == []
    assert budget.any_frames() == ["a", "b", "c", "d"]


SOUND = {"dataset": "holey", "split": "train", "seed": 3, "rule": "by hand", "labels": {"depth": ["f00", "f01"]}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {"sematic": ["f00"]}}, "unknown task 'sematic'"),
        ({"labels": {"depth": ["f00", "../f01"]}}, "depth: '../f01' cannot name a frame"),
        ({"labels": {"depth": ["f00", 7]}}, "depth: 7 cannot name a frame"),
        ({"labels": {"depth": ["f00", "f01", "f00"]}}, "depth lists frame f00 2 times"),
        ({"labels": {"depth": "f00"}}, "depth must be a list of frame names"),
        ({"labels": ["f00"]}, "labels must be an object"),
        ({"seed": True}, "seed must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"split": 4}, "split must be text or null"),
        ({"dataset": None}, "dataset must be text"),
        ({"dataset": "house"}, "the budget is for the data set 'house', not 'holey'"),
        ({"split": "val"}, "has no split 'val'"),
        ({"labels": {"depth": ["f00", "g00"]}}, "depth lists frame g00, which .*holey:train does not have"),
        ({"labels": {"depth": ["f00", "f55"]}}, r"depth lists frame f55, which has no .*depth.f55\.png"),
    ],
)
def test_a_file_that_is_no_sound_budget_is_named(tmp_path, holey, change, message):
    path = tmp_path / "budget.json"
    path.write_text(json.dumps({**SOUND, "remark": "kept out"}))
    assert LabelBudget.read(path, holey).seed == 3
    path.write_text(json.dumps({**SOUND, **change}))
    with pytest.raises(ConfigurationError, match=message) as caught:
        LabelBudget.read(path, holey)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("key", SOUND)
def test_a_file_that_lacks_a_field_is_named(tmp_path, key):
    path = tmp_path / "budget.json"
    path.write_text(json.dumps({k: v for k, v in SOUND.items() if k != key}))
    with pytest.raises(ConfigurationError, match=f"{path}: it lacks '{key}'"):
        LabelBudget.read(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"nonsense", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "budget.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=str(path)):
        LabelBudget.read(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot read the label budget .*none\.json: No such file"):
        LabelBudget.read(tmp_path / "none.json")
