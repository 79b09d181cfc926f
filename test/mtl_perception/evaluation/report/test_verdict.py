import copy

import evaluated_recording as evaluated
import pytest

from mtl_perception.evaluation.report.verdict import comparison, coverage, verdict

BAG = {"frames": 100, "seconds": 9.9, "with_depth": 100, "with_labels": 40}


@pytest.fixture(scope="module")
def measured():
    return evaluated.model("kitchen_net", 0.1, frames=2)


@pytest.fixture
def model(measured):
    return copy.deepcopy(measured)


def lines(model, topic, bag=BAG):
    (tile,) = [t for t in verdict(model, bag) if t.topic == topic]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in (tile.headline, *tile.lines)]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.0, ["Overall scale is right to 2 %."]),
        (0.981, ["Overall scale is right to 2 %."]),
        (0.94, ["On the whole it reads 6.0 % too near (median)."]),
        (1.05, ["On the whole it reads 5.0 % too far (median)."]),
        (
            0.5,
            [
                "On the whole it reads 50.0 % too near (median).",
                "Look at the focal length first: a wrong or missing one scales all depth.",
            ],
        ),
    ],
)
def test_a_scale_error_is_told_and_what_to_look_at(model, ratio, said):
    model["depth"]["median_ratio"] = ratio
    assert [line for line in lines(model, "Depth") if any(w in line for w in ("scale", "whole"))] == said


def test_depth_is_told_where_it_is_seen_most_and_where_it_is_worst(model):
    model["depth"] = {
        "abs_rel": 0.083,
        "by_distance": [
            {"from": 0, "to": 1, "pixels": 90, "abs_rel": 0.05, "rmse": 0.042},
            {"from": 1, "to": 2, "pixels": 900, "abs_rel": 0.08, "rmse": 0.14},
            {"from": 2, "to": 3, "pixels": 500, "abs_rel": 0.2, "rmse": 1.234},
            {"from": 40, "to": 66, "pixels": 3, "abs_rel": 0.9, "rmse": 40.0},
        ],
    }
    assert lines(model, "Depth") == [
        "8.3 % off on average",
        "Most often seen, at 1 to 2 m: 14 cm rmse.",
        "Worst at 2 to 3 m: 20.0 % off.",
    ]


@pytest.mark.parametrize(
    ("near", "far", "said"),
    [
        (0.1, -0.3, ["Near things read too far, far things too near."]),
        (-0.1, 0.3, ["Near things read too near, far things too far."]),
        (0.1, 0.3, []),
        (0.01, -0.3, []),
        (None, -0.3, []),
    ],
)
def test_errors_of_opposite_sign_near_and_far_are_told(model, near, far, said):
    bins = [{"from": 2, "to": 4, "pixels": 50, "bias": far}, {"from": 0, "to": 1, "pixels": 50, "bias": near}]
    model["depth"]["by_distance"] = bins
    assert [line for line in lines(model, "Depth") if "things" in line] == said


def test_depth_without_distances_is_told_over_all(model):
    model["depth"] = {"abs_rel": 0.5, "rmse": 1.26, "delta1": 0.9999}
    assert lines(model, "Depth") == [
        "50.0 % off on average",
        "1.3 m rmse over all distances.",
        "> 99 % of pixels are within a factor of 1.25 of the truth.",
    ]


def test_the_worst_classes_are_named_and_rare_ones_are_not(model):
    classes = [("wall", 9000, 0.9), ("cup", 5, 0.0), ("chair", 800, 0.31), ("lamp", 50, 0.002), ("door", 700, 0.5)]
    model["segmentation"] = {
        "pixel_accuracy": 0.871,
        "miou_present": 0.34,
        "classes": [{"id": i, "name": n, "pixels": p, "iou": v} for i, (n, p, v) in enumerate(classes, 1)]
        + [{"id": 9, "name": "never there", "pixels": 0, "iou": 0.0}],
        "unknown_labels": {"ids": [30], "share": 0.04},
        "not_confident": 0.021,
    }
    assert lines(model, "Classes") == [
        "87.1 % of pixels right",
        "mIoU 34.0 % over the 5 classes that occur.",
        "Worst: lamp < 1 %, chair 31 % and door 50 % IoU; best: wall 90 %.",
        "2 % of pixels got no class: not confident.",
        "Not counted: 4 % of labelled pixels, of classes it does not have.",
    ]


def test_the_costliest_mistake_is_told(model):
    model["segmentation"]["confusion"] = [[50, 0, 9, 0, 0, 0], [0, 0, 0, 0, 0, 20], *[[0] * 6] * 3]
    assert "Costliest mistake: 100 % of floor got no class." in lines(model, "Classes")
    model["segmentation"]["confusion"] = [[50, 0, 50, 0, 0, 0], [0, 0, 0, 0, 0, 20], *[[0] * 6] * 3]
    assert "Costliest mistake: 50 % of wall was taken for box." in lines(model, "Classes")


def test_speed_is_set_beside_the_recording(model):
    model["speed"] = {"network_alone_frames_per_second": 9.0, "frames_per_second": 8.5}
    assert lines(model, "Speed of the network") == [
        "9.0 frames a second",
        "Too slow for the recording's 10.0 frames a second.",
        "On CPUExecutionProvider.",
    ]
    assert "recording" not in " ".join(lines(model, "Speed of the network", {"frames": 1, "seconds": 0.0}))
    del model["speed"]
    assert "Speed of the network" not in [t.topic for t in verdict(model, BAG)]


def test_the_best_of_each_is_named_and_no_best_of_equals():
    models = [
        {"name": "a", "depth": {"abs_rel": 0.08}, "segmentation": {"miou_present": 0.5}},
        {"name": "b", "depth": {"abs_rel": 0.07}, "segmentation": {"miou_present": 0.6}},
        {"name": "c", "segmentation": {"miou_present": 0.55}},
    ]
    said = {words: text.replace("\N{NO-BREAK SPACE}", " ") for words, text in comparison(models)}
    assert said == {"Least depth error": "b, 7.0 % (a 8.0 %)", "Best mIoU": "b, 60.0 % (c 55.0 %, a 50.0 %)"}
    assert comparison(models[:1]) == comparison([models[0], {**models[0], "name": "twin"}]) == []


def test_coverage_is_told_in_one_sentence():
    def said(bag):
        return coverage(bag).replace("\N{NO-BREAK SPACE}", " ")

    assert said(BAG) == "100 frames in 9.9 s: all with measured depth, 40 with labels."
    assert said({"frames": 1}) == "1 frame: none with measured depth, none with labels."
    assert said({}) == ""
