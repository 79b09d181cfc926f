"""``python -m training budget``."""

from __future__ import annotations

import pytest
from budget_folders import full_folder

from training.__main__ import main
from training.datasets.label_budget import LabelBudget
from training.datasets.label_drawing import draw


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return full_folder(tmp_path_factory.mktemp("data") / "full")


def test_the_command_writes_what_it_says(tmp_path, full, capsys, monkeypatch):
    out = tmp_path / "budget.json"
    command = ["budget", f"{full.root}:train", "--labels", "depth=50", "semantic=25", "--seed", "4", "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert [line.split() for line in said.splitlines()[1:4]] == [
        ["depth", "50", "of", "60"],
        ["semantic", "25", "of", "60"],
        ["depth", "+", "semantic", "25", "of", "60"],
    ]
    written = LabelBudget.read(out, full)
    assert written == draw(full, "train", {"depth": 50, "semantic": 25}, 4)
    assert main(command) == 0  # the same again is no loss
    assert main([*command, "--seed", "5"]) == 2
    assert "holds another budget" in capsys.readouterr().err and LabelBudget.read(out) == written
    monkeypatch.chdir(full.root)
    assert main(["budget", ".:train", "--ratio", "depth:semantic=3:1", "--out", str(tmp_path / "here.json")]) == 0
    assert LabelBudget.read(tmp_path / "here.json", full).dataset == "full"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "depth=all", "semantic=many"], "'semantic=many' is not TASK=NUMBER"),
        (["--labels", "depth=3", "depth=4"], "'depth=4' is not TASK=NUMBER, each task once"),
        (["--labels", "depth=61"], "only 60 frames"),
        (["--ratio", "depth:semantic=10"], "is not TASK:TASK=N:M"),
        (["--ratio", "depth:depth=10:1"], "is not TASK:TASK=N:M"),
        (["--random", "depth=2"], "a share is above 0"),
        (["--one-label", "depth", "sematic"], "unknown task 'sematic'"),
        (["--labels", "depth=3", "--out", "/dev/null/budget.json"], "cannot write /dev/null/budget.json"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(full, capsys, arguments, message):
    assert main(["budget", f"{full.root}:train", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said and said.startswith("error: ") and said.count("\n") == 1


def test_the_command_draws_by_every_rule(full, tmp_path, capsys):
    rules = {
        ("--one-label", "depth", "semantic"): "one label a frame: depth or semantic",
        ("--random", "depth=0.5", "instance=0.1"): "each label by chance: depth=0.5 instance=0.1",
        ("--labels", "depth=all", "semantic=5", "--overlap", "independent"): "depth=all semantic=5 independent",
    }
    for number, (arguments, rule) in enumerate(rules.items()):
        out = tmp_path / f"{number}.json"
        assert main(["budget", str(full.root), *arguments, "--out", str(out)]) == 0
        assert LabelBudget.read(out, full).rule == rule
    assert "frames with a label" in capsys.readouterr().out
