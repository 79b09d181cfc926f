"""Replay a recorded camera through the real node over DDS, in a process of its own, and see what comes out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from tqdm import tqdm

from mtl_perception.messages.arrays import nanoseconds_of
from mtl_perception.node_process import NodeProcess
from mtl_perception.node_traffic import Output, Traffic
from mtl_perception.recordings.bag_reading import Bag
from mtl_perception.recordings.errors import BagError, ReplayError
from mtl_perception.replay import BagPlayer, check_playable
from mtl_perception.share import use_shared_memory_profile

TRANSPORTS = {"sensor_msgs/msg/Image": "raw", "sensor_msgs/msg/CompressedImage": "compressed"}
"""Value of the node's parameter image_transport by the type of an image topic."""
_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
_PATIENCE = 30.0
"""Seconds to wait for the node to come up, or for the result of one frame."""
_FOUND_BOTH_WAYS = 0.5
"""Seconds after which a listener that is seen here sees the publisher too; a first camera_info would be lost before."""
_QUIET = 2.0
"""Seconds without a result, when the node has nothing in work, after which none is expected any more."""


@dataclass(frozen=True)
class CameraTopics:
    """What of a bag goes to the node: the image topic and, if there is one, its CameraInfo."""

    image: str
    camera_info: str | None = None


class NodeReplay:
    """A bag about to be played to a node that is up, hears it and is heard."""

    def __init__(
        self, process: NodeProcess, player: BagPlayer, traffic: Traffic, topics: CameraTopics, frames: int
    ) -> None:
        self._process = process
        self._player = player
        self._topics = topics
        self._frames = frames
        self.traffic = traffic

    @property
    def pid(self) -> int:
        """Process id of the node."""
        return self._process.pid

    def play(self, on_frame: Callable[[Any], None] | None = None) -> None:
        """Play the bag at its own pace, stamped as of now.

        Args:
            on_frame: given every image message just before it goes out.

        Raises:
            ReplayError: the node ended meanwhile.
            BagError: the bag breaks off; what came out before is in ``traffic``.
        """

        def on_sent(topic: str, message: Any) -> None:
            self._check()
            if topic == self._topics.image:
                progress.update()
                if on_frame:
                    on_frame(message)
                self.traffic.frame_in(nanoseconds_of(message.header.stamp))

        with tqdm(total=self._frames, desc="playing to the node", unit="frame", disable=None) as progress:
            self._player.play(sent=on_sent)

    def wait_until_connected(self) -> None:
        """Wait until the node hears the camera and, by its own word, is heard.

        Raises:
            ReplayError: it ended, or that takes too long.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self._check()
            if self.traffic.heard and all(p.get_subscription_count() for p in self._player.publishers.values()):
                time.sleep(_FOUND_BOTH_WAYS)
                return
            time.sleep(0.02)
        raise ReplayError(f"the node did not come up within {_PATIENCE:.0f} s: see its messages above")

    def wait_until_quiet(self) -> None:
        """Wait until the node has given account of every frame, or no more is to be expected.

        Raises:
            ReplayError: it ended.
        """
        begun = time.monotonic()
        while not self.traffic.settled:
            self._check()
            silence = time.monotonic() - max(begun, self.traffic.last_out)
            if silence > (_PATIENCE if self.traffic.in_work else _QUIET):
                return
            time.sleep(0.05)

    def _check(self) -> None:
        if self._process.exit_code is not None:
            raise ReplayError(f"the node ended with exit code {self._process.exit_code}: see its messages above")


@contextmanager
def node_replay(
    bag: Bag, model: Path, topics: CameraTopics, on_result: Callable[[Output, Image], None] | None = None
) -> Iterator[NodeReplay]:
    """Context in which the node, with the network ``model``, waits for ``topics`` of ``bag``.

    All of it lies in a namespace of its own, so that no robot nearby takes part.

    Args:
        bag: the recording.
        model: network file.
        topics: what the node gets of it.
        on_result: given every depth and every classes image that comes out, in another thread.

    Raises:
        BagError: the bag, or its topics, cannot be used.
        ReplayError: the node does not come up.
    """
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    namespace = f"/replay_{os.getpid()}"
    transport = _transport(bag, topics)
    # The names stay: by them the node knows a rectified image.
    played = {name: f"{namespace}/{name.lstrip('/')}" for name in (topics.image, topics.camera_info) if name}
    remappings = {"__ns": namespace, "image": played[topics.image]}
    if topics.camera_info:
        remappings["camera_info"] = played[topics.camera_info]
    with NodeProcess({"model": str(model), "image_transport": transport}, remappings) as process:
        # Ctrl-C is this thread's own affair: of rclpy's making it would end the spinning amid a message.
        rclpy.init(signal_handler_options=SignalHandlerOptions.SIGTERM)
        node = Node("replay", namespace=namespace)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        spinning = threading.Thread(target=_spin, args=(executor,), daemon=True)
        try:
            traffic = Traffic()
            player = BagPlayer(node, bag, topics=played, restamp=True)
            traffic.hear(node, f"{namespace}/perception", on_result)
            spinning.start()
            replay = NodeReplay(process, player, traffic, topics, bag.topics[topics.image].count)
            replay.wait_until_connected()
            yield replay
        finally:
            executor.shutdown()
            node.destroy_node()
            rclpy.try_shutdown()


def _transport(bag: Bag, topics: CameraTopics) -> str:
    """How the image comes, after a look at whether the topics are what they should be."""
    check_playable(bag)
    kind = {topic: recorded.type for topic, recorded in bag.topics.items()}
    wanted = {topics.image: tuple(TRANSPORTS), topics.camera_info: (_CAMERA_INFO,)}
    for topic, kinds in wanted.items():
        if topic is not None and kind.get(topic) not in kinds:
            found = f"{topic} is {kind[topic]}" if topic in kind else f"there is no {topic}"
            raise BagError(f"{bag.path}: {found}; wanted is a topic of {' or '.join(kinds)}")
    return TRANSPORTS[kind[topics.image]]


def _spin(executor: SingleThreadedExecutor) -> None:
    with suppress(ExternalShutdownException):  # SIGTERM
        executor.spin()
