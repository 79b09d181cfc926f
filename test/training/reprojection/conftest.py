from __future__ import annotations

import pytest
from carried_labels import write_budgeted_room

from mtl_perception.dataset_folder import DatasetFolder


@pytest.fixture
def room(tmp_path) -> DatasetFolder:
    """See ``write_budgeted_room``."""
    return write_budgeted_room(tmp_path)
