"""The depth logger: colour and depth in, the frames worth keeping into a data set folder (docs/depth_logger.md)."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

from nav_msgs.msg import Odometry
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import Trigger

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.depth_logger.camera_agreement import make_folder
from mtl_perception.depth_logger.dataset_log import robot_name
from mtl_perception.depth_logger.frames import DecodedFrame
from mtl_perception.depth_logger.log_report import LogReport
from mtl_perception.depth_logger.pairing import Pair, StampPairing
from mtl_perception.depth_logger.recorder import Recorder, RecorderSettings
from mtl_perception.depth_logger.rigid import parse_pose
from mtl_perception.depth_logger.run_writer import RunSettings
from mtl_perception.messages.arrays import MessageError, array_from_image, nanoseconds_of
from mtl_perception.messages.camera_info import another_shape, carries_rectified, intrinsics_of
from mtl_perception.messages.rgbd import predicted_metres
from mtl_perception.messages.rgbd_decoder import RgbdDecoder
from mtl_perception.messages.robot_poses import RobotPoses
from mtl_perception.nodes.camera_info_subscription import CameraInfoSubscription
from mtl_perception.nodes.camera_node import CameraNode
from mtl_perception.nodes.depth_logger_parameters import DepthLoggerParameters
from mtl_perception.nodes.diagnostics import status_array, unheard_clock, why_silent
from mtl_perception.nodes.lifecycle_transitions import configure_and_activate, transition
from mtl_perception.nodes.node_main import run_node

_JUDGED_OVER = 5
"""Reports over which it is judged that nothing works."""
_LOG_AGAIN = 5.0
"""Seconds before a complaint that lasts is logged again."""
_LAST_WORK = 3.0
"""Seconds to look at what waits, and to write what waits, when logging ends: launch kills ten after Ctrl-C."""
# Hears every camera, reliable or not; as many as come while the interpreter is busy elsewhere.
_CAMERA = QoSProfile(reliability=ReliabilityPolicy.BEST_EFFORT, history=HistoryPolicy.KEEP_LAST, depth=30)
_IMAGE = "sensor_msgs/msg/Image"
_LATCHED = QoSProfile(durability=DurabilityPolicy.TRANSIENT_LOCAL, depth=100)


class DepthLoggerNode(CameraNode):
    """Lifecycle node that logs the RGB-D frames worth keeping."""

    def __init__(self, **kwargs) -> None:
        super().__init__("depth_logger", DepthLoggerParameters(), **kwargs)
        self._asked: list[Future] = []
        """Answers of ~/log_now that are still to come."""
        # In a group of its own: while it awaits the disk, the others of its group would not be called.
        self._log_service = self.create_service(
            Trigger, "~/log_now", self._on_log_now, callback_group=MutuallyExclusiveCallbackGroup()
        )
        self.has_started = not self._settings.values.autostart or configure_and_activate(self)

    @transition("configure", undo="_close", expected=(DatasetError, ValueError))
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See that the folder can be written; a bad one or a bad parameter fails with one line."""
        values = self._settings.values
        if self._settings.problems:
            raise DatasetError("; ".join(self._settings.problems.values()))
        if not values.folder:
            raise DatasetError("the parameter folder says where to log to, and is empty")
        try:
            self._folder = Path(values.folder).expanduser()
        except RuntimeError as error:
            raise DatasetError(f"folder {values.folder}: there is no such user, or no home folder") from error
        self._robot = robot_name(values.robot)
        self._poses = RobotPoses(parse_pose(values.depth_in_image), parse_pose(values.camera_in_base))
        make_folder(self._folder)
        self._diagnose(self._report)
        self._listen_to_static_transforms()
        self._settings.locked = True
        self.get_logger().info(f"logging to {self._folder} as {self._robot}")
        for remark in values.remarks():
            self.get_logger().warning(remark)
        return TransitionCallbackReturn.SUCCESS

    @transition("activate", undo="stop")
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen to the cameras; the run begins with the first frame worth keeping."""
        self._listen()
        self._active = True
        return super().on_activate(state)

    def _end_run(self) -> None:
        self._recorder.stop(_LAST_WORK)
        for answered in self._asked:
            if not answered.done():
                answered.set_result((False, "logging ended"))
        summary, folder, _ = self._recorder.summary()
        lost = sum(summary.lost.values())
        text = f"{summary.written} frames logged{f' in {folder.run}' if folder.run else ''}, {lost} lost, "
        text += f"{summary.posed} with a pose"
        if self.context.ok():
            self.get_logger().info(text)
        else:  # a signal has ended ROS, and its log with it
            print(text, file=sys.stderr)

    def _listen(self) -> None:
        values = self._settings.values
        topics = {name: self.resolve_topic_name(name) for name in ("image", "depth")}
        tolerance, patience = round(values.sync_tolerance * 1e9), round(values.sync_patience * 1e9)
        self._pairing: StampPairing = StampPairing(tolerance, patience)
        self._went_back = 0
        self._log_report = LogReport(_JUDGED_OVER, tolerance, patience)
        self._decoder = RgbdDecoder(
            self._poses.depth_to_image,
            image_rectified=carries_rectified(topics["image"]),
            depth_rectified=carries_rectified(topics["depth"]),
        )
        self._recorder = self._new_recorder(topics)
        self._listening.callback(self._end_run)  # registered first, so done last
        colour_type = CompressedImage if values.image_transport == "compressed" else Image
        depth_type = CompressedImage if values.depth_transport == "compressedDepth" else Image
        needed = {
            "image": True,
            "depth": True,
            "odometry": values.rules.min_translation or values.rules.min_rotation,
            "depth/image": values.rules.min_disagreement,
            "segmentation/confidence": values.rules.max_confidence,
        }
        now = time.monotonic()
        self._last_arrival = {name: now for name, is_needed in needed.items() if is_needed}
        # What has come is taken in the order of creation: camera_info first, so that an image beside it finds it.
        self._infos = []
        for topic, field in (("camera_info", "image_info"), ("depth_camera_info", "depth_info")):
            info = CameraInfoSubscription(self, topic, partial(setattr, self._decoder, field), _CAMERA)
            self._listening.callback(info.destroy)
            self._infos.append(info)
        heard = [
            (Odometry, "odometry", self._on_odometry),
            (colour_type, "image", self._on_image),
            (depth_type, "depth", self._on_depth),
        ]
        if values.rules.need_predictions:  # else nobody need run the network for the logger
            heard += [
                (Image, "depth/image", self._on_predicted_depth),
                (Image, "segmentation/confidence", self._on_confidence),
            ]
        for kind, topic, callback in heard:
            subscription = self.create_subscription(kind, topic, callback, _CAMERA)
            self._listening.callback(self.destroy_subscription, subscription)

    def _new_recorder(self, topics: dict[str, str]) -> Recorder:
        values = self._settings.values
        look_back = int(values.look_back * values.look_back_rate) + 1
        return Recorder(
            RecorderSettings(
                rules=values.rules,
                jpeg_quality=values.jpeg_quality if values.rgb_format == "jpeg" else None,
                look_back=values.look_back,
                look_back_rate=values.look_back_rate,
                queue_size=values.queue_size,
            ),
            RunSettings(
                folder=self._folder,
                robot=self._robot,
                licence=values.licence,
                header={"rgb_topic": topics["image"], "depth_topic": topics["depth"], "rules": values.told},
                quota=values.quota,
                min_free=values.min_free,
                give_up=values.when_full == "drop_least_useful",
                queue_size=values.queue_size + look_back,
            ),
            self._decode,
            self._decoder.align,
            lambda stamp: self._poses.at(stamp, self._decoder.frame_id),
        )

    def _decode(self, pair: Pair) -> DecodedFrame:
        frame = self._decoder.decode(pair)
        for name, info, pixels in (
            ("camera_info", self._decoder.image_info, frame.rgb),
            ("depth_camera_info", self._decoder.depth_info, frame.depth),
        ):
            if info is not None and (told := another_shape(info, *pixels.shape[:2])):
                raise MessageError(f"{name} is {told}")
        return frame

    def _listen_to_static_transforms(self) -> None:
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:  # not among the wheels; the parameters tell then
            return
        subscription = self.create_subscription(TFMessage, "/tf_static", self._on_static_transforms, _LATCHED)
        self._opened.callback(self.destroy_subscription, subscription)

    def _on_static_transforms(self, message) -> None:
        try:
            self._poses.add_static_transforms(message.transforms)
        except ValueError as error:
            self.get_logger().error(f"/tf_static: {error}")

    def _on_odometry(self, message: Odometry) -> None:
        self._heard("odometry")
        try:
            self._poses.add_odometry(message)
        except ValueError as error:
            self.get_logger().error(f"odometry: {error}", throttle_duration_sec=_LOG_AGAIN)

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._heard("image")
        self._take(self._pairing.add_colour(nanoseconds_of(message.header.stamp), message, time.monotonic_ns()))

    def _on_depth(self, message: Image | CompressedImage) -> None:
        self._heard("depth")
        self._take(self._pairing.add_depth(nanoseconds_of(message.header.stamp), message, time.monotonic_ns()))

    def _heard(self, name: str) -> None:
        if name in self._last_arrival:  # what no rule needs may be silent
            self._last_arrival[name] = time.monotonic()

    def _take(self, pairs: list[Pair]) -> None:
        if self._pairing.counts.went_back != self._went_back:
            self._went_back = self._pairing.counts.went_back
            self.get_logger().warning(
                "stamps went back: a bag started again, or a camera's clock was set",
                throttle_duration_sec=_LOG_AGAIN,
            )
        for pair in pairs:
            if self._decoder.image_info is None:
                self._recorder.not_usable("no camera_info")
            else:
                self._recorder.put(pair)

    def _on_predicted_depth(self, message: Image) -> None:
        self._heard("depth/image")
        try:
            metres = predicted_metres(message)
        except MessageError as error:
            self.get_logger().error(f"predicted depth: {error}", throttle_duration_sec=_LOG_AGAIN)
        else:
            self._recorder.put_prediction(nanoseconds_of(message.header.stamp), depth=metres)

    def _on_confidence(self, message: Image) -> None:
        self._heard("segmentation/confidence")
        try:
            confidence = array_from_image(message)
        except MessageError as error:
            self.get_logger().error(f"confidence: {error}", throttle_duration_sec=_LOG_AGAIN)
        else:
            self._recorder.put_prediction(nanoseconds_of(message.header.stamp), confidence=confidence)

    async def _on_log_now(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if not self._active:
            response.message = "the node is not active"
            return response
        executor = self.executor
        answered = Future(executor=executor)

        def answer(success: bool, message: str) -> None:
            answered.set_result((success, message))
            executor.wake()  # it waits for messages only

        self._asked.append(answered)
        self._recorder.log_now(answer)
        response.success, response.message = await answered
        self._asked.remove(answered)
        return response

    def _report(self) -> None:
        if not self._active:
            self._diagnostics.publish(status_array(self, "depth logger", "", {"active": "false"}, [], "not active"))
            return
        for info in self._infos:
            info.hear_latched()
        summary, folder, waiting = self._recorder.summary()
        pairing, difference = self._pairing.counts, self._pairing.clock_difference
        complaints = unheard_clock(self) + self._silences() + self._log_report.complaints(summary, pairing, difference)
        if complaints:
            self.get_logger().warning("; ".join(complaints), throttle_duration_sec=_LOG_AGAIN)
        figures = {"active": "true", "folder": str(self._folder)}
        figures |= self._log_report.figures(summary, folder, waiting, pairing, difference)
        fine = f"{summary.written} frames logged, {summary.write_rate:.1f} a second"
        self._diagnostics.publish(status_array(self, "depth logger", "", figures, complaints, fine))

    def _silences(self) -> list[str]:
        """What does not come that should."""
        values, now = self._settings.values, time.monotonic()
        kinds = {
            "image": "sensor_msgs/msg/CompressedImage" if values.image_transport == "compressed" else _IMAGE,
            "depth": "sensor_msgs/msg/CompressedImage" if values.depth_transport == "compressedDepth" else _IMAGE,
            "odometry": "nav_msgs/msg/Odometry",
        }
        silent = [name for name, last in self._last_arrival.items() if now - last > values.input_timeout]
        complaints = [why_silent(self, self.resolve_topic_name(n), kinds.get(n, _IMAGE), n) for n in silent]
        if "image" not in silent and self._pairing.counts.colour:
            topic = self.resolve_topic_name("camera_info")
            if self._decoder.image_info is None:
                complaints.append(f"no camera_info on {topic}: without the camera's focal length nothing is logged")
            elif intrinsics_of(self._decoder.image_info, 1, 1) is None:
                complaints.append(
                    f"camera_info on {topic} is uncalibrated (K is zero, or no camera's): calibrate the camera"
                )
        return complaints


def main(args: list[str] | None = None, *, must_start: bool = False) -> int:
    """Run the node until it is told to stop; arguments and exit code as of ``run_node``."""
    return run_node(DepthLoggerNode, "depth_logger_node", args, must_start=must_start)


if __name__ == "__main__":
    sys.exit(main())
