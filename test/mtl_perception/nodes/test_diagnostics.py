"""What the node says of itself, and why it may be that no camera is heard."""

from __future__ import annotations

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import ClockType
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from mtl_perception.nodes.diagnostics import diagnostic_array, unheard_clock, why_silent
from mtl_perception.stream_statistics import Summary, Timing

IMAGE = "sensor_msgs/msg/Image"
SUMMARY = Summary(
    rate_in=30.0,
    rate_out=14.96,
    median=Timing(20.0, 25.5, 40.0),
    p95=Timing(22.0, 30.0, 60.0),
    received=300,
    published=150,
    dropped={"a newer one came first": 149, "bad message": 1},
)


@pytest.fixture(scope="module")
def context():
    context = Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


@pytest.fixture
def nodes(context):
    perception, camera = Node("perception", context=context), Node("camera", context=context, namespace="eye")
    yield perception, camera
    perception.destroy_node()
    camera.destroy_node()


def test_every_figure_is_there_under_its_unit(nodes):
    (status,) = diagnostic_array(nodes[0], SUMMARY, {"device": "a CPU"}, []).status
    assert status.level == DiagnosticStatus.OK and status.message == "15.0 frames/s"
    assert status.name == "/perception: perception" and status.hardware_id == "a CPU"
    assert {v.key: v.value for v in status.values} == {
        "device": "a CPU",
        "rate in [Hz]": "30.00",
        "rate out [Hz]": "14.96",
        "network median [ms]": "20.00",
        "end to end median [ms]": "25.50",
        "age median [ms]": "40.00",
        "network 95th percentile [ms]": "22.00",
        "end to end 95th percentile [ms]": "30.00",
        "age 95th percentile [ms]": "60.00",
        "frames received": "300",
        "frames published": "150",
        "frames dropped": "150",
        "dropped: a newer one came first": "149",
        "dropped: bad message": "1",
    }


def test_complaints_are_a_warning_and_its_words(nodes):
    idle = Summary(0.0, 0.0, None, None, 0, 0, {})
    (status,) = diagnostic_array(nodes[0], idle, {}, ["no camera_info", "the last frame failed"]).status
    assert status.level == DiagnosticStatus.WARN and status.message == "no camera_info; the last frame failed"
    assert not any("[ms]" in v.key for v in status.values)


def test_a_topic_nobody_publishes(nodes):
    node, _ = nodes
    reason = why_silent(node, "/image", IMAGE)
    assert reason == f"no frame on /image: nobody publishes it; and no other topic carries {IMAGE}"


def test_other_topics_that_would_do_are_named_but_not_the_nodes_own(nodes):
    node, camera = nodes
    node.create_publisher(Image, "/depth/image", 1)
    camera.create_publisher(Image, "color", 1)
    camera.create_publisher(CompressedImage, "color/compressed", 1)
    reason = why_silent(node, "/image", IMAGE)
    assert reason == "no frame on /image: nobody publishes it; remap image to one of: /eye/color"


def test_a_silent_publisher_is_described_with_its_qos(nodes):
    node, camera = nodes
    camera.create_publisher(Image, "/image", qos_profile_sensor_data)
    reason = why_silent(node, "/image", IMAGE)
    assert f"no frame on /image, published by /eye/camera ({IMAGE}, best effort, volatile): it is silent" in reason


@pytest.mark.parametrize(
    ("kind", "wanted", "advice"),
    [
        (CompressedImage, IMAGE, "the node expects sensor_msgs/msg/Image, set image_transport to compressed"),
        (Image, "sensor_msgs/msg/CompressedImage", "set image_transport to raw"),
        (PointCloud2, IMAGE, "the node expects sensor_msgs/msg/Image, remap image to a camera's topic"),
    ],
)
def test_a_publisher_of_another_type_is_told_apart(nodes, kind, wanted, advice):
    node, camera = nodes
    camera.create_publisher(kind, "/image", 1)
    reason = why_silent(node, "/image", wanted)
    assert f"published by /eye/camera (sensor_msgs/msg/{kind.__name__}, reliable, volatile)" in reason
    assert reason.endswith(advice)


def test_a_topic_is_spoken_of_as_the_node_calls_it(nodes):
    node, camera = nodes
    camera.create_publisher(CompressedImage, "/camera/depth/compressedDepth", 1)
    reason = why_silent(node, "/camera/depth/compressedDepth", IMAGE, "depth")
    assert reason.endswith("the node expects sensor_msgs/msg/Image, set depth_transport to compressedDepth")
    camera.create_publisher(Image, "/camera/depth/image", 1)
    assert "remap depth to one of: /camera/depth/image" in why_silent(node, "/depth", IMAGE, "depth")


def test_of_a_misspelt_topic_what_was_meant_comes_first(nodes):
    perception, camera = nodes
    for topic in ("/arm/depth/image", "/camera/image_raw", "/zoo/camera"):
        camera.create_publisher(Image, topic, 1)
    assert "remap image to one of: /camera/image_raw, " in why_silent(perception, "/camera/image_rw", IMAGE)


def test_a_clock_that_nobody_publishes_is_told(context):
    simulated = Node("simulated", context=context, parameter_overrides=[Parameter("use_sim_time", value=True)])
    try:
        (complaint,) = unheard_clock(simulated)
        assert "no time has come on /clock" in complaint
        simulated.get_clock().set_ros_time_override(Time(seconds=7, clock_type=ClockType.ROS_TIME))
        assert unheard_clock(simulated) == []
    finally:
        simulated.destroy_node()


def test_a_clock_of_the_system_is_no_matter(nodes):
    assert unheard_clock(nodes[0]) == []
