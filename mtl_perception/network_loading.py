"""Opening the node's network: at configure, and anew while frames go on."""

from __future__ import annotations

import threading

from rclpy.executors import Executor
from rclpy.task import Future

from mtl_perception.backends import NetworkError
from mtl_perception.network import Network
from mtl_perception.parameters import PerceptionParameters
from mtl_perception.share import model_path


def load_network(values: PerceptionParameters) -> Network:
    """Open the file that ``model`` names, and run it until it is warm.

    Raises:
        NetworkError: there is no such file, or it is no network; one line.
    """
    try:
        network = Network(model_path(values.model), values.runtime())
        network.warm_up(values.warm_up_runs)
    except FileNotFoundError as error:
        raise NetworkError(str(error)) from error
    return network


def load_aside(values: PerceptionParameters, executor: Executor) -> Future:
    """``load_network`` in a thread of its own, so that the executor goes on handing out frames.

    Returns:
        What a service's coroutine can await: the network, or the exception that came instead.
    """
    future = Future(executor=executor)

    def load() -> None:
        try:
            future.set_result(load_network(values))
        except Exception as error:  # Raised in a thread it would be lost, and the service never answered.
            future.set_result(error)
        executor.wake()  # It waits for messages only, and would look at the future after the next one.

    threading.Thread(target=load, name="loading", daemon=True).start()
    return future
