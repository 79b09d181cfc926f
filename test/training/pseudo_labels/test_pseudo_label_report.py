"""The report is complete, readable by programs, and says so where there is nothing to measure against."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from training.pseudo_labels import report as report_module
from training.pseudo_labels.contact_sheet import (
    NO_LABEL,
    NO_TRUTH,
    RIGHT,
    WRONG,
    Example,
    class_sheet,
    depth_sheet,
)
from training.pseudo_labels.quality import DepthPseudoLabelQuality, PseudoLabelQuality
from training.pseudo_labels.report import write_report

CLASSES = {1: "wall", 2: "floor", 3: "ball", 4: "never seen"}
SHAPE = (24, 32)
TIMES = -(-240 // SHAPE[1])
CAPTION = 22


def example(name: str = "f00", truth: bool = True) -> Example:
    """A frame with a band of each: right, wrong, not kept, and without truth."""
    rng = np.random.default_rng(0)
    real, pseudo = np.full(SHAPE, 1, np.uint8), np.full(SHAPE, 1, np.uint8)
    pseudo[6:12] = 2
    pseudo[12:18] = 0
    real[18:] = 0
    confidence = np.where(pseudo > 0, 250, 30).astype(np.uint8)
    return Example(name, rng.integers(0, 256, (*SHAPE, 3), np.uint8), pseudo, confidence, real if truth else None)


def depth_example() -> Example:
    """A frame with a band of each: exact, a tenth and a third too deep, not kept, and without truth."""
    real = np.linspace(1, 4, SHAPE[1]) * np.ones((SHAPE[0], 1))
    pseudo = real.copy()
    pseudo[5:10] *= 1.1
    pseudo[10:15] *= 4 / 3
    pseudo[15:20] = 0
    real[20:] = 0
    picture = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8)
    return Example("f00", picture, pseudo, np.where(pseudo > 0, 250, 30).astype(np.uint8), real)


@pytest.fixture(scope="module")
def semantic() -> PseudoLabelQuality:
    rng = np.random.default_rng(1)
    truth, confidence = rng.integers(0, 4, SHAPE).astype(np.uint8), rng.integers(0, 256, SHAPE).astype(np.uint8)
    quality = PseudoLabelQuality(4, 0.9)
    quality.update(np.where(truth > 0, truth, 1).astype(np.uint8), confidence, confidence > 229, truth)
    return quality


@pytest.fixture(scope="module")
def depth() -> DepthPseudoLabelQuality:
    rng = np.random.default_rng(2)
    truth, confidence = rng.uniform(1, 5, SHAPE), rng.integers(0, 256, SHAPE).astype(np.uint8)
    quality = DepthPseudoLabelQuality()
    quality.update(truth * rng.uniform(0.9, 1.2, SHAPE), confidence, confidence > 229, truth)
    return quality


def test_the_report_holds_every_figure_and_picture(tmp_path, semantic, depth):
    examples = {"semantic": [example(), example("f01", truth=False)], "depth": [depth_example()]}
    path = write_report(tmp_path / "report", CLASSES, semantic, depth, examples)
    text = path.read_text()
    examples_of = {"semantic_examples.png", "depth_examples.png"}
    pictures = {"calibration.png", "threshold.png", "classes.png", "depth.png"} | examples_of
    assert {p.name for p in path.parent.iterdir()} == {"report.md", "report.json", *pictures}
    for name in pictures:
        assert f"![]({name})" in text
        picture = cv2.imread(str(path.parent / name))
        assert picture is not None and picture.std() > 10
    found = json.loads((path.parent / "report.json").read_text())
    expected = semantic.compute()
    assert found["semantic"]["coverage"] == expected["coverage"] and found["semantic"]["accuracy"] == 1.0
    assert list(found["semantic"]["per_class"]) == ["wall", "floor", "ball"]
    assert found["depth"]["abs_rel"] == depth.compute()["abs_rel"]
    assert f"| kept | {100 * expected['coverage']:.1f} % | 100.0 % | 100.0 % |" in text
    assert "| wall |" in text and "never seen" not in text
    wall = found["semantic"]["per_class"]["wall"]
    (line,) = (line for line in text.splitlines() if line.startswith("| wall |"))
    assert line.endswith(
        "".join(f" {100 * wall[k]:.1f} % |" for k in ("mean_confidence", "accuracy", "calibration_error"))
    )


def test_without_truth_the_report_says_so(tmp_path):
    path = write_report(
        tmp_path, CLASSES, PseudoLabelQuality(4, 0.9), DepthPseudoLabelQuality(), {"semantic": [example(truth=False)]}
    )
    assert path.read_text().count("nothing can be said of how good") == 2
    found = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)  # no NaN in it
    assert "accuracy" not in found["semantic"] and "rmse" not in found["depth"]
    assert (tmp_path / "semantic_examples.png").exists() and not (tmp_path / "classes.png").exists()


def test_nothing_kept_still_makes_a_report(tmp_path, depth):
    predicted = np.ones(SHAPE, np.uint8)
    quality = PseudoLabelQuality(4, 0.9)
    quality.update(predicted, predicted, np.zeros(SHAPE, bool), predicted)
    text = write_report(tmp_path, CLASSES, quality, None).read_text()
    assert "| kept | 0.0 % | none | none |" in text and "| all | 100.0 % | 100.0 % | 100.0 % |" in text


def test_classes_of_one_name_stay_apart(tmp_path, semantic):
    write_report(tmp_path, {1: "wall", 2: "wall", 3: "ball", 4: "x"}, semantic, None)
    found = json.loads((tmp_path / "report.json").read_text())["semantic"]["per_class"]
    assert list(found) == ["wall (1)", "wall (2)", "ball (3)"]


def test_report_json_tells_that_all_is_there(tmp_path, semantic, monkeypatch):
    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(report_module, "plot_classes", broken)
    with pytest.raises(OSError, match="disk full"):
        write_report(tmp_path, CLASSES, semantic, None)
    assert not (tmp_path / "report.json").exists()


def first_line(sheet: np.ndarray) -> list[np.ndarray]:
    """The five pictures of a sheet's first line, (H, W, 3) each."""
    width = SHAPE[1] * TIMES + 4
    assert sheet.shape[1] == 5 * width
    rows = sheet[CAPTION : CAPTION + SHAPE[0] * TIMES : TIMES]
    return [rows[:, i * width : (i + 1) * width - 4 : TIMES] for i in range(5)]


def test_the_sheet_shows_what_is_right_wrong_and_left_out():
    sheet = class_sheet([example(), example("f01", truth=False)], CLASSES)
    rgb, truth, pseudo, confidence, error = first_line(sheet)
    np.testing.assert_array_equal(rgb, example().rgb)
    assert (pseudo[12:18] == NO_LABEL).all() and (truth[18:] == NO_LABEL).all()
    assert (pseudo[0] == truth[0]).all() and not (pseudo[6] == pseudo[0]).any(-1).all()
    bands = [error[row] for row in (0, 6, 12, 18)]
    for band, color in zip(bands, (RIGHT, WRONG, NO_LABEL, NO_TRUTH), strict=True):
        assert (band == color).all()
    assert confidence[0].astype(int).sum() > confidence[12].astype(int).sum()  # yellow is lighter than violet
    *_, without = first_line(sheet[CAPTION + SHAPE[0] * TIMES :])
    assert (without == NO_TRUTH).all()


def test_the_sheet_of_depth_shows_how_wrong_it_is():
    rgb, truth, pseudo, _, error = first_line(depth_sheet([depth_example()]))
    np.testing.assert_array_equal(rgb, depth_example().rgb)
    assert (pseudo[:5] == truth[:5]).all() and (pseudo[15:20] == NO_LABEL).all() and (truth[20:] == NO_LABEL).all()
    assert (error[15:20] == NO_LABEL).all() and (error[20:] == NO_TRUTH).all()
    exact, tenth, third = (error[row].astype(int).sum(-1) for row in (0, 5, 10))
    assert (exact < tenth).all() and (tenth < third).all(), "the worse, the lighter"
