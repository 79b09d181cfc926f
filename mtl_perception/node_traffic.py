"""What goes into the perception node and comes out of it, as another process sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from sensor_msgs.msg import Image

from mtl_perception.messages.arrays import nanoseconds_of

Output = Literal["depth", "segmentation"]
LISTENERS = 2
"""Subscriptions of ``hear``, by which the node says that it is heard."""
_QUEUE = 10


@dataclass
class Traffic:
    """Frames in and results out. Frames are known by their stamps (ns); times are of the steady clock, s.

    Attributes:
        frames_in, frames_out: how many frames went in, and depth images came out.
        last_out: when the latest of these came, 0 before.
        sent: when each frame went in.
        received: when its depth came; it is published after the classes, so that both are there.
        age: from the stamp to then, by the clock of the node that listens, s.
        repeated: stamps of more than one frame, of which nobody can tell which result is whose.
        diagnostics: the node's latest word.
        network_ms: median and 95th percentile of the network's time, each of the seconds that one word of the node
            tells of.
    """

    frames_in: int = 0
    frames_out: int = 0
    last_out: float = 0.0
    sent: dict[int, float] = field(default_factory=dict)
    received: dict[int, float] = field(default_factory=dict)
    age: dict[int, float] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)
    diagnostics: dict[str, str] = field(default_factory=dict)
    network_ms: list[tuple[float, float]] = field(default_factory=list)

    def frame_in(self, stamp: int) -> None:
        """Count a frame that goes in now."""
        self.frames_in += 1
        if stamp in self.sent:
            self.repeated.add(stamp)
        self.sent[stamp] = time.monotonic()

    def hear(self, node: Node, name: str, on_result: Callable[[Output, Image], None] | None = None) -> None:
        """Listen, with ``node``, to the outputs that have its namespace.

        Args:
            node: who listens.
            name: of the perception node, with its namespace.
            on_result: given every result after it was counted.
        """

        def on_depth(message: Image) -> None:
            stamp = nanoseconds_of(message.header.stamp)
            self.frames_out += 1
            self.received[stamp] = self.last_out = time.monotonic()
            self.age[stamp] = (node.get_clock().now().nanoseconds - stamp) / 1e9
            if on_result:
                on_result("depth", message)

        def on_segmentation(message: Image) -> None:
            if on_result:
                on_result("segmentation", message)

        def on_diagnostics(message: DiagnosticArray) -> None:
            for status in message.status:
                if status.name == f"{name}: perception":
                    self._take({v.key: v.value for v in status.values})

        node.create_subscription(Image, "depth/image", on_depth, _QUEUE)
        node.create_subscription(Image, "segmentation/image", on_segmentation, _QUEUE)
        node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, _QUEUE)

    def _take(self, figures: dict[str, str]) -> None:
        self.diagnostics = figures
        if "network median [ms]" in figures:
            self.network_ms.append(
                (float(figures["network median [ms]"]), float(figures["network 95th percentile [ms]"]))
            )

    @property
    def heard(self) -> bool:
        """Whether the node is heard here, by its own word."""
        return self.count("listeners") >= LISTENERS

    @property
    def dropped(self) -> dict[str, int]:
        """Frames the node dropped, by the reason it gives."""
        return {key.partition(": ")[2]: int(n) for key, n in self.diagnostics.items() if key.startswith("dropped: ")}

    @property
    def in_work(self) -> int:
        """Frames the node has received and says nothing of yet."""
        return self.count("frames received") - self.count("frames published") - self.count("frames dropped")

    @property
    def settled(self) -> bool:
        """Whether the node has given account of every frame and all its results are here."""
        return (
            self.count("frames received") == self.frames_in
            and self.in_work == 0
            and self.count("frames published") == self.frames_out
        )

    def count(self, figure: str) -> int:
        """A count in the node's latest word, 0 before there is one."""
        return int(self.diagnostics.get(figure, 0))
