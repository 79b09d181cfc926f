"""Network files, good and bad: what they answer, and the one line that says what is wrong with them."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_file import card, write_network
from onnx import TensorProto, helper

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

ONNX_RUNTIME = ("onnxruntime",)
examples = settings(max_examples=60)


@pytest.fixture(scope="module")
def tiny(network) -> Network:
    return Network(network, Runtime(ONNX_RUNTIME, threads=1))


def random_rgb(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def broken(path: Path, **changes) -> str:
    """Why the network file at ``path`` is refused: one line that names it."""
    with pytest.raises(NetworkError) as refusal:
        Network(path, Runtime(**changes))
    text = str(refusal.value)
    assert "\n" not in text and path.name in text, text
    return text


def edited(path: Path, edit) -> Path:
    """The network at ``path`` after ``edit`` of its ONNX model."""
    model = onnx.load(path)
    edit(model)
    onnx.save(model, path)
    return path


# What a good file answers


def test_a_frame_of_the_networks_size_is_answered_pixel_by_pixel(tiny):
    rgb = random_rgb(48, 64)
    prediction = tiny.predict(rgb)
    np.testing.assert_allclose(prediction.depth, rgb[..., 0] / 20, rtol=1e-6)
    np.testing.assert_array_equal(prediction.segmentation, 1 + (rgb[..., 1] > 127))
    np.testing.assert_array_equal(prediction.confidence, rgb[..., 2])
    assert prediction.depth.dtype == np.float32
    assert prediction.segmentation.dtype == prediction.confidence.dtype == np.uint8


@examples
@given(height=st.integers(1, 200), width=st.integers(1, 200), at_network_size=st.booleans())
def test_any_frame_size_is_answered_at_that_size(tiny, height, width, at_network_size):
    rgb = np.full((height, width, 3), (100, 200, 30), np.uint8)
    prediction = tiny.predict(rgb, at_network_size=at_network_size)
    scale = min(48 / height, 64 / width)
    wanted = tuple(max(1, round(n * scale)) for n in (height, width)) if at_network_size else (height, width)
    for output, value in ((prediction.depth, 5), (prediction.segmentation, 2), (prediction.confidence, 30)):
        assert output.shape == wanted and (output == value).all()


@pytest.mark.parametrize("width", [192, 150, 50])
def test_classes_lie_where_depth_lies(tiny, width):
    """On a ramp a shift shows as an offset: depth, which is interpolated, and classes, which are not, have none."""
    ramp = np.linspace(5, 250, width)
    rgb = np.rint(np.broadcast_to(ramp[:, None], (width * 3 // 4, width, 3))).astype(np.uint8)
    prediction = tiny.predict(rgb)
    pixel = ramp[1] - ramp[0]
    assert abs((prediction.depth * 20 - rgb[..., 0]).mean()) < 0.1 * pixel
    assert abs((prediction.confidence - ramp).mean()) < 0.1 * pixel


def test_frames_that_are_views_are_answered_as_their_copies(tiny):
    rgb = random_rgb(100, 140)
    view = rgb[3:51, 5:69]
    view.flags.writeable = False
    np.testing.assert_array_equal(tiny.predict(view).depth, tiny.predict(view.copy()).depth)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((0, 64, 3), np.uint8),
        np.zeros((48, 0, 3), np.uint8),
        np.zeros((48, 64), np.uint8),
        np.zeros((48, 64, 4), np.uint8),
        np.zeros((48, 64, 3), np.float32),
    ],
)
def test_what_is_no_frame_is_refused(tiny, frame):
    with pytest.raises(NetworkError, match=r"a frame is \(H, W, 3\) uint8, this one is"):
        tiny.predict(frame)


# Depth and the camera's focal length


def test_depth_grows_with_the_focal_length(tiny):
    rgb = random_rgb(48, 64)
    canonical = tiny.predict(rgb, tiny.card.focal_length)
    np.testing.assert_array_equal(canonical.depth, tiny.predict(rgb).depth)
    np.testing.assert_allclose(tiny.predict(rgb, 100.0).depth, canonical.depth * 2, rtol=1e-6)


@examples
@given(times=st.integers(1, 5), focal_length=st.floats(10, 2000))
def test_a_camera_of_more_pixels_sees_the_same_depth(tiny, times, focal_length):
    """Twice the pixels of the same lens are twice its focal length in pixels: the scene did not move."""
    rgb = np.full((48 * times, 64 * times, 3), 100, np.uint8)
    prediction = tiny.predict(rgb, focal_length * times)
    np.testing.assert_allclose(prediction.depth, 5 * focal_length / 50, rtol=1e-5)
    np.testing.assert_allclose(prediction.depth_range, (0.5 * focal_length / 50, 10 * focal_length / 50), rtol=1e-6)


def test_padding_does_not_change_the_depth(tiny):
    """A frame of another shape is scaled by one factor, and so is its focal length."""
    for height, width in ((96, 64), (24, 64), (480, 640), (31, 200)):
        rgb = np.full((height, width, 3), 100, np.uint8)
        scale = min(48 / height, 64 / width)
        np.testing.assert_allclose(tiny.predict(rgb, 50 / scale).depth, 5, rtol=1e-5)


def test_the_depth_range_is_the_cards_for_its_own_camera(tiny):
    assert tiny.predict(random_rgb(48, 64)).depth_range == (0.5, 10.0)


# Opening


def test_an_open_network_tells_its_card_and_device(tiny):
    assert tiny.card == card()
    assert "CPUExecutionProvider" in tiny.device and onnxruntime.__version__ in tiny.device


def test_warm_up_runs_the_network(tiny, monkeypatch):
    shapes = []
    monkeypatch.setattr(tiny._backend, "run", lambda image: shapes.append((image.shape, image.dtype)))
    tiny.warm_up(3)
    assert shapes == [((1, 48, 64, 3), np.uint8)] * 3


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads through /proc")
def test_threads_are_as_many_as_asked_for(network):
    def grown(threads: int) -> int:
        before = len(os.listdir("/proc/self/task"))
        opened = Network(network, Runtime(ONNX_RUNTIME, threads=threads))
        opened.warm_up(1)
        return len(os.listdir("/proc/self/task")) - before

    assert grown(1) == 0  # the caller's own
    assert grown(4) == 3


def test_one_network_may_be_called_from_several_threads(tiny):
    frames = [random_rgb(48, 64, seed) for seed in range(16)]
    with ThreadPoolExecutor(4) as pool:
        for rgb, prediction in zip(frames, pool.map(tiny.predict, frames), strict=True):
            np.testing.assert_allclose(prediction.depth, rgb[..., 0] / 20, rtol=1e-6)


# Files that are no network files


def test_a_file_that_is_not_there(tmp_path):
    assert "cannot read the network file" in broken(tmp_path / "none.onnx")
    assert "No such file" in broken(tmp_path / "none.onnx")


def test_a_folder(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    assert "Is a directory" in broken(tmp_path / "folder.onnx")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x00" * 1000, b"<!DOCTYPE html><html></html>", np.random.default_rng(0).bytes(2000)]
)
def test_what_is_not_onnx(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    assert re.search("damaged or no ONNX file|cannot open it", broken(path))


def test_a_file_cut_off_anywhere(tmp_path, network):
    path, whole = tmp_path / "bad.onnx", network.read_bytes()
    for size in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:size])
        broken(path)


def test_nothing_but_the_one_line_is_printed(tmp_path, capfd):
    def inconsistent(model):
        model.graph.node[0].op_type = "NoSuchOperator"

    broken(edited(write_network(tmp_path / "bad.onnx"), inconsistent))
    assert capfd.readouterr() == ("", "")


# Network files of somebody else's making


def test_a_file_without_a_card(tmp_path):
    path = write_network(tmp_path / "bad.onnx", card_text=None)
    assert "has no card: make the file with `python -m training export`" in broken(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "the card is not JSON"),
        (card(480, 640).to_json(), "the card's input size is not the network's (48, 64)"),
        (card().to_json().replace('"focal_length": 50.0', '"focal_length": -1'), "focal_length -1"),
    ],
    ids=["no JSON", "another size", "no focal length"],
)
def test_a_file_with_a_damaged_card(tmp_path, text, complaint):
    assert complaint in broken(write_network(tmp_path / "bad.onnx", card_text=text))


def set_dimension(value, index: int, size: int | str) -> None:
    dimension = value.type.tensor_type.shape.dim[index]
    dimension.Clear()
    if isinstance(size, int):
        dimension.dim_value = size
    else:
        dimension.dim_param = size


def rename(model, old: str, new: str) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if n == old else n for n in names]
    for value in (*model.graph.input, *model.graph.output):
        if value.name == old:
            value.name = new


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda m: rename(m, "image", "rgb"), "its input should be image uint8, it has rgb"),
        (lambda m: rename(m, "depth", "distance"), "its output depth should be float32 of shape (1, 48, 64)"),
        (lambda m: rename(m, "confidence", "score"), "its output confidence should be"),
        (lambda m: set_dimension(m.graph.input[0], 0, "batch"), "of fixed shape (1, H, W, 3)"),
        (lambda m: set_dimension(m.graph.input[0], 1, "height"), "of fixed shape (1, H, W, 3)"),
        (lambda m: m.graph.output.pop(2), "its output confidence should be"),
    ],
)
def test_other_inputs_and_outputs(tmp_path, edit, complaint):
    assert complaint in broken(edited(write_network(tmp_path / "bad.onnx"), edit))


def test_an_unknown_provider(network):
    text = broken(network, providers=("AbacusExecutionProvider",))
    assert "AbacusExecutionProvider is not in this onnxruntime, which has: " in text
    assert "CPUExecutionProvider" in text


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_come_up_is_passed_over_only_for_one_that_is_listed(network, monkeypatch):
    available = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" in available:
        pytest.skip("CUDA is there and comes up")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", *available])
    complaint = broken(network, providers=("CUDAExecutionProvider",))
    assert "CUDAExecutionProvider did not come up, or cannot run all of it: list CPUExecutionProvider too" in complaint
    assert "CPU" in Network(network, Runtime(providers=("CUDAExecutionProvider", "CPUExecutionProvider"))).device
    opened = Network(network, Runtime(backends=("onnxruntime",)))
    assert "CPU" in opened.device and any("CUDAExecutionProvider did not come up" in why for why in opened.passed_over)


def test_a_failure_while_running_is_a_network_error(tmp_path, capfd):
    def add_a_row(model):
        """Add to every row the one whose number is the largest confidence: with more than 47 there is none."""
        node = next(n for n in model.graph.node if n.op_type == "Div")
        node.output[0] = "unshaped"
        model.graph.node.append(helper.make_node("Cast", ["confidence"], ["wide"], to=TensorProto.INT64))
        model.graph.node.append(helper.make_node("ReduceMax", ["wide"], ["most"], keepdims=0))
        model.graph.node.append(helper.make_node("Gather", ["unshaped", "most"], ["row"], axis=1))
        model.graph.node.append(helper.make_node("Add", ["row", "unshaped"], ["depth"]))

    path = edited(write_network(tmp_path / "odd.onnx"), add_a_row)
    opened = Network(path, Runtime(ONNX_RUNTIME))
    opened.predict(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(NetworkError, match="ONNX Runtime failed") as failure:
        opened.predict(np.full((48, 64, 3), 255, np.uint8))
    assert "\n" not in str(failure.value) and capfd.readouterr() == ("", "")
