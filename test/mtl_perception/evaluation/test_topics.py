"""Topics are found where there is no doubt; where there is, the message lists what could be meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorder import DEPTH, IMAGE, INFO, LABELS, START, png, record_frames, recording, scene

from mtl_perception.evaluation.topics import TopicError, Topics, choose_topics
from mtl_perception.recordings.bag_reading import open_bag

RGB, METRES, CLASSES = scene(0)
MILLIMETRES = (METRES * 1000).astype(np.uint16)


def chosen(path: Path, **asked) -> Topics:
    with open_bag(path) as bag:
        return choose_topics(bag, **asked)


def record(path: Path, **topics: str) -> Path:
    """One message on each topic: ``colour``, ``grey``, ``millimetres``, ``metres``, ``classes``, ``info``, ..."""
    with recording(path) as recorder:
        for topic, kind in topics.items():
            topic = "/" + topic.replace("__", "/")
            if kind == "info":
                recorder.info(topic, START)
            elif kind == "empty":
                recorder.declare(topic, "sensor_msgs/msg/Image")
            elif kind == "png":
                recorder.compressed(topic, START, png(RGB))
            elif kind == "compressed_depth":
                recorder.compressed_depth(topic, START, MILLIMETRES)
            else:
                pixels, encoding = {
                    "colour": (RGB, "rgb8"),
                    "grey": (CLASSES, "mono8"),
                    "classes": (CLASSES, "8UC1"),
                    "millimetres": (MILLIMETRES, "16UC1"),
                    "metres": (METRES, "32FC1"),
                }[kind]
                recorder.image(topic, START, pixels, encoding)
    return path


def test_an_rgbd_camera_with_labels_is_found_whole(tmp_path):
    assert chosen(record_frames(tmp_path / "bag", 1)) == Topics(IMAGE, INFO, DEPTH, None, LABELS)
    assert Topics(IMAGE, INFO, DEPTH, None, LABELS).all() == [IMAGE, INFO, DEPTH, LABELS]


def test_raw_is_taken_where_compressed_is_there_too(tmp_path):
    path = record(
        tmp_path / "bag",
        eye__color__image_raw="colour",
        eye__color__image_raw__compressed="png",
        eye__color__camera_info="info",
        eye__depth__image_raw="millimetres",
        eye__depth__image_raw__compressedDepth="compressed_depth",
        eye__depth__camera_info="info",
    )
    assert chosen(path) == Topics(
        "/eye/color/image_raw", "/eye/color/camera_info", "/eye/depth/image_raw", "/eye/depth/camera_info"
    )


def test_compressed_alone_will_do(tmp_path):
    path = record(
        tmp_path / "bag",
        color__image__compressed="png",
        color__camera_info="info",
        depth__image__compressedDepth="compressed_depth",
    )
    assert chosen(path) == Topics("/color/image/compressed", "/color/camera_info", "/depth/image/compressedDepth", None)


def test_aligned_depth_comes_before_other_depth(tmp_path):
    path = record(
        tmp_path / "bag", image="colour", depth__image_rect_raw="millimetres", aligned_depth_to_color__image="metres"
    )
    assert chosen(path).depth == "/aligned_depth_to_color/image"


def test_a_grey_camera_will_do_where_there_is_no_other(tmp_path):
    assert chosen(record(tmp_path / "a", infra__image="grey", front__image="colour")).image == "/front/image"
    assert chosen(record(tmp_path / "b", infra__image="grey")).image == "/infra/image"


def test_what_the_node_said_is_not_the_truth(tmp_path):
    """A bag in which the perception node's answers were recorded too."""
    path = record(
        tmp_path / "bag",
        image="colour",
        robot__depth__image="metres",
        robot__segmentation__image="grey",
        robot__segmentation__confidence="grey",
        robot__segmentation__overlay="colour",
    )
    assert chosen(path) == Topics("/image")


def test_the_only_camera_info_is_taken_but_for_that_of_depth(tmp_path):
    assert chosen(record(tmp_path / "a", image="colour", info__of__it="info")).camera_info == "/info/of/it"
    path = record(tmp_path / "b", image="colour", d__image="metres", d__camera_info="info")
    assert chosen(path) == Topics("/image", None, "/d/image", "/d/camera_info")


@pytest.mark.parametrize(
    ("topics", "option", "listed"),
    [
        (dict(left__image="colour", right__image="colour"), "--image", ["/left/image", "/right/image"]),
        (dict(image="colour", a__depth="metres", b__depth="metres"), "--depth", ["/a/depth", "/b/depth"]),
        (dict(image="colour", mask_a="classes", mask_b="classes"), "--labels", ["/mask_a", "/mask_b"]),
    ],
)
def test_several_that_could_be_meant_are_listed(tmp_path, topics, option, listed):
    path = record(tmp_path / "bag", **topics)
    with pytest.raises(TopicError) as error:
        chosen(path)
    assert f"name one with {option}" in str(error.value) and all(topic in str(error.value) for topic in listed)
    named = {option.strip("-"): listed[1]}
    assert listed[1] in chosen(path, **named).all()


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (dict(image="/none"), r"has no topic /none \(--image\); it has: /d \(Image, 1 messages\); /e \(Image, 0 mess"),
        (dict(image="/info"), r"/info \(--image\) is of type sensor_msgs/msg/CameraInfo, not Image or CompressedImage"),
        (dict(image="/e"), r"/e \(--image\) holds no messages"),
        (dict(camera_info="/image"), r"\(--camera-info\) is of type sensor_msgs/msg/Image, not CameraInfo"),
        (dict(labels="masks"), r"has no topic masks \(--labels\), nor is there a folder of that name"),
        (dict(depth="/image"), r"/image \(--depth\) holds no depth"),
    ],
)
def test_topics_that_will_not_do_are_refused_by_name(tmp_path, asked, complaint):
    path = record(tmp_path / "bag", image="colour", d="metres", e="empty", info="info")
    with pytest.raises(TopicError, match=complaint):
        chosen(path, **asked)


def test_without_a_camera_the_topics_are_listed(tmp_path):
    with pytest.raises(TopicError, match=r"no images of a camera; it has: /d \(Image, 1 messages\)"):
        chosen(record(tmp_path / "a", d="metres"))
    with pytest.raises(TopicError, match="no images of a camera; it has: no topics"):
        chosen(record(tmp_path / "b"))


def test_why_there_may_be_a_camera_after_all_is_told(tmp_path):
    with pytest.raises(TopicError, match=r"mono16 is taken for depth: name the topic by --image"):
        chosen(record(tmp_path / "deep", d="millimetres"))
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(next(record(tmp_path / "whole", image="colour").glob("*.mcap")).read_bytes()[:100])
    with pytest.raises(TopicError, match=r"it has: no topics; .*torn\.mcap breaks off"):
        chosen(torn)


def test_labels_are_not_looked_for_where_they_are_on_disk(tmp_path):
    path = record(tmp_path / "bag", image="colour", mask_a="classes", mask_b="classes")
    assert chosen(path, look_for_labels=False).labels is None
