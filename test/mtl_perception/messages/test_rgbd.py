"""Colour and depth messages become frames, and odometry poses."""

from __future__ import annotations

import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from mtl_perception.depth_logger.pairing import Pair
from mtl_perception.depth_logger.registration import RegistrationError
from mtl_perception.messages.arrays import MessageError
from mtl_perception.messages.building import image_from_array, stamp_of
from mtl_perception.messages.rgbd import colour_of, depth_of, predicted_metres, view_of
from mtl_perception.messages.rgbd_decoder import RgbdDecoder
from mtl_perception.messages.robot_poses import RobotPoses

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (36, 48, 3), dtype=np.uint8)
DEPTH = RNG.integers(0, 65536, (36, 48), dtype=np.uint16)


def header(frame_id: str = "eye") -> Header:
    return Header(frame_id=frame_id)


def info(focal: float = 40.0, d=(), model: str = "plumb_bob", width: int = 48, height: int = 36) -> CameraInfo:
    k = [focal, 0.0, (width - 1) / 2, 0.0, focal, (height - 1) / 2, 0.0, 0.0, float(focal > 0)]
    p = [2 * focal, 0.0, 20.0, 0.0, 0.0, 2 * focal, 15.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    return CameraInfo(width=width, height=height, k=k, p=p if any(d) else [0.0] * 12, d=list(d), distortion_model=model)


def compressed_depth(depth: np.ndarray = DEPTH) -> CompressedImage:
    data = struct.pack("<iff", 0, 0, 0) + cv2.imencode(".png", depth)[1].tobytes()
    return CompressedImage(header=header(), format="16UC1; compressedDepth png", data=data)


@pytest.mark.parametrize("big_endian", [False, True])
def test_millimetres_come_bit_for_bit(big_endian):
    message = image_from_array(DEPTH.astype(">u2" if big_endian else "<u2"), "16UC1", header())
    message.is_bigendian = big_endian
    np.testing.assert_array_equal(depth_of(message)[0], DEPTH)
    message.encoding = "mono16"
    depth, file = depth_of(message)
    np.testing.assert_array_equal(depth, DEPTH)
    assert depth.dtype == np.uint16 and file is None


def test_metres_and_compressed_depth_come_as_millimetres():
    np.testing.assert_array_equal(depth_of(image_from_array(DEPTH / np.float32(1000), "32FC1", header()))[0], DEPTH)
    depth, file = depth_of(compressed_depth())
    np.testing.assert_array_equal(depth, DEPTH)
    assert file == bytes(compressed_depth().data)[12:]


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (image_from_array(RGB, "rgb8", header()), "encoding 'rgb8' is not depth.*remap `depth`"),
        (Image(encoding="16UC1"), "0x0: no pixels"),
        (CompressedImage(format="rgb8; jpeg compressed bgr8", data=b"xxx"), "is not compressedDepth"),
        (CompressedImage(format="16UC1; compressedDepth png", data=bytes(60)), "damaged|unknown kind"),
        (image_from_array(np.full((4, 4), 3000, np.float32), "32FC1", header()), "send millimetres"),
    ],
)
def test_what_is_no_depth_is_named(message, complaint):
    with pytest.raises(MessageError, match=complaint):
        depth_of(message)


def test_colour_brings_its_file_where_it_shows_what_it_says():
    jpeg = cv2.imencode(".jpg", RGB)[1].tobytes()
    png = cv2.imencode(".png", RGB[..., ::-1])[1].tobytes()
    assert colour_of(image_from_array(RGB, "rgb8", header()))[1:] == (None, "")
    assert colour_of(CompressedImage(format="rgb8; jpeg compressed bgr8", data=jpeg))[1:] == (jpeg, ".jpg")
    rgb, file, suffix = colour_of(CompressedImage(format="png", data=png))
    np.testing.assert_array_equal(rgb, RGB)
    assert (file, suffix) == (png, ".png")
    mosaic = cv2.imencode(".png", RGB[..., 0])[1].tobytes()
    assert colour_of(CompressedImage(format="bayer_rggb8; png compressed", data=mosaic))[1:] == (None, "")
    with pytest.raises(MessageError):
        colour_of(CompressedImage(format="jpeg", data=jpeg[: len(jpeg) // 2]))


def test_the_camera_of_an_image_is_that_of_its_size_and_kind():
    message = image_from_array(RGB, "rgb8", header())
    assert view_of(message, None, 36, 48, rectified=False).camera is None
    assert view_of(message, info(0.0), 36, 48, rectified=False).camera is None
    assert view_of(message, info(), 18, 24, rectified=False).camera.intrinsics.fx == 20.0
    raw = view_of(message, info(d=(0.1, 0, 0, 0, 0)), 36, 48, rectified=False).camera
    assert raw.is_distorted and raw.intrinsics.fx == 40.0
    rectified = view_of(message, info(d=(0.1, 0, 0, 0, 0)), 36, 48, rectified=True).camera
    assert not rectified.is_distorted and rectified.intrinsics.fx == 80.0


def decoder(image_info: CameraInfo, depth_info: CameraInfo | None) -> RgbdDecoder:
    made = RgbdDecoder(lambda target, source: None, image_rectified=False, depth_rectified=False)
    made.image_info, made.depth_info = image_info, depth_info
    return made


def test_aligned_depth_is_stored_as_its_own_file_and_scaled_depth_is_not():
    image = image_from_array(RGB, "rgb8", header())
    for depth_info in (info(), None):
        made = decoder(info(), depth_info)
        frame = made.align(made.decode(Pair(5, 6, image, compressed_depth())))
        assert frame.depth_file and (frame.stamp, frame.depth_stamp, frame.view.frame_id) == (5, 6, "eye")
        np.testing.assert_array_equal(frame.depth, DEPTH)
    small = compressed_depth(np.full((18, 24), 900, np.uint16))
    made = decoder(info(), info(20.0, width=24, height=18))
    frame = made.align(made.decode(Pair(5, 6, image, small)))
    assert frame.depth_file is None and (frame.depth == 900).all()


def test_an_aligned_pair_of_a_distorted_camera_of_any_model_is_as_good():
    fisheye = info(d=(0.1, 0.01, 0.0, 0.0), model="equidistant")
    image = image_from_array(RGB, "rgb8", header())
    pair = Pair(5, 6, image, compressed_depth())
    made = decoder(fisheye, fisheye)
    assert made.align(made.decode(pair)).view.camera.intrinsics.fx == 40.0
    made = decoder(fisheye, info(45.0))
    with pytest.raises(RegistrationError, match=r"equidistant.*rectified topic"):
        made.align(made.decode(pair))


def test_an_uncalibrated_camera_is_named():
    with pytest.raises(MessageError, match="K is zero, or"):
        decoder(info(0.0), None).decode(Pair(5, 6, image_from_array(RGB, "rgb8", header()), compressed_depth()))


def test_predicted_depth_is_metres():
    assert predicted_metres(image_from_array(np.full((3, 4), 1500, np.uint16), "16UC1", header()))[0, 0] == 1.5
    assert np.isnan(predicted_metres(image_from_array(np.full((3, 4), np.nan, np.float32), "32FC1", header()))).all()
    with pytest.raises(MessageError):
        predicted_metres(image_from_array(RGB, "rgb8", header()))


# Poses


def odometry(seconds: float, x: float, w: float = 1.0) -> Odometry:
    message = Odometry(child_frame_id="base")
    message.header.stamp = stamp_of(round(seconds * 1e9))
    message.pose.pose.position.x = x
    message.pose.pose.orientation.w = w
    return message


def static(parent: str, child: str, x: float = 0.0, z: float = 0.0, w: float = 1.0) -> SimpleNamespace:
    stamped = TransformStamped(child_frame_id=child)
    stamped.header.frame_id = parent
    stamped.transform.translation.x, stamped.transform.translation.z = x, z
    stamped.transform.rotation.w = w
    return stamped


def test_the_camera_is_where_the_base_and_the_static_transforms_put_it():
    poses = RobotPoses(None, None)
    assert poses.at(10**9, "eye") is None
    poses.add_odometry(odometry(1.0, 3.0))
    assert poses.at(10**9, "eye").camera is None and poses.at(10**9, "eye").base[0, 3] == 3
    poses.add_static_transforms([static("base", "mast", z=1.0), static("mast", "eye", x=0.1), static("mast", "depth")])
    np.testing.assert_allclose(poses.at(10**9, "eye").camera[:3, 3], (3.1, 0, 1.0))
    np.testing.assert_allclose(poses.depth_to_image("eye", "depth")[:3, 3], (-0.1, 0, 0))
    assert poses.depth_to_image("eye", "elsewhere") is None
    poses.add_odometry(odometry(1.1, 4.0))
    assert poses.at(1_050_000_000, "eye").base[0, 3] == pytest.approx(3.5)


def test_what_is_given_wins_over_static_transforms():
    given = np.eye(4)
    given[0, 3] = 7
    poses = RobotPoses(given, given)
    poses.add_odometry(odometry(1.0, 3.0))
    poses.add_static_transforms([static("base", "eye"), static("eye", "depth")])
    assert poses.at(10**9, "eye").camera[0, 3] == 10 and poses.depth_to_image("eye", "depth") is given


def test_what_is_no_pose_is_refused():
    poses = RobotPoses(None, None)
    with pytest.raises(ValueError):
        poses.add_odometry(odometry(1.0, 3.0, w=0.0))
    with pytest.raises(ValueError):
        poses.add_static_transforms([static("base", "eye", w=0.0)])
