"""Builds a TensorRT engine of a network file: minutes of trying out kernels, for one kind of GPU."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass

from mtl_perception.backends import NetworkError
from mtl_perception.backends.cuda import device
from mtl_perception.backends.tensorrt_graph import graph_for_tensorrt, metadata_of, read_graph
from mtl_perception.backends.tensorrt_log import LOG, ProgressBar, created, tensorrt, why
from mtl_perception.backends.tensorrt_quantisation import is_quantised

_MOST_WORKSPACE = 1 << 30
"""Bytes of device memory that a kernel may take for itself: the rest of the robot needs memory as well."""


@dataclass(frozen=True)
class Built:
    """An engine fresh from TensorRT.

    Attributes:
        engine: as TensorRT serialises it.
        arithmetic: what it computes in, for people to read.
        metadata: what the network file says of itself.
        timings: how long each kernel took.
    """

    engine: bytes
    arithmetic: str
    metadata: dict[str, str]
    timings: bytes


def build(model: bytes, precision: str, timings: bytes = b"") -> Built:
    """Build an engine for the GPU that is there.

    The network is strongly typed, on TensorRT 10 as on 11, where nothing else is left: each part runs in the type that
    ``tensorrt_graph`` wrote into it, and 8-bit parts are those that the file quantises.

    Args:
        model: a network file's bytes.
        precision: ``fp32``, truly: without TF32, which is TensorRT's own idea of it; or ``fp16``.
        timings: of an earlier build, to be quicker; those of another device or version are left alone.

    Raises:
        NetworkError: a layer is not supported, and the message names it; the GPU's memory does not do; or TensorRT
            fails otherwise.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    graph = read_graph(model)
    metadata, quantised = metadata_of(graph), is_quantised(graph)
    prepared = graph_for_tensorrt(graph, precision).SerializeToString()
    progress = ProgressBar()
    done: Future[tuple[bytes, bytes]] = Future()

    def work() -> None:
        try:
            done.set_result(_build(prepared, precision, timings, progress))
        except BaseException as error:
            done.set_exception(error)

    # TensorRT calls back all the time, and an exception cannot pass through it. Ctrl-C is one in the main thread only.
    # Python waits for such a thread at its end, and not before the main thread is over, for which the bar looks out.
    building = threading.Thread(target=work, name="building", daemon=False)
    try:
        building.start()
        engine, timings = done.result()
    except KeyboardInterrupt:
        progress.stop = True
        raise
    finally:
        if building.is_alive():  # it is not where Ctrl-C came before it began
            building.join()
    return Built(engine, f"int8 and {precision}" if quantised else precision, metadata, timings)


def _build(prepared: bytes, precision: str, timings: bytes, progress: ProgressBar) -> tuple[bytes, bytes]:
    with LOG.errors() as errors:
        builder = created(tensorrt.Builder, errors)
        network = builder.create_network(1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = tensorrt.OnnxParser(network, LOG)
        if not parser.parse(prepared):
            raise NetworkError(f"TensorRT does not take the network: {_complaint(parser)}")
        config = builder.create_builder_config()
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, min(_MOST_WORKSPACE, device().memory // 4))
        if precision == "fp32":
            config.clear_flag(tensorrt.BuilderFlag.TF32)
        cache = _timing_cache(config, timings)
        config.progress_monitor = progress
        engine = builder.build_serialized_network(network, config)
        if engine is None:
            raise NetworkError(f"TensorRT cannot build the engine: {why(errors)}")
        return bytes(engine), bytes(cache.serialize())


def _timing_cache(config: tensorrt.IBuilderConfig, timings: bytes) -> tensorrt.ITimingCache:
    """The cache that ``config`` builds with: of ``timings`` where they are fit, else empty."""
    cache = config.create_timing_cache(timings)
    if cache is None or not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    return cache


def _complaint(parser: tensorrt.OnnxParser) -> str:
    """The parser's first error: which node, which operator, why; and how many more there are."""
    if not parser.num_errors:
        return "the parser does not say why"
    first = parser.get_error(0)
    name, operator = first.node_name(), first.node_operator()
    node = f"node {name or '(without a name)'} ({operator}): " if operator else ""
    more = f"; and {parser.num_errors - 1} more" if parser.num_errors > 1 else ""
    return f"{node}{' '.join(first.desc().split())}{more}"
