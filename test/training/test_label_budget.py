"""A budget keeps exactly what was asked for, the same at every draw, smaller ones within larger ones."""

from __future__ import annotations

import json
import os
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.dataset_folder import DatasetError, DatasetFolder, DatasetInfo
from training.__main__ import main
from training.datasets.label_budget import TASKS, LabelBudget
from training.datasets.label_drawing import draw, draw_one_label, draw_random, draw_ratio
from training.errors import ConfigurationError

seeded = settings(derandomize=True, deadline=None, max_examples=25)
seeds = st.integers(-5, 2**32)


def make_folder(root: Path, carried: dict[str, set[str]], names: list[str], **info) -> DatasetFolder:
    """A data set folder of empty files: a draw looks at what is there, not into it."""
    for kind, suffix, frames in (("rgb", ".jpg", names), *((task, ".png", carried[task]) for task in carried)):
        (root / kind).mkdir(parents=True, exist_ok=True)
        for name in frames:
            (root / kind / f"{name}{suffix}").touch()
    fields = {"splits": {"train": names}, **info}
    described = DatasetInfo(width=4, height=4, licence="CC0-1.0", source="made up", **fields)
    (root / "dataset.json").write_text(described.to_json(), encoding="utf-8")
    return DatasetFolder(root)


NAMES = [f"f{i:02d}" for i in range(60)]
DEPTH, SEMANTIC = set(NAMES[:50]), set(NAMES[20:])  # 30 frames have both


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> DatasetFolder:
    """Every frame has every label."""
    return make_folder(tmp_path_factory.mktemp("a") / "full", {t: set(NAMES) for t in TASKS[:3]}, NAMES)


@pytest.fixture(scope="module")
def holey(tmp_path_factory) -> DatasetFolder:
    """50 frames have depth, 40 have classes, 30 both, and none object ids."""
    return make_folder(tmp_path_factory.mktemp("b") / "holey", {"depth": DEPTH, "semantic": SEMANTIC}, NAMES)


@seeded
@given(seeds, st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_counts_are_exact_and_the_scarcer_is_nested_in_the_richer(full, seed, depth, semantic, instance):
    counts = {"depth": depth, "semantic": semantic, "instance": instance}
    budget = draw(full, "train", counts, seed)
    assert {task: len(set(names)) for task, names in budget.labels.items()} == counts
    scarce_first = sorted(budget.labels.values(), key=len)
    for scarcer, richer in pairwise(scarce_first):
        assert set(scarcer) <= set(richer) <= set(NAMES)
    assert draw(full, "train", counts, seed) == budget


@seeded
@given(seeds, st.integers(1, 50), st.integers(1, 30), st.sampled_from(["nested", "independent"]))
def test_only_labels_on_disk_are_drawn(holey, seed, depth, semantic, overlap):
    budget = draw(holey, "train", {"semantic": semantic, "depth": depth}, seed, overlap)
    assert set(budget.labels["depth"]) <= DEPTH and set(budget.labels["semantic"]) <= SEMANTIC
    assert (len(budget.labels["depth"]), len(budget.labels["semantic"])) == (depth, semantic)
    budget.check(holey)
    if overlap == "nested":
        assert len(budget.frames("depth", "semantic")) == min(depth, semantic)


@seeded
@given(seeds, st.data(), st.sampled_from(["nested", "independent"]))
def test_a_smaller_budget_lies_within_a_larger_one(holey, seed, data, overlap):
    large = {"depth": data.draw(st.integers(1, 50)), "semantic": data.draw(st.integers(1, 30))}
    small = {task: data.draw(st.integers(1, count)) for task, count in large.items()}
    one, other = draw(holey, "train", small, seed, overlap), draw(holey, "train", large, seed, overlap)
    for task in large:
        assert set(one.labels[task]) <= set(other.labels[task])


@seeded
@given(seeds, st.data())
def test_three_tasks_nest_across_budgets_too(full, seed, data):
    large = {task: data.draw(st.integers(1, 60)) for task in TASKS[:3]}
    small = {task: data.draw(st.integers(1, count)) for task, count in large.items()}
    one, other = draw(full, "train", small, seed), draw(full, "train", large, seed)
    assert all(set(one.labels[task]) <= set(other.labels[task]) for task in large)


def test_another_seed_is_another_draw_that_spreads_over_the_frames(full):
    draws = [draw(full, "train", {"depth": 15}, seed).labels["depth"] for seed in range(80)]
    assert len(set(draws)) == 80
    # Each frame is drawn 20 of 80 times on average, with a standard deviation of 3.9.
    times = [sum(name in names for names in draws) for name in NAMES]
    assert min(times) > 4 and max(times) < 36


def test_a_draw_stays_the_same_from_release_to_release(full):
    """Golden: a change of the draw would silently make every published budget another one."""
    budget = draw(full, "train", {"depth": 6, "semantic": 3}, 0)
    assert budget.labels == {
        "depth": ("f04", "f05", "f15", "f22", "f25", "f56"),
        "semantic": ("f15", "f22", "f25"),
    }


def test_the_order_of_the_split_does_not_matter(tmp_path, full):
    turned = make_folder(tmp_path / "full", {"depth": set(NAMES)}, NAMES, splits={"train": NAMES[::-1]})
    assert draw(turned, "train", {"depth": 20}).labels == draw(full, "train", {"depth": 20}).labels


def test_independent_draws_overlap_by_chance_only(full):
    overlaps = [len(draw(full, "train", {"depth": 30, "semantic": 30}, s, "independent").frames("depth", "semantic"))
                for s in range(40)]  # fmt: skip
    # 15 each on average, standard deviation 1.95, so 0.31 for the mean of 40.
    assert 14 < sum(overlaps) / 40 < 16 and len(set(overlaps)) > 2


def test_all_keeps_all_and_the_rest_lies_within(holey):
    budget = draw(holey, "train", {"depth": None, "semantic": 25})
    assert set(budget.labels["depth"]) == DEPTH and set(budget.labels["semantic"]) <= DEPTH
    assert budget.rule == "depth=all semantic=25 nested"
    both = draw(holey, "train", {"depth": None, "semantic": None})
    assert (set(both.labels["depth"]), set(both.labels["semantic"])) == (DEPTH, SEMANTIC)


def test_no_split_means_all_frames(holey):
    budget = draw(holey, None, {"depth": 50})
    assert budget.split is None and set(budget.labels["depth"]) == DEPTH
    budget.check(holey)


@seeded
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.sampled_from(["nested", "independent"]))
def test_a_ratio_takes_as_much_as_there_is(holey, seed, depth, semantic, overlap):
    budget = draw_ratio(holey, "train", {"depth": depth, "semantic": semantic}, seed, overlap)
    found = {task: len(names) for task, names in budget.labels.items()}
    scale = max(Fraction(found["depth"] + 1, depth), Fraction(found["semantic"] + 1, semantic))
    for task, part in (("depth", depth), ("semantic", semantic)):
        assert found[task] <= part * scale and found[task] > part * scale - part / min(depth, semantic) - 1
    if overlap == "nested":
        assert len(budget.frames("depth", "semantic")) == min(found.values())
    limits = {"depth": 50, "semantic": 40}
    limits |= {min(found, key=found.get): 30} if overlap == "nested" else {}
    assert all(found[t] <= limits[t] for t in found) and any(found[t] == limits[t] for t in found)


def test_the_ratio_of_the_issue(full):
    budget = draw_ratio(full, "train", {"depth": 10, "semantic": 1})
    assert (len(budget.labels["depth"]), len(budget.labels["semantic"])) == (60, 6)
    assert budget.rule == "depth:semantic=10:1 nested"


@seeded
@given(seeds)
def test_one_label_a_frame_is_exactly_one_of_those_it_has(holey, seed):
    budget = draw_one_label(holey, "train", ["depth", "semantic"], seed)
    assert budget.frames("depth", "semantic") == []
    assert set(budget.any_frames()) == DEPTH | SEMANTIC
    assert set(budget.labels["depth"]) >= DEPTH - SEMANTIC  # their only label
    assert budget == draw_one_label(holey, "train", ["depth", "semantic"], seed)


def test_one_label_is_drawn_evenly(full):
    kept = [len(draw_one_label(full, "train", TASKS[:3], seed).labels["depth"]) for seed in range(40)]
    # 20 of 60 on average, standard deviation 3.65, so 0.58 for the mean of 40.
    assert 18 < sum(kept) / 40 < 22


@seeded
@given(seeds, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_larger_share_keeps_what_a_smaller_one_keeps(holey, seed, one, other):
    small, large = sorted((one, other))
    kept, more = (set(draw_random(holey, "train", {"depth": s}, seed).labels["depth"]) for s in (small, large))
    assert kept <= more <= DEPTH


def test_shares_are_kept_on_average_and_independently(full):
    budgets = [draw_random(full, "train", {"depth": 0.8, "semantic": 0.25}, seed) for seed in range(40)]
    mean = {
        tasks: sum(len(b.frames(*tasks)) for b in budgets) / 40 / 60 for tasks in (("depth",), ("semantic",), TASKS[:2])
    }
    assert mean[("depth",)] == pytest.approx(0.8, abs=0.04)
    assert mean[("semantic",)] == pytest.approx(0.25, abs=0.04)
    assert mean[TASKS[:2]] == pytest.approx(0.2, abs=0.04)
    assert set(draw_random(full, "train", {"depth": 1.0}).labels["depth"]) == set(NAMES)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"depth": 51}, "depth=51: only 50 frames of holey:train carry depth"),
        ({"depth": 50, "semantic": 31}, "semantic=31 nested in depth: only 30 frames of holey:train carry depth and"),
        ({"depth": 0}, "at least 1 label"),
        ({"depth": -3}, "at least 1 label"),
        ({"sematic": 3}, "unknown task 'sematic'; known: depth, semantic"),
        ({"instance": 3}, "no frame of holey:train carries instance"),
        ({}, "no task"),
    ],
)
def test_budgets_that_cannot_be_are_refused(holey, counts, message):
    with pytest.raises(ConfigurationError, match=message):
        draw(holey, "train", counts)


def test_labels_that_never_meet_cannot_be_nested(tmp_path):
    apart = make_folder(tmp_path / "apart", {"depth": set(NAMES[:30]), "semantic": set(NAMES[30:])}, NAMES)
    with pytest.raises(ConfigurationError, match="only 0 frames of apart:train carry depth and semantic together"):
        draw(apart, "train", {"depth": 20, "semantic": 10})
    with pytest.raises(ConfigurationError, match="30 depth, 30 semantic labels, and 0 frames with all"):
        draw_ratio(apart, "train", {"depth": 2, "semantic": 1})
    assert len(draw(apart, "train", {"depth": 20, "semantic": 10}, 0, "independent").any_frames()) == 30


def test_other_rules_refuse_what_they_cannot_do(holey):
    with pytest.raises(ConfigurationError, match="at least two tasks"):
        draw_one_label(holey, "train", ["depth", "depth"])
    with pytest.raises(ConfigurationError, match="carries instance"):
        draw_one_label(holey, "train", ["depth", "instance"])
    for share in (0, -0.5, 1.5, float("nan")):
        with pytest.raises(ConfigurationError, match="a share is above 0 and at most 1"):
            draw_random(holey, "train", {"depth": share})
    with pytest.raises(ConfigurationError, match="depth:semantic=1:0: the parts"):
        draw_ratio(holey, "train", {"depth": 1, "semantic": 0})
    with pytest.raises(ConfigurationError, match="leaves some task no label"):
        draw_ratio(holey, "train", {"depth": 1000, "semantic": 1})
    with pytest.raises(DatasetError, match="no split 'trian'; it has: train"):
        draw(holey, "trian", {"depth": 1})


def test_a_split_that_names_frames_without_image_is_refused(tmp_path):
    folder = make_folder(tmp_path / "short", {"depth": set(NAMES)}, NAMES[:5], splits={"train": [*NAMES[:5], "f99"]})
    with pytest.raises(ConfigurationError, match=r"short:train names frame f99, which has no image in .*rgb"):
        draw(folder, "train", {"depth": 2})


names = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True), unique=True, max_size=6).map(tuple)
label_lists = st.dictionaries(st.sampled_from(TASKS), names)
budgets = st.builds(LabelBudget, st.text(), st.none() | st.text(), st.integers(), st.text(), label_lists)


@seeded
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
