from __future__ import annotations

import numpy as np
import pytest
from noise_folder import HEIGHT, WIDTH


@pytest.fixture
def maps() -> dict[str, np.ndarray]:
    """Codes of classes by frame: 0 unlabelled, else of ``labelling_exports.NAMES``."""
    rng = np.random.default_rng(5)
    return {name: rng.integers(0, 4, (HEIGHT, WIDTH)).astype(np.uint8) for name in ("a0", "a2")}
