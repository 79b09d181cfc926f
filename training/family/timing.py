"""How long the files of a family take, in turns, so that a busy moment hits all alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import trange

from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

WARM_UP = 5


def milliseconds(files: Mapping[str, Path], rounds: int = 60) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of ``Network.predict`` on a frame of the file's own size, ONNX Runtime, by name.

    Raises:
        NetworkError: a file cannot be opened or run.
    """
    networks = {name: Network(path, Runtime(backends=("onnxruntime",))) for name, path in files.items()}
    frames, times = {}, {name: [] for name in networks}
    random = np.random.default_rng(0)
    for name, network in networks.items():
        shape = (network.card.input_height, network.card.input_width, 3)
        frames[name] = random.integers(0, 256, shape, np.uint8)
        network.warm_up(WARM_UP)
    for _ in trange(rounds, desc="timing", unit="round", disable=None):
        for name, network in networks.items():
            begin = time.perf_counter()
            network.predict(frames[name])
            times[name].append((time.perf_counter() - begin) * 1e3)
    return {
        name: {"median": round(float(np.median(t)), 2), "p95": round(float(np.percentile(t, 95)), 2)}
        for name, t in times.items()
    }
