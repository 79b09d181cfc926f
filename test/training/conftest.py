from __future__ import annotations

import pytest
from ball_folder import write_folder
from tiny_fit import fit


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Twelve small labelled frames; some lack depth, some lack classes."""
    return write_folder(tmp_path_factory.mktemp("data") / "balls")


@pytest.fixture(scope="session")
def run(folder, tmp_path_factory):
    """The folder a first training of two epochs ran in."""
    here = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        assert fit(folder, "--trainer.max_epochs", "2", "--data.hold_out", "2") == 0
    return here / "runs" / "tiny"
