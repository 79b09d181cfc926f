"""A network file opened with TensorRT: by its engine from the cache, or by one that is built first."""

from __future__ import annotations

import hashlib
import logging

from mtl_perception.backends.tensorrt_log import tensorrt  # before all else: who lacks CUDA too is to hear of this

# isort: split
from mtl_perception.backends import NetworkError
from mtl_perception.backends.cuda import device
from mtl_perception.backends.engine_cache import EngineCache
from mtl_perception.backends.engine_file import EngineKey, StoredEngine
from mtl_perception.backends.tensorrt import EngineUnfitError, TensorRtBackend

RECIPE = 1
"""Changes whenever ``tensorrt_graph`` would make another graph of the same file, so that old engines are not taken."""
_LOG = logging.getLogger(__name__)


def open_network(model: bytes, precision: str) -> TensorRtBackend:
    """Open a network file's engine, built where there is none for just this GPU and these versions.

    Raises:
        NetworkError: there is no GPU; TensorRT fails; or ``build-engine`` refused this engine.
    """
    cache, key = EngineCache(), key_of(model, precision)
    stored, reason = cache.find(key)
    if stored is None:
        stored = _built_and_kept(model, key, cache, reason)
    try:
        return opened(stored)
    except EngineUnfitError as error:
        return opened(_built_and_kept(model, key, cache, str(error), unfit=stored))


def check_there() -> None:
    """Raise NetworkError, which says why, where there is no GPU; that TensorRT is not there, importing this told."""
    device()


def key_of(model: bytes, precision: str) -> EngineKey:
    """What an engine of the file ``model`` depends on, here and now.

    Raises:
        NetworkError: there is no GPU.
    """
    gpu = device()
    return EngineKey(
        model=hashlib.sha256(model).hexdigest(),
        precision=precision,
        gpu=gpu.name,
        capability=gpu.capability,
        multiprocessors=gpu.multiprocessors,
        driver=gpu.driver,
        cuda=gpu.runtime,
        tensorrt=tensorrt.__version__,
        recipe=RECIPE,
    )


def built(model: bytes, key: EngineKey, cache: EngineCache, reason: str) -> StoredEngine:
    """An engine fresh from TensorRT, which the cache's timings make quicker; it is not kept yet.

    Args:
        model, key: of the network file.
        cache: locked, see ``EngineCache.building``.
        reason: why it has to be built, for people to read.

    Raises:
        NetworkError: it cannot be built.
    """
    from mtl_perception.backends.tensorrt_build import build  # it needs the onnx package, running does not

    _LOG.warning("building the %s engine for %s, which takes minutes: %s", key.precision, key.gpu, reason)
    engine = build(model, key.precision, cache.timings(key))
    cache.keep_timings(key, engine.timings)
    return StoredEngine(key, engine.engine, engine.arithmetic, engine.metadata)


def opened(stored: StoredEngine) -> TensorRtBackend:
    """An engine, ready to run.

    Raises:
        NetworkError: it was refused, or TensorRT does not take it.
    """
    if stored.refused:
        raise NetworkError(
            f"`mtl-perception build-engine` refused the {stored.key.precision} engine of this network: {stored.refused}"
        )
    return TensorRtBackend(stored.engine, stored.metadata, stored.arithmetic)


def _built_and_kept(
    model: bytes, key: EngineKey, cache: EngineCache, reason: str, unfit: StoredEngine | None = None
) -> StoredEngine:
    with cache.building():
        stored, _ = cache.find(key)
        if stored and stored != unfit:  # another process built it meanwhile
            return stored
        stored = built(model, key, cache, reason)
        if problem := cache.keep(stored):
            _LOG.warning("the engine is not kept, and will be built again at the next start: %s", problem)
        return stored
