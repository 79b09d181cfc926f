"""A budget keeps exactly what was asked for, the same at every draw, smaller ones within larger ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from budget_folders import DEPTH, NAMES, SEMANTIC, full_folder, holey_folder, make_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.dataset_folder import DatasetError
from training.datasets.label_budget import TASKS
from training.datasets.label_drawing import draw, draw_one_label, draw_random, draw_ratio
from training.errors import ConfigurationError

examples = settings(max_examples=25)
seeds = st.integers(-5, 2**32)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return full_folder(tmp_path_factory.mktemp("data") / "full")


@pytest.fixture(scope="module")
def holey(tmp_path_factory):
    return holey_folder(tmp_path_factory.mktemp("data") / "holey")


@examples
@given(seeds, st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_counts_are_exact_and_the_scarcer_is_nested_in_the_richer(full, seed, depth, semantic, instance):
    counts = {"depth": depth, "semantic": semantic, "instance": instance}
    budget = draw(full, "train", counts, seed)
    assert {task: len(set(names)) for task, names in budget.labels.items()} == counts
    scarce_first = sorted(budget.labels.values(), key=len)
    for scarcer, richer in pairwise(scarce_first):
        assert set(scarcer) <= set(richer) <= set(NAMES)
    assert draw(full, "train", counts, seed) == budget


@examples
@given(seeds, st.integers(1, 50), st.integers(1, 30), st.sampled_from(["nested", "independent"]))
def test_only_labels_on_disk_are_drawn(holey, seed, depth, semantic, overlap):
    budget = draw(holey, "train", {"semantic": semantic, "depth": depth}, seed, overlap)
    assert set(budget.labels["depth"]) <= DEPTH and set(budget.labels["semantic"]) <= SEMANTIC
    assert (len(budget.labels["depth"]), len(budget.labels["semantic"])) == (depth, semantic)
    budget.check(holey)
    if overlap == "nested":
        assert len(budget.frames("depth", "semantic")) == min(depth, semantic)


@examples
@given(seeds, st.data(), st.sampled_from(["nested", "independent"]))
def test_a_smaller_budget_lies_within_a_larger_one(holey, seed, data, overlap):
    large = {"depth": data.draw(st.integers(1, 50)), "semantic": data.draw(st.integers(1, 30))}
    small = {task: data.draw(st.integers(1, count)) for task, count in large.items()}
    one, other = draw(holey, "train", small, seed, overlap), draw(holey, "train", large, seed, overlap)
    for task in large:
        assert set(one.labels[task]) <= set(other.labels[task])


@examples
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


@examples
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.sampled_from(["nested", "independent"]))
def test_a_ratio_takes_as_much_as_there_is(holey, seed, depth, semantic, overlap):
    budget = draw_ratio(holey, "train", {"depth": depth, "semantic": semantic}, seed, overlap)
    found = {task: len(names) for task, names in budget.labels.items()}
    # Both are a multiple of their part, the same one, less a fraction of a label.
    parts = {"depth": depth, "semantic": semantic}
    least, most = ([Fraction(found[task] + more, parts[task]) for task in found] for more in (0, 1))
    assert max(least) < min(most)
    if overlap == "nested":
        assert len(budget.frames("depth", "semantic")) == min(found.values())
    limits = {"depth": 50, "semantic": 40}
    limits |= {min(found, key=found.get): 30} if overlap == "nested" else {}
    assert all(found[t] <= limits[t] for t in found) and any(found[t] == limits[t] for t in found)


def test_ten_to_one(full):
    budget = draw_ratio(full, "train", {"depth": 10, "semantic": 1})
    assert (len(budget.labels["depth"]), len(budget.labels["semantic"])) == (60, 6)
    assert budget.rule == "depth:semantic=10:1 nested"


@examples
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


@examples
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
