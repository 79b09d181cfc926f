"""The whole node in a process of its own, timed there against its own network alone."""

from __future__ import annotations

import atexit
import gc
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.managers import BaseManager
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.deployment.node_camera import PATIENCE, NoAnswerError, node_camera
from mtl_perception.deployment.own_process import own_process
from mtl_perception.nodes.perception_node import PerceptionNode
from mtl_perception.share import use_shared_memory_profile

_numbers = itertools.count()


@dataclass
class NodeTimes:
    """What was measured, milliseconds, by block.

    Attributes:
        pid: of the node's process.
        device: what runs its network, for people to read.
        alone: ``Network.predict``, on the very network the node runs.
        node: from each frame's arrival in the image callback to its results being published.
        camera_to_results: from the camera's process to the last result back there, over DDS.
    """

    pid: int
    device: str = ""
    alone: list[list[float]] = field(default_factory=list)
    node: list[list[float]] = field(default_factory=list)
    camera_to_results: list[list[float]] = field(default_factory=list)


class _TimedNode(PerceptionNode):
    """The node; it also keeps how long each frame took, and runs its network alone when asked."""

    def __init__(self, namespace: str, parameters: dict[str, object]) -> None:
        self.end_to_end: list[float] = []
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        super().__init__(namespace=namespace, parameter_overrides=overrides)

    def _process(self, arrival) -> None:
        super()._process(arrival)
        self.end_to_end.append((time.monotonic() - arrival.time) * 1e3)

    @property
    def is_configured(self) -> bool:
        """Whether it has a network."""
        return self._network is not None

    @property
    def device(self) -> str:
        """What runs its network, for people to read."""
        return self._network.device

    def alone(self, rgb: np.ndarray, focal_length: float) -> float:
        """Milliseconds that ``Network.predict`` takes for ``rgb``."""
        start = time.perf_counter()
        self._network.predict(rgb, focal_length)
        return (time.perf_counter() - start) * 1e3


class TimedNode:
    """A process's only node, as ``perception_node.main`` runs it but for the thread."""

    def open(
        self, namespace: str, model: Path, runtime: Runtime, frames: Sequence[np.ndarray], focal_length: float
    ) -> NodeTimes:
        """Start it and give what is to hold its times; ``frames`` and ``focal_length`` are for its network alone.

        Raises:
            NetworkError: it does not take the network.
        """
        rclpy.init(args=["--ros-args", "--log-level", "warn"], signal_handler_options=SignalHandlerOptions.NO)
        parameters: dict[str, object] = {
            "model": str(model),
            "backends": list(runtime.backends),
            "precision": runtime.precision,
            "providers": list(runtime.providers) or [""],
            "threads": runtime.threads,
            # While its network runs alone it hears nothing, and is not to complain.
            "image_timeout": 3600.0,
        }
        self._node, self._frames, self._focal_length = _TimedNode(namespace, parameters), frames, focal_length
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._spinning = threading.Thread(target=self._executor.spin, daemon=True)
        atexit.register(self._close)
        if not self._node.is_configured:
            raise NetworkError("the node does not take the network: see its messages above")
        self._spinning.start()
        self._device = self._node.device
        return NodeTimes(os.getpid(), self._device)

    def alone(self, count: int) -> list[float]:
        """Run the network alone; milliseconds."""
        chosen = [self._frames[i % len(self._frames)] for i in range(count)]
        return [self._node.alone(frame, self._focal_length) for frame in chosen]

    def taken(self, count: int) -> list[float]:
        """Milliseconds of each of the last ``count`` frames through the node, none of which is told again.

        Raises:
            NoAnswerError: it has not done so many.
            NetworkError: its network lost its device, and another took over.
        """
        deadline = time.monotonic() + PATIENCE
        # The last results are with the camera a moment before the node is done counting.
        while len(self._node.end_to_end) < count:
            if time.monotonic() > deadline:
                raise NoAnswerError(f"the node did not take {count} frames within {PATIENCE:.0f} s")
            time.sleep(0.001)
        if self._node.device != self._device:
            raise NetworkError(f"now on {self._node.device}: {self._device} was lost")
        times, self._node.end_to_end = self._node.end_to_end, []
        return times[-count:]

    def _close(self) -> None:
        """End as the node's own process does; whoever uses it may have been interrupted."""
        self._executor.shutdown()
        if self._spinning.is_alive():
            self._spinning.join()
        self._node.stop()
        self._node.destroy_node()
        # A lifecycle node keeps its place in shared memory until it is collected, and this process ends without ado.
        del self._node, self._executor
        gc.collect()
        rclpy.try_shutdown()


class _NodeProcess(BaseManager):
    """Runs a ``TimedNode`` elsewhere."""


_NodeProcess.register("TimedNode", TimedNode)


def time_node(
    model: Path,
    runtime: Runtime,
    frames: Sequence[np.ndarray],
    focal_length: float,
    *,
    blocks: int,
    block: int,
    on_start: Callable[[NodeTimes], None] = lambda times: None,
    on_block: Callable[[], None] = lambda: None,
) -> NodeTimes:
    """Alternate ``blocks`` of ``block`` frames through the node with as many of its network alone.

    The camera is another process; it subscribes to depth, segmentation and confidence, and sends a frame when all
    results of the one before are back.

    Args:
        model: network file.
        runtime: how it is run.
        frames: (H, W, 3) uint8 RGB, in turn.
        focal_length: of the camera, pixels.
        blocks, block: how much.
        on_start: given what will hold the times, once the node is up.
        on_block: called after each pair of blocks.

    Raises:
        NetworkError: the node does not take the network, or another library took over.
        NoAnswerError: the node did not come up, or gave no results.
    """
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    namespace = f"benchmark_{os.getpid()}_{next(_numbers)}"
    with ExitStack() as stack:
        camera = stack.enter_context(node_camera(namespace, frames, focal_length))
        node = stack.enter_context(_timed_node())
        times = node.open(namespace, model, runtime, frames, focal_length)
        on_start(times)
        camera.connect()
        camera.send(3)
        node.taken(3)
        for _ in range(blocks):
            alone = node.alone(block + 1)[1:]
            round_trips = camera.send(block + 1)[1:]
            times.node.append(node.taken(block + 1)[1:])
            times.alone.append(alone)
            times.camera_to_results.append(round_trips)
            on_block()
    return times


@contextmanager
def _timed_node() -> Iterator[TimedNode]:
    with own_process(_NodeProcess) as manager:
        yield manager.TimedNode()
