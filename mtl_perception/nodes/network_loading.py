"""Opening the node's network: at configure, and anew while frames go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.executors import Executor
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.task import Future

from mtl_perception.backends import NetworkError
from mtl_perception.network import Network
from mtl_perception.nodes.perception_parameters import PerceptionParameters
from mtl_perception.share import model_path


def load_network(values: PerceptionParameters, logger: RcutilsLogger) -> Network:
    """Open the file that ``model`` names, and run it until it is warm.

    Args:
        values: of the node.
        logger: told what a library does meanwhile that takes long, e.g. building an engine, and why.

    Raises:
        NetworkError: there is no such file, or it is no network; one line.
    """
    try:
        with _told(logger):
            network = Network(model_path(values.model), values.runtime())
            network.warm_up(values.warm_up_runs)
    except FileNotFoundError as error:
        raise NetworkError(str(error)) from error
    return network


def load_aside(values: PerceptionParameters, logger: RcutilsLogger, executor: Executor) -> Future:
    """``load_network`` in a thread of its own, so that the executor goes on handing out frames.

    Returns:
        What a service's coroutine can await: the network, or the exception that came instead.
    """
    future = Future(executor=executor)

    def load() -> None:
        try:
            future.set_result(load_network(values, logger))
        except Exception as error:  # Raised in a thread it would be lost, and the service never answered.
            future.set_result(error)
        executor.wake()  # It waits for messages only, and would look at the future after the next one.

    threading.Thread(target=load, name="loading", daemon=True).start()
    return future


class _Teller(logging.Handler):
    """Hands Python's log messages to a node's logger."""

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.warning(record.getMessage())


@contextmanager
def _told(logger: RcutilsLogger) -> Iterator[None]:
    ours, teller = logging.getLogger("mtl_perception"), _Teller(logger)
    ours.addHandler(teller)
    try:
        yield
    finally:
        ours.removeHandler(teller)
