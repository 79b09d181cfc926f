"""A TensorRT engine that is kept only if it answers as the network does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mtl_perception.backends import Backend
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.deployment.parity import Parity, Tolerance, compare
from mtl_perception.network import read_card


@dataclass(frozen=True)
class Verdict:
    """How an engine compares with its network.

    Attributes:
        parity: the figures.
        complaints: what of them is out of tolerance; none where the engine was kept.
        engine: what runs it, for people to read.
        reference: what it was compared with, likewise.
        path: where it is kept.
    """

    parity: Parity
    complaints: list[str]
    engine: str
    reference: str
    path: Path


def reference_of(path: Path) -> Backend:
    """The network file computed on the CPU as it stands there, which is what others are held to.

    Raises:
        NetworkError: it is no network file, or ONNX Runtime is not there.
    """
    read_card(path)
    from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(path.read_bytes(), ["CPUExecutionProvider"], fuse=False)


def build_engine(
    model: bytes, precision: str, reference: Backend, frames: Iterable[np.ndarray], tolerance: Tolerance
) -> Verdict:
    """Build an engine where there is none yet, compare it with the network, and keep it or its refusal.

    Args:
        model: the network file's bytes.
        precision: ``fp32`` or ``fp16``; of the parts that are not quantised, in a quantised file.
        reference: what the engine is to answer as.
        frames: (H, W, 3) uint8 RGB, to compare on.
        tolerance: how far it may be off.

    Raises:
        NetworkError: there is no TensorRT or no GPU, or the engine cannot be built or run.
        DeploymentError: it cannot be kept.
    """
    from mtl_perception.backends.engine_cache import EngineCache
    from mtl_perception.backends.tensorrt import EngineUnfitError
    from mtl_perception.backends.tensorrt_opening import built, key_of, opened

    key, cache = key_of(model, precision), EngineCache()
    if cache.unusable:
        raise DeploymentError(f"an engine could not be kept: {cache.unusable}")
    with cache.building():
        stored, reason = cache.find(key)
        if stored is None or stored.refused:
            stored = built(model, key, cache, reason or f"it was refused before: {stored.refused if stored else ''}")
        try:
            backend = opened(stored)
        except EngineUnfitError as error:
            stored = built(model, key, cache, str(error))
            backend = opened(stored)
        try:
            parity = compare(reference, backend, frames)
        finally:
            backend.close()
        complaints = parity.beyond(tolerance)
        if complaints:
            stored = replace(stored, engine=b"", refused="; ".join(complaints))
        problem = cache.keep(replace(stored, parity=parity.table(tolerance)))
        if problem and complaints:
            kept, _ = cache.find(key)
            if kept and not kept.refused:  # it would be run
                with contextlib.suppress(OSError):
                    cache.path(key).unlink(missing_ok=True)
            raise DeploymentError(
                f"the engine is refused: {stored.refused}; the refusal cannot be kept ({problem}), and who opens the "
                "network with TensorRT may build such an engine again, and run it"
            )
    if problem:
        raise DeploymentError(f"the engine cannot be kept: {problem}")
    return Verdict(parity, complaints, backend.device, reference.device, cache.path(key))
