"""A teacher, and a data set it may label."""

from __future__ import annotations

import shutil

import pytest
from teaching import train

from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.label_budget import LabelBudget


@pytest.fixture(scope="session")
def home(tmp_path_factory, folder):
    """A budget of two frames with classes, and a teacher trained on them."""
    home = tmp_path_factory.mktemp("method")
    with_both = [n for n in folder.names("train") if folder.has("depth", n) and folder.has("semantic", n)]
    labels = {
        "depth": tuple(n for n in folder.names("train") if folder.has("depth", n)),
        "semantic": tuple(with_both[:2]),
    }
    LabelBudget("balls", "train", 0, "by hand", labels).write(home / "budget.json")
    train(
        home,
        folder,
        "teacher",
        *("--data.budget", "budget.json", "--data.require", "[semantic, depth]", "--model.inputs", "[rgb, depth]"),
    )
    return home


@pytest.fixture
def data(folder, tmp_path):
    """A copy of the data set that a command may write to."""
    shutil.copytree(folder.root, tmp_path / "balls")
    return DatasetFolder(tmp_path / "balls")
