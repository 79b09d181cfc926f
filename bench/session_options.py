"""What options of an ONNX Runtime session cost or gain, against those that the package sets."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tqdm import trange

from bench.figure import spread
from mtl_perception.backends.signature import INPUT
from mtl_perception.deployment.own_process import own_process

_SPINNING = "session.intra_op.allow_spinning"
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "as the package sets them": ({}, {_SPINNING: "0"}),
    "idle threads spin for work (the library's default)": ({}, {_SPINNING: "1"}),
    "denormals are zero": ({}, {_SPINNING: "0", "session.set_denormal_as_zero": "1"}),
    "no arena": ({"enable_cpu_mem_arena": False}, {_SPINNING: "0"}),
    "no plan of memory": ({"enable_mem_pattern": False}, {_SPINNING: "0"}),
    "work in smaller pieces": ({}, {_SPINNING: "0", "session.dynamic_block_base": "4"}),
    "graph optimised without layouts (extended)": (
        {"graph_optimization_level": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED},
        {_SPINNING: "0"},
    ),
}
"""Members of the options and entries of their configuration, by what they do."""
_BLOCK = 10


class TimedSession:
    """A session with options of its own."""

    def open(self, model: Path, members: Mapping[str, Any], entries: Mapping[str, str]) -> None:
        """Open and warm up."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        for name, value in members.items():
            setattr(options, name, value)
        for name, text in entries.items():
            options.add_session_config_entry(name, text)
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        shape = self._session.get_inputs()[0].shape
        self._image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        self.time(2)

    def time(self, count: int) -> tuple[list[float], float]:
        """Milliseconds of each of ``count`` frames after one that does not count; and processor time, ms a frame.

        A camera's pause lies between two frames, in which idle threads may spin.
        """
        self._session.run(None, {INPUT: self._image})
        times, used = [], time.process_time()
        for _ in range(count):
            start = time.perf_counter()
            self._session.run(None, {INPUT: self._image})
            times.append((time.perf_counter() - start) * 1e3)
            time.sleep(0.01)
        return times, (time.process_time() - used) * 1e3 / count


class _SessionProcess(BaseManager):
    """Runs a ``TimedSession`` elsewhere."""


_SessionProcess.register("TimedSession", TimedSession)


def measure(model: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds, and processor time a frame, of every one of ``VARIANTS``, in turns."""
    times: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    used: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with ExitStack() as stack:
        sessions = {}
        for name, (members, entries) in VARIANTS.items():
            sessions[name] = stack.enter_context(own_process(_SessionProcess)).TimedSession()
            sessions[name].open(model, members, entries)
        for _ in trange(rounds, desc="session options", unit="round", disable=None):
            for name, session in sessions.items():
                milliseconds, processor = session.time(_BLOCK)
                times[name].append(milliseconds)
                used[name].append(processor)
    return {
        name: {"ms": spread(np.ravel(times[name])), "processor_ms": float(np.median(used[name]))} for name in VARIANTS
    }
