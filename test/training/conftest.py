from __future__ import annotations

import pytest
from ball_folder import write_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Twelve small labelled frames; some lack depth, some lack classes."""
    return write_folder(tmp_path_factory.mktemp("data") / "balls")
