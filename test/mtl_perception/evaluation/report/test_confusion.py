import numpy as np
import pytest

from mtl_perception.evaluation.report.confusion import Mistake, confusion, mistakes


def model(counts, names=None):
    names = names or [f"c{i}" for i in range(1, len(counts) + 1)]
    classes = [{"id": i, "name": n} for i, n in enumerate(names, 1)]
    return {"name": "m", "segmentation": {"confusion": np.asarray(counts).tolist(), "classes": classes}}


def test_rows_are_shares_of_the_true_class_and_those_with_most_pixels_come_first():
    found = confusion(model([[30, 10, 0, 0], [0, 0, 0, 0], [0, 40, 140, 20]]))
    assert found.columns == ("c3", "c1", "c2", "no class")
    assert [name for name, _ in found.rows] == ["c3", "c1"]
    assert [[(c.share, c.text, c.right) for c in cells] for _, cells in found.rows] == [
        [(0.7, "70", True), (0.0, "", False), (0.2, "20", False), (0.1, "10", False)],
        [(0.0, "", False), (0.75, "75", True), (0.25, "25", False), (0.0, "", False)],
    ]


def test_every_row_adds_up_whatever_is_drawn():
    random = np.random.default_rng(2)
    counts = random.integers(0, 50, (60, 61))
    found = confusion(model(counts))
    assert (len(found.rows), found.left_out) == (24, 36)
    assert found.columns[-2:] == ("any other", "no class")
    largest = np.argsort(-counts.sum(1), kind="stable")[:24]
    assert [name for name, _ in found.rows] == [f"c{i + 1}" for i in largest]
    for _, cells in found.rows:
        assert len(cells) == len(found.columns)
        assert sum(c.share for c in cells) == pytest.approx(1, abs=0.02)
        assert sum(c.right for c in cells) == 1


def test_classes_hardly_ever_predicted_have_no_column_of_their_own():
    found = confusion(model([[999, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    assert found.columns == ("c1", "any other")
    assert confusion(model([[990, 0, 10, 0], [0, 0, 0, 0], [0, 0, 0, 0]])).columns == ("c1", "c3")


def test_without_a_labelled_pixel_there_is_no_matrix():
    for nothing in ([], None, "text", np.zeros((3, 4), int).tolist()):
        assert confusion({"segmentation": {"confusion": nothing}}) is None
        assert mistakes({"segmentation": {"confusion": nothing}}, 3) == []


def test_mistakes_come_by_what_they_cost():
    counts = [[0, 30, 0, 0], [5, 900, 0, 0], [0, 0, 10, 40]]
    assert mistakes(model(counts), 9) == [
        Mistake("c3", None, 0.8), Mistake("c1", "c2", 1.0), Mistake("c2", "c1", pytest.approx(5 / 905)),
    ]  # fmt: skip
    assert mistakes(model(np.eye(3, 4, dtype=int)), 9) == []
