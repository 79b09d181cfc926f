"""A data set with something wrong stops ``fit`` with one line that names the file, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from ball_folder import write_folder
from tiny_fit import fit

from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.label_budget import LabelBudget


def missing(folder: DatasetFolder) -> Path:
    """A split that names a frame whose picture is gone."""
    folder.path("rgb", "f02").unlink()
    return folder.path("rgb", "f02")


def cut_off(folder: DatasetFolder) -> Path:
    path = folder.path("depth", "f01")
    path.write_bytes(path.read_bytes()[:-40])
    return path


def no_picture(folder: DatasetFolder) -> Path:
    path = folder.path("rgb", "f01")
    path.write_bytes(b"no image")
    return path


def of_another_size(folder: DatasetFolder) -> Path:
    path = folder.path("semantic", "f01")
    cv2.imwrite(str(path), np.ones((32, 32), np.uint8))
    return path


def of_an_unknown_class(folder: DatasetFolder) -> Path:
    path = folder.path("semantic", "f01")
    cv2.imwrite(str(path), np.full_like(folder.read_semantic("f01"), 99))
    return path


def without_any_depth(folder: DatasetFolder) -> Path:
    for path in (folder.root / "depth").iterdir():
        cv2.imwrite(str(path), np.zeros((folder.info.height, folder.info.width), np.uint16))
    return folder.root


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (missing, "is not there: frame f02 has no rgb"),
        (cut_off, "is cut off or damaged"),
        (no_picture, "is damaged or of an unknown kind"),
        (of_another_size, "is 32x32, dataset.json says"),
        (of_an_unknown_class, "99"),
        (without_any_depth, "depth is 0, which is unknown, all over"),
    ],
)
def test_the_file_is_named_in_one_line(spoil: Callable, complaint: str, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "balls")
    path = spoil(folder)
    assert fit(folder, "--trainer.max_epochs", "1") == 2
    error = capfd.readouterr().err
    line = error.strip().splitlines()[-1]
    assert line.startswith("error: ") and str(path) in line and complaint in line and "Traceback" not in error
    assert not list(tmp_path.glob("runs/**/*.ckpt"))


def test_a_label_that_is_never_there_where_the_other_is_learnt_is_said(tmp_path, monkeypatch, capfd):
    """A teacher that sees depth on no frame with classes is none."""
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "balls")
    labelled = {kind: [n for n in folder.names("train") if folder.has(kind, n)] for kind in ("depth", "semantic")}
    apart = {
        "depth": tuple(labelled["depth"][::2]),
        "semantic": tuple(n for n in labelled["semantic"] if n not in labelled["depth"][::2]),
    }
    LabelBudget("balls", "train", 0, "by hand", apart).write(tmp_path / "apart.json")
    student = ["--data.budget", "apart.json", "--trainer.max_epochs", "1"]
    assert fit(folder, *student, "--model.inputs", "[rgb, depth]") == 2
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert "no frame of balls has both depth, which the network looks at, and semantic, which it is to learn" in line
    assert line.endswith("within the budget apart.json")
    assert fit(folder, *student) == 0, "what looks at colours only learns from either"
