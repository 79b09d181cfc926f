import evaluated_recording as evaluated
import numpy as np

from mtl_perception.evaluation.frame_pictures import FramePictures
from mtl_perception.evaluation.report.frame_drawing import (
    NO_CLASS,
    NO_TRUTH,
    RIGHT,
    STRANGE,
    TOO_FAR,
    TOO_NEAR,
    WRONG,
    draw,
)

COLORS = dict(enumerate(evaluated.COLORS, 1))
NAMES = dict(enumerate(evaluated.NAMES, 1))


def frame(task, depth=1.0, true_depth=None, classes=1, true_classes=None, rank="worst"):
    """One row of pixels."""

    def row(values, dtype):
        return None if values is None else np.array([values], dtype)

    depth = row(depth if np.ndim(depth) else [depth], np.float32)
    rgb = np.zeros((*depth.shape, 3), np.uint8)
    classes = row(classes if np.ndim(classes) else [classes] * depth.size, np.uint8)
    return FramePictures("m", task, rank, 5, 7, 0.1, "abs_rel", rgb, depth, classes, row(true_depth, np.float32),
                         row(true_classes, np.uint8))  # fmt: skip


def test_depth_error_is_white_where_right_and_full_from_a_quarter_on():
    drawing = draw(frame("depth", [2, 1, 1.5, 4, 2.25, 3], [2, 2, 2, 2, 2, 0]), COLORS, NAMES)
    assert [p.caption for p in drawing.pictures] == ["camera", "depth, true", "depth, predicted", "depth error"]
    error = [tuple(c) for c in drawing.pictures[-1].rgb[0].tolist()]
    assert error[0] == (255, 255, 255)
    assert error[1] == error[2] == TOO_NEAR
    assert error[3] == TOO_FAR
    assert error[4] == tuple(round(255 + (c - 255) / 2) for c in TOO_FAR)
    assert error[5] == NO_TRUTH
    assert [k.text for k in drawing.keys] == ["no true depth"]
    assert "40% of pixels are" not in drawing.pictures[-1].alt
    assert "20% more than that too far" in drawing.pictures[-1].alt


def test_the_colour_bar_has_the_colours_of_the_picture():
    metres = np.concatenate([np.full(40, 1.0), np.linspace(1, 5, 400), np.full(40, 5.0)])
    drawing = draw(frame("depth", metres, metres), COLORS, NAMES)
    bar = drawing.bars[0]
    assert [t.replace("\N{NO-BREAK SPACE}", " ") for t in bar.ticks] == ["1.0 m", "3.0 m", "5.0 m"]
    picture = drawing.pictures[1].rgb[0].astype(int)
    for i, stop in enumerate(bar.stops):
        assert np.abs(picture[40 + round(i * 399 / (len(bar.stops) - 1))] - stop).max() <= 12


def test_a_frame_without_any_known_depth_is_drawn():
    drawing = draw(frame("depth", [np.nan, np.inf], [0, 0]), COLORS, NAMES)
    assert drawing.pictures[-1].rgb.tolist() == [[list(NO_TRUTH)] * 2]
    assert drawing.pictures[-1].alt == "Depth error: no true depth."


def test_classes_are_right_wrong_or_unknown_and_all_colours_are_told():
    guess, true = [1, 1, 255, 3, 0, 9], [1, 2, 2, 0, 255, 9]
    drawing = draw(frame("segmentation", [1.0] * 6, None, guess, true), COLORS, NAMES)
    _, true_picture, predicted, error = (p.rgb[0].tolist() for p in drawing.pictures)
    assert [tuple(c) for c in error] == [RIGHT, WRONG, WRONG, NO_TRUTH, NO_TRUTH, RIGHT]
    assert [tuple(c) for c in predicted] == [COLORS[1], COLORS[1], NO_CLASS, COLORS[3], NO_CLASS, STRANGE]
    assert [tuple(c) for c in true_picture] == [COLORS[1], COLORS[2], COLORS[2], NO_CLASS, NO_CLASS, STRANGE]
    keys = {k.text: k.color for k in drawing.keys}
    assert keys == {
        "wrong": WRONG, "right": RIGHT, "no true label": NO_TRUTH, "no class": NO_CLASS,
        "a class the model does not have": STRANGE, "wall": COLORS[1], "floor": COLORS[2], "box": COLORS[3],
    }  # fmt: skip
    assert "50% of labelled pixels are right" in drawing.pictures[-1].alt


def test_a_sample_shows_both_tasks_without_errors():
    drawing = draw(frame("depth", [1.0, 2.0], rank="sample"), COLORS, NAMES)
    assert [p.caption for p in drawing.pictures] == ["camera", "depth, predicted", "classes, predicted"]
    assert [k.text for k in drawing.keys] == ["wall"]
    assert len(drawing.bars) == 1


def test_a_frame_without_labels_shows_what_was_predicted():
    drawing = draw(frame("segmentation", [1.0], None, 2, [0]), COLORS, NAMES)
    assert "nothing is labelled" in drawing.pictures[-1].alt
    assert {k.text for k in drawing.keys} >= {"no true label", "floor"}
