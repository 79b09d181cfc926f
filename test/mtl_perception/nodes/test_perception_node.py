"""The node in this process, where a test can reach what DDS would hide: see test/ros for the real one."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from mtl_perception.backends import DeviceLostError, NetworkError
from mtl_perception.backends.choice import Runtime, candidates
from mtl_perception.messages.arrays import array_from_image
from mtl_perception.messages.building import image_from_array
from mtl_perception.network import Network
from mtl_perception.nodes import network_loading, perception_node
from mtl_perception.nodes.perception_node import PerceptionNode, main
from mtl_perception.nodes.perception_parameters import PerceptionParameters


@contextmanager
def perceiving(model, image="image", **parameters):
    """The node on topic ``image``, and the list of depth images that a listener hears while ``wait`` is called."""
    context = Context()
    rclpy.init(context=context)
    overrides = [Parameter(name, value=value) for name, value in {"model": str(model), **parameters}.items()]
    remapping = ["--ros-args", "-r", f"image:={image}"]
    node = PerceptionNode(context=context, cli_args=remapping, parameter_overrides=overrides)
    ear = Node("ear", context=context)
    heard: list[Image] = []
    ear.create_subscription(Image, "depth/image", heard.append, 10)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(ear)

    def wait(condition) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            executor.spin_once(timeout_sec=0.02)

    try:
        yield node, heard, wait
    finally:
        node.stop()
        executor.shutdown()
        node.destroy_node()
        ear.destroy_node()
        rclpy.shutdown(context=context)


def frame(seconds: int, nanoseconds: int = 0) -> Image:
    every_level = np.arange(48 * 64 * 3).astype(np.uint8).reshape(48, 64, 3)  # 0 to 12.75 m
    message = image_from_array(every_level, "rgb8", Header())
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
    return message


def test_any_stamp_is_answered_with_itself(network):
    with perceiving(network) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        for seconds, nanoseconds in ((0, 0), (-1, 0), (-(2**31), 0), (2**31 - 1, 2**32 - 1), (5, 0)):
            node._on_image(frame(seconds, nanoseconds))
            wait(lambda: heard and heard[-1].header.stamp.sec == seconds)  # noqa: B023
            assert heard[-1].header.stamp.nanosec == nanoseconds


def test_a_frame_stamped_before_time_is_only_old(network):
    with perceiving(network, max_age=1.0) as (node, _, wait):
        wait(lambda: node._outputs.listeners())
        node._on_image(frame(-5))
        wait(lambda: node._statistics.summary(time.monotonic()).dropped == {"older than max_age": 1})
        assert any("older than max_age" in c for c in node._complaints(time.monotonic()))
        assert not any("older than max_age" in c for c in node._complaints(time.monotonic() + 60))


@pytest.mark.parametrize(
    ("parameters", "focal_length", "network_range"),
    [
        ({}, 50.0, None),
        ({"max_depth": 0.6}, 50.0, None),
        ({"max_depth": 0.4}, 50.0, "0.5 to 10 m"),
        ({"max_depth": 0.6}, 100.0, "1 to 20 m"),  # the same setting, a longer lens
        ({"max_depth": 0.4, "min_depth": 0.2}, 50.0, None),
        ({"min_depth": 12.0}, 50.0, "0.5 to 10 m"),
        ({"min_depth": 12.0}, 100.0, None),
    ],
)
def test_a_range_that_leaves_no_depth_is_said(network, parameters, focal_length, network_range):
    camera = CameraInfo(width=64, height=48, k=[focal_length, 0.0, 32.0, 0.0, focal_length, 24.0, 0.0, 0.0, 1.0])
    with perceiving(network, **parameters) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        node._on_camera_info(camera)
        node._on_image(frame(1))
        wait(lambda: heard)
        said = [c for c in node._complaints(time.monotonic()) if "every pixel is out of range" in c]
        assert len(said) == bool(network_range) and np.isfinite(array_from_image(heard[-1])).any() == (not said)
        if said:
            assert f"max_depth {parameters.get('max_depth', 0):g} leave" in said[0] and network_range in said[0]


@pytest.mark.parametrize(("topic", "factor"), [("/left/image_raw", 1.0), ("/left/image_rect_color", 1.5)])
def test_depth_of_rectified_images_is_scaled_by_the_focal_length_of_p(network, topic, factor):
    camera = CameraInfo(width=64, height=48, d=[0.1, 0.0, 0.0, 0.0, 0.0])
    camera.k = [50.0, 0.0, 32.0, 0.0, 50.0, 24.0, 0.0, 0.0, 1.0]
    camera.p = [75.0, 0.0, 32.0, 0.0, 0.0, 75.0, 24.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    with perceiving(network, image=topic) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        node._on_camera_info(camera)
        message = frame(1)
        node._on_image(message)
        wait(lambda: heard)
        depth, red = array_from_image(heard[-1]), array_from_image(message)[..., 0]
        known = np.isfinite(depth)
        np.testing.assert_allclose(depth[known], red[known] / 20 * factor, rtol=1e-6)
        assert known.mean() > 0.5


def test_frames_wait_for_a_camera_info_that_is_published_but_not_for_long(network):
    with perceiving(network) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        node.create_publisher(CameraInfo, "camera_info", 1)
        wait(lambda: node.count_publishers("/camera_info"))
        node._on_image(frame(1))
        assert node._statistics.summary(time.monotonic()).dropped == {"waiting for camera_info": 1}
        node._first_arrival -= 2
        node._on_image(frame(2))  # none came: better a wrong scale, of which the node complains, than nothing
        wait(lambda: heard)
        assert [m.header.stamp.sec for m in heard] == [2]


def test_a_camera_info_of_another_shape_is_told_and_does_not_scale_depth(network):
    camera = CameraInfo(width=128, height=72, k=[200.0, 0.0, 64.0, 0.0, 200.0, 36.0, 0.0, 0.0, 1.0])
    with perceiving(network) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        node._on_camera_info(camera)
        message = frame(1)
        node._listening_since -= 60
        node._on_image(message)
        wait(lambda: heard)
        depth, red = array_from_image(heard[-1]), array_from_image(message)[..., 0]
        known = np.isfinite(depth)
        np.testing.assert_allclose(depth[known], red[known] / 20, rtol=1e-6)
        (complaint,) = node._complaints(time.monotonic())
        assert complaint.startswith("camera_info is of 128x72, the image of 64x48: ")
        assert "it is not used: depth is right only for a focal length of 50 px" in complaint


def test_points_that_cannot_be_made_are_told_while_somebody_listens_to_them(network):
    k = [50.0, 0.0, 32.0, 0.0, 50.0, 24.0, 0.0, 0.0, 1.0]
    fisheye = CameraInfo(width=64, height=48, k=k, d=[0.1, 0.0, 0.0, 0.0], distortion_model="equidistant")
    with perceiving(network) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        ear = node.create_subscription(PointCloud2, "points", lambda message: None, 10)
        wait(lambda: node._outputs.listeners() == 2)
        node._on_camera_info(fisheye)
        node._on_image(frame(1))
        wait(lambda: len(heard) == 1)
        (complaint,) = node._complaints(time.monotonic())
        assert complaint.startswith("no points are made: the image is distorted by the model 'equidistant'")
        node.destroy_subscription(ear)
        wait(lambda: node._outputs.listeners() == 1)
        node._on_image(frame(2))
        wait(lambda: len(heard) == 2 and not node._complaints(time.monotonic()))


def test_the_least_confidence_is_told_anew_when_it_is_set(network, monkeypatch):
    with perceiving(network) as (node, _, _):
        told = []
        monkeypatch.setattr(node._outputs, "publish_labels", told.append)
        for name, value in (
            ("min_confidence", 0.4),
            ("max_depth", 3.0),
            ("min_confidence", 0.4),  # as it was
            ("min_confidence", 2.0),  # refused
        ):
            node.set_parameters([Parameter(name, value=value)])
        assert told == [0.4]
        node.trigger_deactivate()
        node.set_parameters([Parameter("min_confidence", value=0.5)])
        assert told == [0.4]
        node.trigger_activate()
        assert told == [0.4, 0.5]


def test_a_network_that_fails_to_warm_up_leaves_the_node_as_it_was(network, monkeypatch):
    def fail(self, runs):
        raise NetworkError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(Network, "warm_up", fail)
        with perceiving(network) as (node, _, _):
            assert node._network is None and not node._settings.locked
            assert node.trigger_shutdown() == TransitionCallbackReturn.SUCCESS


def test_a_transition_that_fails_unforeseen_is_told_and_leaves_nothing_behind(network, monkeypatch):
    def fail(*ignored, **also_ignored):
        raise LookupError("out of luck")

    with perceiving(network, autostart=False) as (node, heard, wait):
        said = []
        monkeypatch.setattr(node.get_logger(), "error", lambda text, **_: said.append(text))
        with monkeypatch.context() as patch:
            patch.setattr(node, "create_timer", fail)
            assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert node._network is None and not node._settings.locked
        wait(lambda: not node.count_publishers("/depth/image") and not node.count_publishers("/diagnostics"))
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        threads = threading.active_count()
        with monkeypatch.context() as patch:
            patch.setattr(perception_node, "CameraInfoSubscription", fail)
            assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
        assert threading.active_count() == threads
        assert said == ["cannot configure: LookupError: out of luck", "cannot activate: LookupError: out of luck"]
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        wait(lambda: node._outputs.listeners())
        node._on_image(frame(1))
        wait(lambda: heard)


def test_a_device_that_is_lost_is_told_once_and_the_stream_goes_on(network, monkeypatch):
    with perceiving(network) as (node, heard, wait):
        wait(lambda: node._outputs.listeners())
        running = node._network
        said = []
        monkeypatch.setattr(node.get_logger(), "error", lambda text, **_: said.append(text))

        def lose(image):
            raise DeviceLostError("CUDA failed: it fell off the bus")

        running._backend.run, before = lose, running.passed_over
        running._others = tuple(candidates(Runtime(backends=("onnxruntime",))))
        for seconds in (1, 2, 3):
            node._on_image(frame(seconds))
            wait(lambda: heard and heard[-1].header.stamp.sec == seconds)  # noqa: B023
        assert len(running.passed_over) == len(before) + 1
        (line,) = said
        assert line.startswith("now on ONNX Runtime") and "it fell off the bus" in line and "\n" not in line
        told = []
        monkeypatch.setattr(node._diagnostics, "publish", told.append)
        node._publish_diagnostics()
        assert {v.key: v.value for v in told[0].status[0].values}["device"].startswith("ONNX Runtime")


def test_what_a_library_says_while_the_file_is_opened_is_said_by_the_node(network, monkeypatch):
    said = []

    class Logger:
        def warning(self, text: str) -> None:
            said.append(text)

    def opening(path, runtime):
        logging.getLogger("mtl_perception.backends.any").warning("building, which takes %s", "minutes")
        return Network(path, runtime)

    monkeypatch.setattr(network_loading, "Network", opening)
    network_loading.load_network(PerceptionParameters(model=str(network)), Logger())
    assert said == ["building, which takes minutes"]
    assert not logging.getLogger("mtl_perception").handlers


def test_arguments_it_cannot_start_with_are_said_in_one_line(tmp_path, capfd):
    assert main(["node", "--ros-args", "--params-file", str(tmp_path / "none.yaml")]) == 2
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("perception_node cannot start: ") and "none.yaml" in last
