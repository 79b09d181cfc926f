"""A GPU for each test that asks for one, and a cache of engines of its own."""

from __future__ import annotations

import pytest
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.on_a_gpu import VERSIONS, on_a_gpu


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "engines"))


@pytest.fixture(params=[version for version, _ in VERSIONS])
def gpu(request) -> Gpu:
    gpu = Gpu()
    with on_a_gpu(gpu, request.param):
        gpu.version = request.param
        yield gpu


@pytest.fixture
def orin() -> Gpu:
    """A GPU with JetPack 6 only, where the version does not matter."""
    gpu = Gpu()
    with on_a_gpu(gpu):
        yield gpu
