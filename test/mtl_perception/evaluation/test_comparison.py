"""metrics.json is read back as written or refused by name; limits and comparisons judge by what each figure means."""

from __future__ import annotations

import argparse
import copy
import json

import pytest

from mtl_perception.evaluation.comparison import as_text, compare
from mtl_perception.evaluation.limits import OVER, UNDER, parse_limit, verdicts
from mtl_perception.evaluation.metrics_file import MetricsError, read_metrics, write_metrics
from mtl_perception.evaluation.named_figures import FIGURES

MODEL = {
    "name": "tiny",
    "depth": {
        "rmse": 0.5,
        "abs_rel": 0.1,
        "delta1": 0.9,
        "bias": -0.2,
        "median_ratio": 0.9,
        "by_distance": [{"from": 0.0, "to": 1.0, "rmse": 0.2}, {"from": 1.0, "to": 2.0, "rmse": 0.6}],
    },
    "segmentation": {"miou": 0.4, "classes": [{"id": 1, "name": "wall", "iou": 0.8}]},
    "stability": {"depth_change": 0.02, "class_change": 0.03},
    "speed": {"frames_per_second": 20.0, "network_ms": {"median": 45.0}},
}
METRICS = {
    "complete": True,
    "stopped_by": None,
    "made": {"machine": "a machine"},
    "bag": {"name": "a.mcap", "frames": 10, "with_depth": 10, "with_labels": 10, "size": [64, 48]},
    "models": [MODEL],
}


def changed(**figures: float) -> dict:
    metrics = copy.deepcopy(METRICS)
    for name, value in figures.items():
        *path, last = next(f.path for f in FIGURES if f.name == name)
        part = metrics["models"][0]
        for key in path:
            part = part[key]
        part[last] = value
    return metrics


# The file


def test_what_is_written_is_read_back(tmp_path):
    write_metrics(tmp_path / "metrics.json", METRICS)
    assert read_metrics(tmp_path / "metrics.json") == {"schema": "mtl_perception/evaluation", "version": 1, **METRICS}


def test_what_is_no_number_is_left_out(tmp_path):
    metrics = changed(rmse=float("nan"), miou=float("inf"))
    metrics["models"][0]["depth"]["by_distance"][0]["rmse"] = float("nan")
    write_metrics(tmp_path / "metrics.json", metrics)
    (model,) = read_metrics(tmp_path / "metrics.json")["models"]
    assert "rmse" not in model["depth"] and "miou" not in model["segmentation"]
    assert model["depth"]["by_distance"][0] == {"from": 0.0, "to": 1.0}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "was not written by `mtl-perception evaluate`"),
        ('{"schema": "other"}', "was not written by"),
        ('{"schema": "mtl_perception/evaluation", "version": 2}', "is of version 2, this program reads version 1"),
        ('{"schema": "mtl_perception/evaluation", "version": 1}', "damaged: complete is missing"),
        (json.dumps({"schema": "mtl_perception/evaluation", "version": 1, **METRICS, "models": []}), "names no models"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(MetricsError, match=complaint) as error:
        read_metrics(path)
    assert str(path) in str(error.value)
    with pytest.raises(MetricsError, match=r"cannot read .*none\.json"):
        read_metrics(tmp_path / "none.json")


# Limits


@pytest.mark.parametrize(
    ("option", "text", "met"),
    [
        (UNDER, "miou=0.4", True),
        (UNDER, "miou=0.41", False),
        (UNDER, "delta1=0.89", True),
        (OVER, "rmse=0.5", True),
        (OVER, "rmse=0.49", False),
        (OVER, "network_ms=50", True),
        (OVER, "class_change=0.01", False),
        (OVER, "sq_rel=1", None),
    ],
)
def test_limits_are_judged_by_what_is_better(option, text, met):
    (verdict,) = verdicts([parse_limit(option, text)], MODEL)
    assert verdict.met is met
    assert f"{option} {text}" in verdict.text
    assert ("as good as" in verdict.text, "worse than" in verdict.text) == (met is True, met is False)


@pytest.mark.parametrize(
    ("option", "text", "complaint"),
    [
        (UNDER, "rmse=0.6", "less rmse is better: say --fail-over rmse=0.6"),
        (OVER, "miou=0.5", "more miou is better: say --fail-under miou=0.5"),
        (UNDER, "mood=1", "there is no figure 'mood'; there are: delta1, .*miou"),
        (OVER, "bias=1", "there is no figure 'bias'; there are: rmse"),
        (UNDER, "miou", "is not FIGURE=NUMBER"),
        (UNDER, "miou=half", "is not FIGURE=NUMBER, such as miou=0.5"),
        (UNDER, "miou=nan", "is not FIGURE=NUMBER"),
    ],
)
def test_limits_that_make_no_sense_are_explained(option, text, complaint):
    with pytest.raises(argparse.ArgumentTypeError, match=complaint):
        parse_limit(option, text)


# Comparison


def verdict_of(name: str, value: float) -> tuple[str, int]:
    (comparison,) = compare(METRICS, changed(**{name: value}))
    return next(row.verdict for row in comparison.rows if row.name == name), comparison.worse


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("rmse", 0.4, "better"),
        ("rmse", 0.6, "worse"),
        ("rmse", 0.50001, "same"),
        ("miou", 0.5, "better"),
        ("miou", 0.3, "worse"),
        ("bias", 0.1, "better"),
        ("bias", 0.3, "worse"),
        ("median_ratio", 1.05, "better"),
        ("median_ratio", 1.2, "worse"),
        ("depth_change", 0.01, "better"),
    ],
)
def test_better_and_worse(name, value, verdict):
    assert verdict_of(name, value) == (verdict, int(verdict == "worse"))


def test_times_are_shown_and_not_judged():
    assert verdict_of("network_ms", 99.0) == ("worse", 0)
    assert verdict_of("frames_per_second", 5.0) == ("worse", 0)


def test_the_table_has_distances_and_classes():
    after = copy.deepcopy(METRICS)
    after["models"][0]["segmentation"]["classes"].append({"id": 2, "name": "floor", "iou": 0.5})
    after["models"][0]["depth"]["by_distance"][1]["rmse"] = 0.5
    (comparison,) = compare(METRICS, after)
    lines = as_text(comparison).splitlines()
    assert lines[0].split() == ["tiny", "before", "after", "difference"]
    assert any(line.split("  ")[0] == "rmse from 1 to 2 m" and line.endswith("-0.1000  better") for line in lines)
    assert any(line.split() == ["iou", "of", "floor", "-", "0.5000"] for line in lines)
    assert comparison.worse == 0


def test_models_go_by_their_names_or_the_first_with_the_first():
    two = {**METRICS, "models": [{**MODEL, "name": "other"}, {**MODEL, "name": "tiny"}]}
    assert [c.title for c in compare(METRICS, two)] == ["tiny"]
    assert [c.title for c in compare(METRICS, {**METRICS, "models": [{**MODEL, "name": "new"}]})] == ["tiny -> new"]
    assert [c.title for c in compare(two, two)] == ["other", "tiny"]


def test_what_makes_a_comparison_mean_less_is_said():
    after = copy.deepcopy(METRICS)
    after["bag"]["name"], after["bag"]["frames"] = "b.mcap", 5
    after["complete"], after["stopped_by"] = False, "interrupted"
    after["made"]["machine"] = "another"
    (comparison,) = compare(METRICS, after)
    text = as_text(comparison)
    assert "note: after is of a part of the recording: interrupted" in text
    assert "name is a.mcap before and b.mcap after" in text and "frames is 10 before and 5 after" in text
    assert "on two machines, so times do not compare" in text
    assert compare(METRICS, METRICS)[0].warnings == []
