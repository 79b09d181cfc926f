"""Frames of any shape in a network's picture and back: where they lie, and what the robot sees of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from one_frame_folder import info

from mtl_perception.dataset_folder import DatasetFolder, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter
from mtl_perception.letterbox import Letterbox
from mtl_perception.network import Network
from training.checkpoint import TrainedNetwork
from training.datasets.label_choice import ALL_LABELS
from training.datasets.placement import TOLERANCE, place
from training.datasets.source import Source
from training.deployed.card import model_card
from training.deployed.deployed_network import DeployedNetwork
from training.deployed.torch_backend import TorchBackend
from training.frame_prediction import NamedFrames, collate_named, in_pixels, predict_maps
from training.models.modalities import modalities

sides = st.integers(8, 900)


@settings(max_examples=100)
@given(frame=st.tuples(sides, sides), picture=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_a_frame_lies_where_the_robot_lays_it(frame, picture):
    picture = (32 * picture[0], 32 * picture[1])
    placed, box = place(frame, picture), Letterbox(frame, picture)
    if placed.fills:
        for inner, whole in zip(box.inner, picture, strict=True):
            assert inner == pytest.approx(whole, abs=TOLERANCE * whole + 1)
        return
    window = np.zeros((1, *picture), bool)
    box.crop(window)[:] = True
    np.testing.assert_array_equal(placed.pad(np.ones((placed.height, placed.width), bool), False), window[0])
    assert placed.scale == box.scale


@settings(max_examples=40)
@given(frame=st.tuples(st.integers(40, 300), st.integers(40, 300)))
def test_what_is_cut_out_of_a_picture_is_the_frame(frame):
    """A map of the picture's own coordinates gives, at every pixel of the frame, where that pixel lies."""
    placed = place(frame, (96, 128))
    rows, columns = torch.meshgrid(torch.arange(96) + 0.5, torch.arange(128) + 0.5, indexing="ij")
    y, x = placed.cut_out(torch.stack([rows, columns])[None], frame)[0]
    wanted = placed.top + (torch.arange(frame[0]) + 0.5) * placed.height / frame[0]
    inner = slice(3, -3)  # At the very edge there is nothing beyond to interpolate with.
    torch.testing.assert_close(y[inner, 0], wanted[inner].clamp(0.5, 95.5), atol=0.01, rtol=0)
    wanted = placed.left + (torch.arange(frame[1]) + 0.5) * placed.width / frame[1]
    torch.testing.assert_close(x[0, inner], wanted[inner].clamp(0.5, 127.5), atol=0.01, rtol=0)


@pytest.mark.parametrize("frame", [(90, 160), (160, 90), (120, 160)])
def test_offsets_are_as_long_in_the_frame_as_they_were_in_the_picture(frame):
    """A width of the picture, either way, is that many pixels of the frame."""
    placed = place(frame, (96, 128))
    pixels = in_pixels(torch.zeros(1), placed).flatten()
    torch.testing.assert_close(pixels, torch.full((2,), 128 / placed.scale), rtol=0.01, atol=0)


class Seeing(torch.nn.Module):
    """Stands for a network that tells depth and classes by colour, four times as coarse as the picture."""

    def forward(self, image: torch.Tensor) -> dict[str, dict[str, torch.Tensor]]:
        coarse = torch.nn.functional.avg_pool2d(image, 4)
        return {"final": {"depth": 1 + coarse[:, :1], "semantic": 20 * coarse}}


@pytest.mark.parametrize(("height", "width"), [(90, 160), (160, 90), (120, 160)])
def test_a_frame_of_any_shape_is_measured_as_the_robot_sees_it(tmp_path, height, width):
    colours = np.random.default_rng(0).integers(0, 256, (height // 10, width // 10, 3), np.uint8)
    rgb = np.kron(colours, np.ones((10, 10, 1), np.uint8))
    classes = {1: "red", 2: "green", 3: "blue"}
    camera = Intrinsics(100.0, 100.0, width / 2, height / 2)
    writer = DatasetWriter(tmp_path / "wide", info(height, width, intrinsics=camera, classes=classes))
    writer.write_frame("a", rgb)
    writer.finish()
    folder = DatasetFolder(tmp_path / "wide")
    inputs, tasks = modalities(["rgb"], 3), ("depth", "semantic")
    trained = TrainedNetwork(Seeing(), "none", "none", inputs, tasks, classes, 96, 128, 50.0, (1.0, 2.0), ())
    frames = NamedFrames(trained, Source(folder, folder.names()), ALL_LABELS)
    maps = predict_maps(trained, collate_named([frames[0]])[1], (height, width))

    backend = TorchBackend(DeployedNetwork(trained, 96, 128, label_stride=1))
    robot = Network.of(backend, model_card(trained, "seeing", (96, 128)), tmp_path / "none.onnx")
    seen = robot.predict(folder.read_rgb(folder.names()[0]), focal_length=100.0)
    off = np.abs(maps.depth[0].numpy() / frames.depth_factor() - seen.depth) / seen.depth
    assert np.median(off) < 0.01 and off.mean() < 0.03
    assert (maps.semantic[0].numpy() == seen.segmentation).mean() > 0.9
