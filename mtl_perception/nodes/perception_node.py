"""The perception node: camera frames in, metric depth and classes out (README: topics, parameters)."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import SetBool, Trigger

from mtl_perception.backends import NetworkError
from mtl_perception.latest_frame_worker import LatestFrameWorker
from mtl_perception.messages.arrays import MessageError, nanoseconds_of, rgb_from_compressed, rgb_from_image
from mtl_perception.messages.camera_info import another_shape, carries_rectified, intrinsics_of
from mtl_perception.network import Network
from mtl_perception.nodes.camera_info_subscription import CameraInfoSubscription
from mtl_perception.nodes.camera_node import DIAGNOSTICS_PERIOD, CameraNode
from mtl_perception.nodes.diagnostics import diagnostic_array, unheard_clock, why_silent
from mtl_perception.nodes.lifecycle_transitions import configure_and_activate, transition
from mtl_perception.nodes.network_loading import load_aside, load_network
from mtl_perception.nodes.node_main import run_node
from mtl_perception.nodes.outputs import Frame, Outputs
from mtl_perception.nodes.perception_parameters import PerceptionParameters
from mtl_perception.stream_statistics import StreamStatistics, Timing

_CAMERA_INFO_TAKES = 1.0
"""Seconds, from the first image on, in which a camera_info that somebody publishes is waited for."""
_WINDOW = 5.0
_LOG_AGAIN = 5.0
"""Seconds before a complaint that lasts is logged again."""


@dataclass(frozen=True)
class _Arrival:
    message: Image | CompressedImage
    time: float
    """When it came, seconds of the steady clock."""


def _described(network: Network) -> str:
    card = network.card
    return (
        f"{card.name} ({card.architecture}) on {network.device}: {card.input_width}x{card.input_height}, "
        f"{len(card.classes)} classes, depth {card.depth_min:g} to {card.depth_max:g} m"
    )


class PerceptionNode(CameraNode):
    """Lifecycle node that runs a network file on the latest camera frame."""

    def __init__(self, **kwargs) -> None:
        super().__init__("perception", PerceptionParameters(), self._on_change, **kwargs)
        self._network: Network | None = None
        self._enable_service = self.create_service(SetBool, "~/enable", self._on_enable)
        self._reloading = False
        # In a group of its own: while it awaits the file, the others of its group would not be called.
        self._reload_service = self.create_service(
            Trigger, "~/reload", self._on_reload, callback_group=MutuallyExclusiveCallbackGroup()
        )
        self.has_started = not self._settings.values.autostart or configure_and_activate(self)

    @transition("configure", undo="_close", expected=(NetworkError,))
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the network and create the outputs; a bad file or parameter fails with one line."""
        if self._settings.problems:
            self.get_logger().error(f"cannot configure: {'; '.join(self._settings.problems.values())}")
            return TransitionCallbackReturn.FAILURE
        network = load_network(self._settings.values, self.get_logger())
        self._network, card = network, network.card
        self._outputs = Outputs(self, card)
        self._opened.callback(self._outputs.destroy)
        self._statistics = StreamStatistics(_WINDOW)
        self._camera_info: CameraInfo | None = None
        self._another_shape: str | None = None
        self._last_stamp = -math.inf
        self._last_accepted = self._last_arrival = self._last_too_old = -math.inf
        self._last_error = ""
        self._network_range = (card.depth_min, card.depth_max)
        self._diagnose(self._publish_diagnostics)
        self._settings.locked = True
        self._tell_passed_over(network)
        self.get_logger().info(_described(network))
        return TransitionCallbackReturn.SUCCESS

    @transition("activate", undo="stop")
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen to the camera."""
        result = super().on_activate(state)
        self._outputs.publish_labels(self._settings.values.min_confidence)
        self._rectified = carries_rectified(self.resolve_topic_name("image"))
        self._worker = LatestFrameWorker(self._process, self._on_failure)
        self._listening.callback(self._worker.stop)
        self._listening_since = time.monotonic()
        self._first_arrival = math.inf
        compressed = self._settings.values.image_transport == "compressed"
        # The kind of QoS that hears every camera, reliable or not. The executor takes what has come in the order of
        # creation: camera_info first, so that an image that comes with it finds it.
        self._info_subscription = CameraInfoSubscription(
            self, "camera_info", self._on_camera_info, qos_profile_sensor_data
        )
        self._listening.callback(self._info_subscription.destroy)
        self._image_subscription = self.create_subscription(
            CompressedImage if compressed else Image, "image", self._on_image, qos_profile_sensor_data
        )
        self._listening.callback(self.destroy_subscription, self._image_subscription)
        self._active = True
        return result

    def _close(self) -> None:
        super()._close()
        self._network = None

    def _on_change(self, names: set[str]) -> None:
        if self._active and "min_confidence" in names:  # who listens to classes is told of it with their names
            self._outputs.publish_labels(self._settings.values.min_confidence)

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        result = self.set_parameters([Parameter("enabled", value=request.data)])[0]
        response.success = result.successful
        response.message = result.reason or ("enabled" if request.data else "disabled")
        return response

    async def _on_reload(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Take the file that ``model`` names now in place of the one that runs; a bad one leaves that running."""
        running = self._network
        if running is None or self._reloading:
            response.message = (
                "a file is being loaded already" if self._reloading else "not configured: configure loads it"
            )
            return response
        self._reloading = True
        loaded = await load_aside(self._settings.values, self.get_logger(), self.executor)
        self._reloading = False
        if self._network is not running:  # Cleaned up meanwhile, perhaps configured again.
            response.message = "the node was cleaned up meanwhile"
        elif isinstance(loaded, Exception):
            response.message = f"{running.card.name} keeps running: {loaded}"
            self.get_logger().error(response.message)
        else:
            self._outputs.show(loaded.card)
            self._network = loaded
            if self._active:
                self._outputs.publish_labels(self._settings.values.min_confidence)
            self._tell_passed_over(loaded)
            response.success, response.message = True, _described(loaded)
            self.get_logger().info(f"reloaded: {response.message}")
        return response

    def _tell_passed_over(self, network: Network) -> None:
        for library in network.passed_over:
            self.get_logger().info(f"not run by {library}")

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._camera_info = message

    def _on_image(self, message: Image | CompressedImage) -> None:
        now = time.monotonic()
        values = self._settings.values
        self._statistics.frame_received(now)
        self._last_arrival = now
        self._first_arrival = min(self._first_arrival, now)
        stamp = nanoseconds_of(message.header.stamp)
        if stamp < self._last_stamp:
            self.get_logger().warning(
                f"stamps went back by {(self._last_stamp - stamp) / 1e9:.3f} s: a bag started again, or the camera's "
                "clock was set",
                throttle_duration_sec=_LOG_AGAIN,
            )
        self._last_stamp = stamp
        if not values.enabled:
            self._statistics.frame_dropped("disabled")
        elif not self._outputs.listeners():
            self._statistics.frame_dropped("nobody listens")
        elif self._waits_for_camera_info(now):
            self._statistics.frame_dropped("waiting for camera_info")
        # Nine tenths of the period: frames of just this rate come now a little early, now late.
        elif values.max_rate and now - self._last_accepted < 0.9 / values.max_rate:
            self._statistics.frame_dropped("above max_rate")
        else:
            self._last_accepted = now
            if self._worker.put(_Arrival(message, now)):
                self._statistics.frame_dropped("a newer one came first")

    def _waits_for_camera_info(self, now: float) -> bool:
        if self._camera_info is not None or now - self._first_arrival > _CAMERA_INFO_TAKES:
            return False
        self._info_subscription.hear_latched()
        return self._info_subscription.is_published

    def _process(self, arrival: _Arrival) -> None:
        values = self._settings.values
        message = arrival.message
        stamp = nanoseconds_of(message.header.stamp)
        if values.max_age and self.get_clock().now().nanoseconds - stamp > values.max_age * 1e9:
            self._statistics.frame_dropped("older than max_age")
            self._last_too_old = time.monotonic()
            return
        rgb = rgb_from_image(message) if isinstance(message, Image) else rgb_from_compressed(message)
        info = self._camera_info
        self._another_shape = another_shape(info, *rgb.shape[:2]) if info is not None else None
        if self._another_shape:  # a wrong scale is worse than none: it would look right
            info = None
        camera = intrinsics_of(info, *rgb.shape[:2], rectified=self._rectified) if info is not None else None
        network = self._network
        before = len(network.passed_over)
        start = time.perf_counter()
        prediction = network.predict(
            rgb, camera.fx if camera else None, at_network_size=values.output_size == "network"
        )
        network_ms = (time.perf_counter() - start) * 1e3
        if lost := network.passed_over[before:]:
            self.get_logger().error(f"now on {network.device}, as no more run by {'; '.join(lost)}")
        self._network_range = prediction.depth_range
        self._outputs.publish(Frame(message.header, rgb, info, self._rectified), prediction, values)
        now = time.monotonic()
        age_ms = (self.get_clock().now().nanoseconds - stamp) / 1e6
        self._statistics.frame_published(now, Timing(network_ms, (now - arrival.time) * 1e3, age_ms))
        self._last_error = ""

    def _on_failure(self, error: Exception) -> None:
        if not self.context.ok():  # A signal ended ROS amid the frame: that is no fault of it.
            return
        expected = isinstance(error, (MessageError, NetworkError))
        self._last_error = str(error) if expected else f"{type(error).__name__}: {error}"
        self._statistics.frame_dropped("bad message" if isinstance(error, MessageError) else "failed")
        self.get_logger().error(f"frame dropped: {self._last_error}", throttle_duration_sec=_LOG_AGAIN)

    def _publish_diagnostics(self) -> None:
        now = time.monotonic()
        if self._active:
            self._info_subscription.hear_latched()
        complaints = self._complaints(now) if self._active else []
        if complaints:
            self.get_logger().warning("; ".join(complaints), throttle_duration_sec=_LOG_AGAIN)
        card = self._network.card
        facts = {
            "model": card.name,
            "device": self._network.device,
            "active": str(self._active).lower(),
            "listeners": str(self._outputs.listeners()),
            "enabled": str(self._settings.values.enabled).lower(),
            "last error": self._last_error,
        }
        self._diagnostics.publish(diagnostic_array(self, self._statistics.summary(now), facts, complaints))

    def _complaints(self, now: float) -> list[str]:
        complaints = unheard_clock(self)
        if now - max(self._last_arrival, self._listening_since) > self._settings.values.image_timeout:
            kind = "CompressedImage" if self._settings.values.image_transport == "compressed" else "Image"
            return [*complaints, why_silent(self, self._image_subscription.topic_name, f"sensor_msgs/msg/{kind}")]
        if self._last_error:
            complaints.append(f"the last frame failed: {self._last_error}")
        if self._last_arrival > self._listening_since + DIAGNOSTICS_PERIOD:
            card = self._network.card
            assumed = (
                f"depth is right only for a focal length of {card.focal_length:.0f} px at {card.input_width} px width"
            )
            if self._camera_info is None:
                complaints.append(f"no camera_info on {self._info_subscription.topic_name}: {assumed}")
            elif intrinsics_of(self._camera_info, 1, 1) is None:
                complaints.append(
                    f"camera_info is uncalibrated (K is zero, or no camera's): {assumed}; calibrate the camera"
                )
            elif self._another_shape:
                complaints.append(f"camera_info is {self._another_shape}; until then it is not used: {assumed}")
        if self._outputs.no_points:
            complaints.append(f"no points are made: {self._outputs.no_points}")
        values = self._settings.values
        nearest, farthest = values.depth_range(self._network_range)
        if nearest >= farthest:
            low, high = self._network_range
            complaints.append(
                f"every pixel is out of range: min_depth {values.min_depth:g} and max_depth {values.max_depth:g} leave "
                f"nothing of the network's {low:.3g} to {high:.3g} m with this camera; 0 takes the network's own end"
            )
        if now - self._last_too_old < _WINDOW and not self._statistics.summary(now).rate_out:
            complaints.append("every frame is older than max_age: when replaying a bag, use_sim_time or max_age 0")
        return complaints


def main(args: list[str] | None = None, *, must_start: bool = False) -> int:
    """Run the node until it is told to stop; arguments and exit code as of ``run_node``."""
    return run_node(PerceptionNode, "perception_node", args, must_start=must_start)


if __name__ == "__main__":
    sys.exit(main())
