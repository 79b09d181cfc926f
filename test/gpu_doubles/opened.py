"""What the tests of TensorRT share: networks opened with it alone, or with ONNX Runtime after it."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

ALONE = Runtime(backends=("tensorrt",))
BOTH = Runtime(backends=("tensorrt", "onnxruntime"), threads=1)


def random_rgb(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def assert_right(network: Network, seed: int = 0) -> None:
    rgb = random_rgb(seed)
    prediction = network.predict(rgb)
    np.testing.assert_allclose(prediction.depth, rgb[..., 0] / 20, rtol=1e-6)
    np.testing.assert_array_equal(prediction.segmentation, 1 + (rgb[..., 1] > 127))
    np.testing.assert_array_equal(prediction.confidence, rgb[..., 2])


def refused(path, runtime: Runtime = ALONE) -> str:
    with pytest.raises(NetworkError) as refusal:
        Network(path, runtime)
    text = str(refusal.value)
    assert "\n" not in text, text
    return text
