"""``build-engine``: an engine is kept if it answers as the network does, refused if not, and either is remembered."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import onnx
import pytest
from convolution_file import write_convolutions
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.on_a_gpu import VERSIONS, modules, on_a_gpu
from recorder import START, record_frames, recording, scene

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.cli import main
from mtl_perception.deployment import parity
from mtl_perception.network import Network


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "engines"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "engines"


@pytest.fixture(params=[VERSIONS[0][0], VERSIONS[-1][0]])
def gpu(request, cache) -> Gpu:
    with on_a_gpu(gpu := Gpu(), request.param):
        yield gpu


@pytest.fixture
def orin(cache) -> Gpu:
    with on_a_gpu(gpu := Gpu()):
        yield gpu


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return record_frames(tmp_path_factory.mktemp("bags") / "bag", 9)


@pytest.fixture(scope="module")
def long_bag(tmp_path_factory) -> Path:
    """Enough to calibrate on, and as many to compare on."""
    return record_frames(tmp_path_factory.mktemp("bags") / "bag", 22)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_convolutions(tmp_path_factory.mktemp("models") / "small.onnx")


def opened(model: Path, precision: str = "fp32") -> Network:
    return Network(model, Runtime(backends=("tensorrt",), precision=precision))


def failure(capsys, *arguments: object) -> str:
    """The one line with which the command could not."""
    assert main(["build-engine", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_an_engine_that_answers_as_the_network_is_kept_and_opened_at_once(gpu, model, bag, capsys, precision):
    assert main(["build-engine", str(model), "--precision", precision, "--frames", str(bag), "--count", "3"]) == 0
    printed = capsys.readouterr().out
    assert f"{precision} on Orin, against ONNX Runtime" in printed and f"on 3 frames of {bag}" in printed
    assert "pixels of the same class" in printed and f"precision:={precision}" in printed
    assert gpu.leftovers() == []
    assert f"TensorRT {sys.modules['tensorrt'].__version__} {precision}" in opened(model, precision).device
    assert gpu.record.count("build") == 1


def test_an_engine_that_is_there_is_compared_and_not_built_again(orin, model, bag):
    opened(model)
    assert main(["build-engine", str(model), "--frames", str(bag)]) == 0
    assert orin.record.count("build") == 1


def test_an_engine_that_tensorrt_does_not_take_any_more_is_built_anew(orin, model, bag):
    from mtl_perception.backends.engine_cache import EngineCache
    from mtl_perception.backends.engine_file import StoredEngine
    from mtl_perception.backends.tensorrt_opening import key_of

    key = key_of(model.read_bytes(), "fp32")
    EngineCache().keep(StoredEngine(key, b'{"version": "10.2.9"}\n', "fp32"))
    assert main(["build-engine", str(model), "--frames", str(bag), "--count", "2"]) == 0
    assert orin.record.count("build") == 1 and opened(model).device


def test_an_engine_out_of_tolerance_is_refused_and_nobody_runs_it(orin, model, bag, capsys, monkeypatch, cache):
    arguments = ["build-engine", str(model), "--precision", "fp16", "--frames", str(bag)]
    with monkeypatch.context() as patch:
        patch.setitem(parity.TOLERANCES, "fp16", parity.Tolerance(1e-6, 1e-6, 1.0))
        assert main(arguments) == 1
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert complaint.startswith("mtl-perception: the engine is refused: depth moved by ")
    (kept,) = cache.glob("*.engine")
    assert len(kept.read_bytes()) < 2000  # the refusal, not the engine
    with pytest.raises(NetworkError, match="build-engine` refused the fp16 engine of this network: depth"):
        opened(model, "fp16")
    opened(model, "fp32")  # which is another
    assert orin.record.count("build") == 2
    assert main(arguments) == 0  # built again, as it is asked for, and it passes
    assert "fp16" in opened(model, "fp16").device


def test_a_refusal_that_cannot_be_kept_is_told_and_the_engine_goes(orin, model, bag, capsys, monkeypatch, cache):
    opened(model)  # as the node did, which compares nothing

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(parity.TOLERANCES, "fp32", parity.Tolerance(-1.0, -1.0, 2.0))
    monkeypatch.setattr("mtl_perception.backends.engine_cache.write_engine", full)
    assert main(["build-engine", str(model), "--frames", str(bag), "--count", "2"]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the engine is refused: depth moved by" in line and "No space left on device" in line
    assert not list(cache.glob("*.engine"))


def test_without_frames_the_demos_are_taken_and_that_is_said(orin, model, capsys):
    assert main(["build-engine", str(model), "--count", "2"]) == 0
    assert "on 2 frames of the demo's recording only: name one of your own camera" in capsys.readouterr().out


def test_of_several_cameras_one_is_named_as_the_complaint_says(orin, model, tmp_path, capsys):
    with recording(tmp_path / "two") as recorder:
        for side in "left", "right":
            recorder.image(f"/{side}/image_raw", START, scene(0)[0], "rgb8")
    two = str(tmp_path / "two")
    assert "name one with --image: /left/image_raw, /right/image_raw" in failure(capsys, model, "--frames", two)
    assert main(["build-engine", str(model), "--frames", two, "--image", "/right/image_raw"]) == 0
    assert main(["benchmark", str(model), "--frames", two, "--image", "/none"]) == 2
    assert "/none" in capsys.readouterr().err


def test_to_look_at_a_network_builds_no_engine(orin, model, capsys):
    assert main(["info", str(model)]) == 0
    assert "focal length" in capsys.readouterr().out and orin.record == []


# int8


def test_int8_quantises_for_tensorrt_and_leaves_the_network_to_run(orin, model, long_bag, tmp_path, capsys):
    arguments = ["--precision", "int8", "--frames", str(long_bag), "--count", "15"]
    assert main(["build-engine", str(model), *arguments]) == 0
    printed = capsys.readouterr().out
    assert "int8 and fp32 on Orin" in printed and "on 11 frames" in printed  # of 22, the others calibrated on
    assert "the quantised network is small_int8.onnx: run that in place of" in printed
    opened_int8 = opened(tmp_path / "small_int8.onnx")
    assert "int8" in opened_int8.device and "TensorRT, calibrated on 11 frames" in opened_int8.card.architecture
    assert orin.record.count("build") == 1


@pytest.mark.parametrize(("precision", "rest"), [("int8", "fp32"), ("fp32", "fp32"), ("fp16", "fp16")])
def test_a_quantised_network_is_built_as_it_is_and_held_to_int8(orin, bag, tmp_path, capsys, precision, rest):
    model = write_convolutions(tmp_path / "q.onnx", quantised=True)
    assert main(["build-engine", str(model), "--precision", precision, "--frames", str(bag)]) == 0
    assert not list(tmp_path.glob("*_int8.onnx"))
    printed = capsys.readouterr().out
    assert f"int8 and {rest} on Orin" in printed and ">= 98.00%" in printed
    assert f"int8 and {rest}" in opened(model, rest).device and orin.record.count("build") == 1


def test_int8_without_frames_is_refused_before_anything_is_built(orin, model, capsys):
    line = failure(capsys, model, "--precision", "int8")
    assert "is not quantised, and int8 needs frames to calibrate on: name a recording" in line
    assert orin.record == []


def test_int8_does_not_write_over_a_network(orin, model, bag, tmp_path, capsys):
    (tmp_path / "small_int8.onnx").write_bytes(b"precious")
    assert "small_int8.onnx is there already" in failure(capsys, model, "--precision", "int8", "--frames", bag)
    assert (tmp_path / "small_int8.onnx").read_bytes() == b"precious" and orin.record == []


def test_a_refused_int8_engine_leaves_no_network(orin, model, long_bag, tmp_path, monkeypatch):
    monkeypatch.setitem(parity.TOLERANCES, "int8", parity.Tolerance(1e-6, 1e-6, 1.0))
    arguments = ["--precision", "int8", "--frames", str(long_bag), "--count", "10"]
    assert main(["build-engine", str(model), *arguments]) == 1
    assert not list(tmp_path.glob("*_int8.onnx"))


def test_too_few_frames_to_calibrate_on_are_one_line(orin, model, bag, capsys):
    line = failure(capsys, model, "--precision", "int8", "--frames", bag, "--count", "3")
    assert "3 frames are too few to calibrate on" in line and orin.record == []


# What it cannot do


def test_without_tensorrt_or_a_gpu_it_says_so_at_once(cache, model, capsys):
    with modules({"tensorrt": None}):
        assert "TensorRT is not there" in failure(capsys, model)
    with on_a_gpu(Gpu(devices=0)):
        assert "no NVIDIA GPU can be used" in failure(capsys, model)


def test_bad_arguments_are_one_line(orin, model, bag, tmp_path, capsys):
    assert "there is no recording or data set folder" in failure(capsys, model, "--frames", tmp_path / "none")
    assert "cannot read the network file" in failure(capsys, tmp_path / "none.onnx", "--frames", bag)
    assert orin.record == []


def test_an_unsupported_layer_is_one_line(orin, bag, tmp_path, capsys, model):
    odd = onnx.load(model)
    odd.graph.initializer.extend([onnx.helper.make_tensor("k", onnx.TensorProto.INT64, [1], [1])])
    odd.graph.node.append(onnx.helper.make_node("TopK", ["scores", "k"], ["v", "i"], "the_odd_one", axis=1))
    onnx.save(odd, tmp_path / "odd.onnx")
    double = importlib.import_module("gpu_doubles.tensorrt_double")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(double, "UNSUPPORTED", ("TopK",))
        assert main(["build-engine", str(tmp_path / "odd.onnx"), "--frames", str(bag)]) == 2
    assert "node the_odd_one (TopK): No importer registered" in capsys.readouterr().err.splitlines()[-1]


def test_nowhere_to_keep_it_is_said_before_it_is_built(orin, model, bag, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "file" / "engines"))
    assert "an engine could not be kept: its folder cannot be made" in failure(capsys, model, "--frames", bag)
    assert orin.record == []
