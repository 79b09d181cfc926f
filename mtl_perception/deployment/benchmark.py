"""What is measured: networks that take turns, each in a process of its own; then the whole node, one at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import AUTO, TENSORRT, Runtime
from mtl_perception.deployment.gpu import memory_of
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.deployment.own_process import ENDED
from mtl_perception.deployment.timed_network import FRAMES, Opened, TimedNetwork, timed_network
from mtl_perception.evaluation.process_usage import peak_memory

if TYPE_CHECKING:
    from mtl_perception.deployment.timed_node import NodeTimes

BLOCK = 10
"""Frames that a network runs before the next takes its turn."""
_DIED = "its process ended: for want of memory, or a library brought it down"


@dataclass(frozen=True)
class Configuration:
    """A network file, and how it is to be run."""

    model: Path
    runtime: Runtime

    def __str__(self) -> str:
        return f"{self.model.stem} on {', '.join(self.runtime.backends)} {self.runtime.precision}"


@dataclass
class Memory:
    """Most MiB of a process, resident and on the GPU, as far as was seen; None where nothing tells."""

    resident: float | None = None
    device: float | None = None

    def look(self, pid: int) -> None:
        """See what process ``pid`` has taken up to now."""
        self.resident = peak_memory(pid) or self.resident
        device = memory_of(pid)
        if device is not None:
            self.device = max(device, self.device or 0.0)


@dataclass
class Measured:
    """What was measured of a configuration; times in milliseconds, by block.

    Attributes:
        opened: the network, open and warm.
        network: of each frame through the network alone.
        memory: of the process that ran just this.
        node: of frames through the whole node and, in turn, its network alone; None where not measured.
        node_memory: of the node's process.
    """

    configuration: Configuration
    opened: Opened
    network: list[list[float]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    node: NodeTimes | None = None
    node_memory: Memory = field(default_factory=Memory)


class Benchmark:
    """A measurement that can be broken off: what was measured before stays.

    Args:
        configurations: what to measure; one that does not come up is passed over.
        frames: (H, W, 3) uint8 RGB, to be run in turn; none: made ones of each network's size.
        rounds: how many turns each takes.
        with_node: whether to measure the whole node too, as many blocks again.

    Raises:
        OSError: a network file cannot be read.

    Attributes:
        names: of the network files by their paths: the stem, or the path where files have one stem.
        sha256: of the network files, likewise.
        measured: what came up.
        not_measured: what did not, or not to the end, and why.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        frames: Sequence[np.ndarray],
        rounds: int,
        with_node: bool,
    ) -> None:
        self._configurations = configurations
        self._frames = frames
        self._rounds = rounds
        self._with_node = with_node
        models = list(dict.fromkeys(configuration.model for configuration in configurations))
        stems = Counter(path.stem for path in models)
        self.names = {path: path.stem if stems[path.stem] == 1 else str(path) for path in models}
        self.sha256 = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in models}
        self.measured: list[Measured] = []
        self.not_measured: list[tuple[Configuration, str]] = []

    def steps(self) -> int:
        """How often ``run`` will report at the most."""
        return len(self._configurations) * (1 + self._rounds * (2 if self._with_node else 1))

    def run(self, on_step: Callable[[], object] = lambda: None) -> None:
        """Measure, calling ``on_step`` after each opening and each block."""
        with ExitStack() as stack:
            open_networks = list(self._opened(stack, on_step))
            for _ in range(self._rounds):
                for measured, network in list(open_networks):
                    try:
                        measured.network.append(network.time(BLOCK))
                        measured.memory.look(measured.opened.pid)
                    except (NetworkError, *ENDED) as error:
                        open_networks.remove((measured, network))
                        self._pass_over(measured.configuration, error)
                    on_step()
        if self._with_node:
            for measured, _ in open_networks:
                self._measure_node(measured, on_step)

    def _opened(self, stack: ExitStack, on_step: Callable[[], object]) -> Iterable[tuple[Measured, TimedNetwork]]:
        for configuration in self._configurations:
            with ExitStack() as process:
                try:
                    if configuration.runtime.backends[0] == TENSORRT:
                        self._have_built(configuration)
                    network = process.enter_context(timed_network())
                    opened = network.open(configuration.model, configuration.runtime, self._frames)
                    # Times of another would stand under its name; ``auto`` names none.
                    if opened.passed_over and AUTO not in configuration.runtime.backends:
                        raise NetworkError("; ".join(opened.passed_over))
                except (NetworkError, *ENDED) as error:
                    self._pass_over(configuration, error)
                else:
                    stack.enter_context(process.pop_all())
                    self.measured.append(Measured(configuration, opened))
                    yield self.measured[-1], network
            on_step()

    def _have_built(self, configuration: Configuration) -> None:
        """Open it in a process that ends: one that built the engine, too, would have taken its time and memory."""
        with timed_network() as network:
            network.open(configuration.model, configuration.runtime)

    def _measure_node(self, measured: Measured, on_step: Callable[[], object]) -> None:
        from mtl_perception.deployment.node_camera import NoAnswerError
        from mtl_perception.deployment.timed_node import time_node

        def on_start(times: NodeTimes) -> None:
            if times.device != opened.device:
                raise NetworkError(f"it ran on {times.device}: see its messages above")
            measured.node = times

        def on_block() -> None:
            if measured.node:
                measured.node_memory.look(measured.node.pid)
            on_step()

        opened = measured.opened
        frames = self._frames or made_frames(FRAMES, opened.height, opened.width)
        try:
            time_node(
                measured.configuration.model,
                measured.configuration.runtime,
                frames,
                opened.focal_length,
                blocks=self._rounds,
                block=BLOCK,
                on_start=on_start,
                on_block=on_block,
            )
        except (NetworkError, NoAnswerError, *ENDED) as error:
            self._pass_over(measured.configuration, error, "the whole node: ")

    def _pass_over(self, configuration: Configuration, error: Exception, what: str = "") -> None:
        why = _DIED if isinstance(error, ENDED) else str(error)
        # Which file and library it is, the configuration says.
        why = why.removeprefix(f"{configuration.model}: ").removeprefix(f"{configuration.runtime.backends[0]}: ")
        self.not_measured.append((configuration, what + why))
