"""What one looks at live: views name topics that the real node has, and its points are where things are."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from harness import NodeUnderTest, Robot
from known_scene import BOX, FRONT, SIDE, WALL, check_scene, depth_of_scene
from network_file import write_depth_network

from mtl_perception.share import share_directory

HEIGHT, WIDTH = 120, 160
FOCAL_LENGTH = 50.0
"""Of the network's own camera, pixels: with another the node would scale the depth."""

RVIZ_TYPES = {
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
    "rviz_default_plugins/PointCloud2": "sensor_msgs/msg/PointCloud2",
}


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    network = write_depth_network(tmp_path_factory.mktemp("network") / "drawn.onnx", HEIGHT, WIDTH)
    node = NodeUnderTest("-p", f"model:={network}")
    robot = Robot(outputs=("points", "depth/image"))
    robot.wait_until_heard()
    yield robot
    robot.close()
    node.stop()


@pytest.fixture(scope="module")
def published(robot) -> dict[str, str]:
    """Topics that somebody but the robot publishes, which is the node, and their types.

    By topic: which node a publisher is of the graph tells much later on a busy machine.
    """
    found: dict[str, str] = {}
    deadline = time.monotonic() + 20
    while not {"/points", "/diagnostics"} <= found.keys() and time.monotonic() < deadline:
        time.sleep(0.05)
        own = {publisher.topic_name for publisher in robot.node.publishers}
        topics = [t for t in robot.node.get_topic_names_and_types() if t[0] not in own]
        found = {topic: kinds[0] for topic, kinds in topics if robot.node.count_publishers(topic)}
    return found


def rviz_displays() -> list[dict]:
    return yaml.safe_load((share_directory() / "rviz" / "perception.rviz").read_text())["Visualization Manager"][
        "Displays"
    ]


def foxglove_layout() -> dict:
    return json.loads((share_directory() / "foxglove" / "perception.json").read_text())


def test_every_display_of_rviz_shows_a_topic_of_the_node(published):
    displays = rviz_displays()
    shown = {"/" + display["Topic"]["Value"]: RVIZ_TYPES[display["Class"]] for display in displays}
    assert shown.items() <= published.items()
    assert {"/segmentation/overlay", "/depth/image", "/points"} <= shown.keys()
    for display in displays:  # what a reliable publisher of the latest message is heard with
        assert display["Topic"]["Durability Policy"] == "Volatile"


def test_every_panel_of_foxglove_shows_a_topic_of_the_node(published):
    shown: dict[str, str] = {}
    for name, panel in foxglove_layout()["configById"].items():
        match name.partition("!")[0]:
            case "Image":
                shown[panel["imageMode"]["imageTopic"]] = "sensor_msgs/msg/Image"
                if "calibrationTopic" in panel["imageMode"]:
                    shown[panel["imageMode"]["calibrationTopic"]] = "sensor_msgs/msg/CameraInfo"
            case "3D":
                shown.update(dict.fromkeys(panel["topics"], "sensor_msgs/msg/PointCloud2"))
            case "DiagnosticSummary" | "DiagnosticStatusPanel":
                shown[panel["topicToRender"]] = "diagnostic_msgs/msg/DiagnosticArray"
            case "Plot":
                shown.update({p["value"].split(".")[0]: "diagnostic_msgs/msg/DiagnosticArray" for p in panel["paths"]})
            case other:
                pytest.fail(f"a panel of unknown kind {other}")
    assert shown.items() <= published.items()
    assert {"/segmentation/overlay", "/depth/image", "/points", "/diagnostics"} <= shown.keys()


def test_every_panel_of_foxglove_has_its_place_once():
    layout = foxglove_layout()

    def leaves(node) -> list[str]:
        return [node] if isinstance(node, str) else leaves(node["first"]) + leaves(node["second"])

    assert sorted(leaves(layout["layout"])) == sorted(layout["configById"])


def test_foxglove_plots_what_the_node_says(robot):
    paths = [p["value"] for panel in foxglove_layout()["configById"].values() for p in panel.get("paths", ())]
    keys = {re.search(r'\{key=="(.+?)"\}', path)[1] for path in paths}
    assert len(keys) == len(paths) == 5
    robot.answer(robot.frame(np.full((HEIGHT, WIDTH, 3), 10, np.uint8)))
    said = robot.wait_for_diagnostics(lambda d: "end to end median [ms]" in d)
    assert keys <= said.keys()


def test_the_views_are_installed():
    setup = (Path(__file__).parents[2] / "setup.py").read_text()
    for folder in ("rviz", "foxglove"):
        assert f'glob("{folder}/*")' in setup


def test_points_of_the_real_node_are_where_wall_and_box_are(robot):
    matrix = np.array([[FOCAL_LENGTH, 0, WIDTH / 2], [0, FOCAL_LENGTH, HEIGHT / 2], [0, 0, 1]])
    depth, seen = depth_of_scene(matrix, np.arange(WIDTH), np.arange(HEIGHT))
    assert all((seen == what).sum() > 20 for what in (WALL, FRONT, SIDE))
    millimetres = np.rint(depth * 1000).astype(int)
    drawn = np.stack([millimetres // 256, millimetres % 256, 40 * seen], -1).astype(np.uint8)
    robot.publish_camera(FOCAL_LENGTH, HEIGHT, WIDTH)
    robot.wait(lambda: robot.camera_info.get_subscription_count())
    message = robot.frame(drawn)
    cloud = robot.answer(message, "points")
    fields = np.frombuffer(cloud.data, np.float32).reshape(HEIGHT, WIDTH, 4)
    in_range = depth < 10  # the network's range; beyond is no point
    np.testing.assert_array_equal(np.isfinite(fields[..., 2]), in_range)
    check_scene(fields[..., :3][in_range], seen[in_range], BOX[0, 2] / FOCAL_LENGTH, 1e-3)
    np.testing.assert_array_equal(fields[..., 3].copy().view(np.uint32) & 255, 40 * seen)
