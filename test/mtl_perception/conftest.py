"""A data set folder for each test that asks for one."""

from __future__ import annotations

import os
import shutil
from unittest import mock

import pytest
from noise_folder import write_dataset

from mtl_perception.dataset_folder import DatasetFolder


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk():
    """Hundreds of small files are written, and no power cut is tested."""
    with mock.patch.object(os, "fsync"):
        yield


@pytest.fixture(scope="session")
def _folder(tmp_path_factory) -> DatasetFolder:
    return write_dataset(tmp_path_factory.mktemp("sets") / "set")


@pytest.fixture
def folder(_folder, tmp_path) -> DatasetFolder:
    """A data set folder of the test's own, see ``write_dataset``."""
    shutil.copytree(_folder.root, tmp_path / "set")
    return DatasetFolder(tmp_path / "set")
