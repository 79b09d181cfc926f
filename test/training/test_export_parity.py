"""An export is refused where depth is no number on any frame: a comparison with one is false either way."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from training.datasets.source import Source
from training.errors import ConfigurationError
from training.export import parity


@pytest.mark.parametrize("broken", [None, 0, 1])
def test_depth_that_is_no_number_on_one_frame_is_refused(monkeypatch, broken):
    frames = {name: np.full((8, 8, 3), number, np.uint8) for number, name in enumerate("ab")}

    def run(depth: float):
        def answers(image: np.ndarray):
            here = np.nan if image[0, 0, 0, 0] == broken else depth
            return np.full((1, 8, 8), here, np.float32), np.ones((1, 8, 8), np.uint8), np.ones((1, 8, 8), np.uint8)

        return SimpleNamespace(run=answers)

    monkeypatch.setattr(parity, "TorchBackend", lambda deployed: run(1.0))
    monkeypatch.setattr(parity, "OnnxRuntimeBackend", lambda exported: run(1.0001))
    source = Source(SimpleNamespace(read_rgb=frames.__getitem__), list(frames))
    agreement = parity.parity(SimpleNamespace(size=(8, 8)), b"", source)
    assert agreement.frames == 2
    if broken is None:
        agreement.check()
    else:
        with pytest.raises(ConfigurationError, match=r"refused, it is not the same network: .* depth within nan"):
            agreement.check()
