"""`mtl-perception evaluate` from end to end: figures that can be known by hand, bad input, an early end."""

from __future__ import annotations

import csv
import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.on_a_gpu import on_a_gpu
from network_file import card, write_network
from recorder import DEPTH, IMAGE, INFO, LABELS, SECOND, START, png, record_frames, recording, scene
from rosbags.typesys import Stores, get_typestore

from mtl_perception.cli import main
from mtl_perception.evaluation import command
from mtl_perception.evaluation.measurement import Measurement, Recording
from mtl_perception.evaluation.metrics_file import read_metrics
from mtl_perception.model_card import SemanticClass
from mtl_perception.network import Network


def evaluate(out: Path, bag: Path, network: Path, *options: str) -> tuple[int, dict]:
    code = main(["evaluate", str(bag), "--model", str(network), "--out", str(out), *options])
    return code, read_metrics(out / "metrics.json")


def refused(capsys, *arguments: str) -> str:
    """The line in which ``evaluate`` says why it cannot."""
    assert main(["evaluate", *map(str, arguments)]) == command.COULD_NOT
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("mtl-perception: ")
    return line


@pytest.fixture(autouse=True)
def _no_report(request, monkeypatch):
    """Drawing it takes longer than all else, and has tests of its own; one here has it."""
    if "report" not in request.node.name:
        monkeypatch.setattr(command, "_write_report", lambda *_: None)


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    """Six frames whose true depth is 10 % beyond what the network sees, and whose true classes are those it sees."""
    return record_frames(tmp_path_factory.mktemp("bags") / "bag", 6, depth_factor=1.1)


# What can be known by hand


def test_figures_are_those_of_the_recording(tmp_path, bag, network):
    code, metrics = evaluate(tmp_path, bag, network)
    assert code == 0 and metrics["complete"] and metrics["stopped_by"] is None
    assert metrics["bag"] == {
        "name": "bag",
        "storage": "mcap",
        "seconds": 0.5,
        "frames": 6,
        "with_depth": 6,
        "with_labels": 6,
        "topics": {"image": IMAGE, "camera_info": INFO, "depth": DEPTH, "labels": LABELS},
        "size": [64, 48],
        "skipped": {},
        "notes": [],
    }
    (model,) = metrics["models"]
    assert (model["name"], model["file"]) == ("tiny", "tiny.onnx")
    assert model["card"]["classes"][1] == {"id": 2, "name": "floor", "color": [60, 200, 60]}
    assert model["depth"]["abs_rel"] == pytest.approx(0.1 / 1.1, abs=2e-4)
    assert model["depth"]["median_ratio"] == pytest.approx(1 / 1.1, abs=1e-3)
    assert model["depth"]["delta1"] == 1.0 and model["depth"]["bias"] < 0
    assert model["segmentation"]["miou"] == 1.0 and model["segmentation"]["classes_present"] == 2
    assert model["stability"]["pairs"] == 5 and 0 < model["stability"]["class_change"] < 1
    assert set(model["speed"]) == {"network_ms", "frames_per_second", "network_alone_frames_per_second", "ratio"}
    assert metrics["made"]["versions"]["onnxruntime"] and len(model["sha256"]) == 64
    with open(tmp_path / "frames.csv") as file:
        lines = list(csv.DictReader(file))
    assert [line["index"] for line in lines] == list("012345")
    assert lines[2]["stamp_s"] == f"{START // SECOND}.200000000" and lines[0]["model"] == "tiny"
    assert float(lines[3]["depth_abs_rel"]) == pytest.approx(0.1 / 1.1, abs=1e-3)
    assert float(lines[3]["miou"]) == 1.0 and lines[0]["depth_change"] == ""


def test_the_digest_is_that_of_the_network_that_was_measured(tmp_path, bag, network):
    path = tmp_path / "tiny.onnx"
    path.write_bytes(network.read_bytes())
    measurement = Measurement(Recording(bag), {"tiny": Network(path)}, "evaluate")
    measurement.measure()
    path.write_bytes(write_network(tmp_path / "other.onnx", 96, 128).read_bytes())  # as an export does meanwhile
    (model,) = measurement.metrics()["models"]
    assert model["sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()


def test_the_report_lies_beside_the_figures(tmp_path, bag, network, capsys):
    _, metrics = evaluate(tmp_path, bag, network)
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/") >= 8  # pictures of the worst and best frames are in it
    assert f"{metrics['models'][0]['depth']['rmse']:.3f}" in page
    assert "frames.csv, metrics.json, report.html" in capsys.readouterr().out


def test_two_runs_give_the_same_figures(tmp_path, bag, network):
    found = [evaluate(tmp_path / str(i), bag, network, "--against", str(network))[1] for i in range(2)]
    for metrics in found:
        metrics.pop("made")
        for model in metrics["models"]:
            model.pop("speed")
    assert found[0] == found[1]


def test_focal_length_scales_depth(tmp_path, network):
    """A camera of twice the canonical focal length sees all twice as far."""
    with recording(tmp_path / "bag") as recorder:
        rgb, metres, _ = scene(0)
        recorder.info(INFO, START, focal=100.0)
        recorder.image(IMAGE, START, rgb, "rgb8")
        recorder.image(DEPTH, START, 2 * metres, "32FC1")
    _, metrics = evaluate(tmp_path / "out", tmp_path / "bag", network)
    assert metrics["models"][0]["depth"]["rmse"] < 1e-3


def test_more_networks_are_compared_with_the_first(tmp_path, bag, network):
    _, metrics = evaluate(tmp_path, bag, network, "--against", str(network), str(network))
    assert [m["name"] for m in metrics["models"]] == ["tiny", "tiny-2", "tiny-3"]
    assert "agreement" not in metrics["models"][0]
    for model in metrics["models"][1:]:
        assert model["agreement"] == {"with": "tiny", "depth_abs_rel": 0.0, "class_share": 1.0}


def test_a_recording_without_truth_tells_of_stability(tmp_path, network):
    path = record_frames(tmp_path / "bag", 3, depth_factor=None, labels=False)
    code, metrics = evaluate(tmp_path / "out", path, network)
    assert code == 0 and metrics["bag"]["with_depth"] == metrics["bag"]["with_labels"] == 0
    assert "depth" not in metrics["models"][0] and metrics["models"][0]["stability"]["pairs"] == 2


def test_one_image_alone_is_measured(tmp_path, network):
    code, metrics = evaluate(tmp_path / "out", record_frames(tmp_path / "bag", 1), network)
    (model,) = metrics["models"]
    assert code == 0 and "stability" not in model and model["segmentation"]["frames"] == 1
    assert metrics["bag"]["seconds"] == 0


def test_limits_make_the_exit_code(tmp_path, bag, network, capsys):
    assert evaluate(tmp_path, bag, network, "--fail-under", "miou=0.9", "--fail-over", "abs_rel=0.2")[0] == 0
    assert "miou is 1.0000: as good as --fail-under miou=0.9" in capsys.readouterr().out
    assert evaluate(tmp_path, bag, network, "--fail-under", "miou=0.9", "--fail-over", "abs_rel=0.05")[0] == 1
    assert "abs_rel is 0.0909: worse than --fail-over abs_rel=0.05" in capsys.readouterr().err
    other = record_frames(tmp_path / "other", 2, labels=False)
    assert evaluate(tmp_path, other, network, "--fail-under", "miou=0.1")[0] == command.COULD_NOT
    assert "miou was not measured" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["evaluate", str(bag), "--out", str(tmp_path), "--fail-under", "rmse=1"])
    assert end.value.code == 2 and "say --fail-over rmse=1" in capsys.readouterr().err


def test_compare_prints_what_changed_and_says_so_by_its_code(tmp_path, bag, network, capsys):
    evaluate(tmp_path / "a", bag, network)
    evaluate(tmp_path / "b", record_frames(tmp_path / "bag", 6, depth_factor=1.2), network)
    capsys.readouterr()
    files = [str(tmp_path / name / "metrics.json") for name in "ab"]
    assert main(["compare", files[0], files[0]]) == 0
    assert "worse" not in capsys.readouterr().out
    assert main(["compare", *files]) == 1
    out = capsys.readouterr().out
    assert any(line.startswith("abs_rel") and line.endswith("worse") for line in out.splitlines())
    assert main(["compare", *reversed(files)]) == 0
    assert main(["compare", files[0], str(tmp_path / "none.json")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_a_recording_by_the_mcap_library_is_measured_too(tmp_path, network):
    """Another tool's: its own writer, serialiser and order of records."""
    mcap_ros2 = pytest.importorskip("mcap_ros2.writer")
    store = get_typestore(Stores.ROS2_JAZZY)
    path = tmp_path / "other.mcap"
    with open(path, "wb") as file:
        writer = mcap_ros2.Writer(file)
        schemas = {
            kind: writer.register_msgdef(
                f"sensor_msgs/msg/{kind}", store.generate_msgdef(f"sensor_msgs/msg/{kind}", 2)[0]
            )
            for kind in ("Image", "CameraInfo")
        }
        k = [50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0]
        for i in range(3):
            rgb, metres, classes = scene(i)
            time = START + i * SECOND // 10
            header = {"stamp": {"sec": time // SECOND, "nanosec": time % SECOND}, "frame_id": "eye"}
            info = {"header": header, "width": 64, "height": 48, "distortion_model": "plumb_bob", "k": k, "d": []}
            writer.write_message(INFO, schemas["CameraInfo"], info, time)
            for topic, pixels, encoding in (
                (IMAGE, rgb, "rgb8"),
                (DEPTH, metres * np.float32(1.25), "32FC1"),
                (LABELS, classes, "mono8"),
            ):
                step = pixels.strides[0]
                message = {"header": header, "height": 48, "width": 64, "encoding": encoding, "step": step}
                writer.write_message(topic, schemas["Image"], {**message, "data": pixels.tobytes()}, time)
        writer.finish()
    code, metrics = evaluate(tmp_path / "out", path, network)
    assert code == 0 and metrics["bag"]["with_depth"] == metrics["bag"]["with_labels"] == 3
    assert metrics["bag"]["notes"] == []
    assert metrics["models"][0]["depth"]["abs_rel"] == pytest.approx(0.2, abs=1e-3)
    assert metrics["models"][0]["segmentation"]["miou"] == 1.0


# Labels on disk


def test_labels_from_a_folder_of_masks(tmp_path, network):
    path = record_frames(tmp_path / "bag", 3, labels=False)
    (tmp_path / "masks").mkdir()
    for i in range(2):
        cv2.imwrite(str(tmp_path / "masks" / f"{i}.png"), scene(i)[2])
    _, metrics = evaluate(tmp_path / "out", path, network, "--labels", str(tmp_path / "masks"))
    assert metrics["bag"]["with_labels"] == 2 and metrics["bag"]["topics"]["labels"] == "masks"
    assert metrics["models"][0]["segmentation"]["miou"] == 1.0


def test_labels_of_other_classes_are_refused(tmp_path, bag, network, capsys):
    from ball_folder import write_folder

    folder = write_folder(tmp_path / "set", 6, classes={1: "oven", 2: "floor", 3: "ball"})
    line = refused(capsys, bag, "--model", network, "--out", tmp_path / "out", "--labels", folder.root)
    assert "class 1 is 'oven' in the labels and 'wall' to tiny" in line


def test_label_ids_beyond_the_classes_are_told_and_not_counted(tmp_path, network, capsys):
    with recording(tmp_path / "bag") as recorder:
        rgb, _, classes = scene(0)
        recorder.image(IMAGE, START, rgb, "rgb8")
        classes[:12] = 77
        recorder.image(LABELS, START, classes, "mono8")
    code, metrics = evaluate(tmp_path / "out", tmp_path / "bag", network)
    note = "tiny: no class has the label ids 77: 25.0% of the labelled pixels, not counted"
    assert code == 0 and note in metrics["bag"]["notes"] and note in capsys.readouterr().err
    assert metrics["models"][0]["segmentation"]["miou"] == 1.0


# What runs it


def test_what_does_not_run_a_network_is_told_and_a_gpu_lost_amid_the_work_noted(
    tmp_path, bag, network, capsys, monkeypatch
):
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "engines"))
    with on_a_gpu(gpu := Gpu()):
        real, left = Network.predict, iter(range(3))

        def predict(self, *arguments, **options):
            gpu.lost = gpu.lost or ("" if next(left, None) is not None else "cudaErrorLaunchFailure")
            return real(self, *arguments, **options)

        monkeypatch.setattr(Network, "predict", predict)
        code, metrics = evaluate(tmp_path / "out", bag, network, "--backend", "tensorrt", "onnxruntime")
        (note,) = metrics["bag"]["notes"]
        assert code == 0 and metrics["bag"]["frames"] == 6 and note in capsys.readouterr().err
        assert note.startswith("tiny: from some image on run by ONNX Runtime") and "cudaErrorLaunchFailure" in note
    with on_a_gpu(Gpu(devices=0)):
        _, metrics = evaluate(tmp_path / "out", bag, network, "--backend", "tensorrt", "onnxruntime")
        assert metrics["bag"]["notes"] == []
        assert "  tiny: not run by tensorrt: no NVIDIA GPU can be used" in capsys.readouterr().err


# Bad input


def test_what_cannot_be_measured_is_one_line(tmp_path, network, capsys):
    with recording(tmp_path / "two") as recorder:
        for topic in ("/left/image", "/right/image"):
            recorder.image(topic, START, scene(0)[0], "rgb8")
    with recording(tmp_path / "depth_only") as recorder:
        recorder.image(DEPTH, START, scene(0)[1], "32FC1")
    with recording(tmp_path / "empty") as recorder:
        recorder.declare(IMAGE, "sensor_msgs/msg/Image")
        recorder.image("/other/image", START, scene(0)[0], "rgb8")
    with recording(tmp_path / "damaged_images") as recorder:
        for i in range(3):
            recorder.compressed(IMAGE, START + i, png(scene(0)[0])[:50])
    for name, complaint in {
        "none": "there is no bag",
        "two": "name one with --image: /left/image, /right/image",
        "depth_only": "has no images of a camera; it has: /eye/aligned_depth/image_raw (Image, 1 messages)",
        "damaged_images": "none of the 3 images on /eye/image_raw can be used: PNG of 50 bytes is cut off or damaged",
    }.items():
        assert complaint in refused(capsys, tmp_path / name, "--model", network, "--out", tmp_path / "out")
    line = refused(capsys, tmp_path / "empty", "--model", network, "--out", tmp_path / "out", "--image", IMAGE)
    assert "/eye/image_raw (--image) holds no messages" in line
    line = refused(capsys, tmp_path / "two", "--model", tmp_path / "no.onnx", "--out", tmp_path / "out")
    assert "cannot read the network file" in line
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_a_folder_that_cannot_be_written_is_found_out_before_the_work(tmp_path, bag, network, capsys):
    (tmp_path / "file").write_text("")
    assert "A folder is wanted, and this is none" in refused(
        capsys, bag, "--model", network, "--out", tmp_path / "file"
    )
    assert "Not a directory" in refused(capsys, bag, "--model", network, "--out", tmp_path / "file" / "out")
    assert "No such file" in refused(capsys, bag, "--model", network, "--out", "/proc/out")  # not even root may


def long_bag(path: Path, frames: int = 40) -> Path:
    """One MCAP file of many chunks."""
    with recording(path) as recorder:
        for i in range(frames):
            recorder.frame(i)
            recorder.image("/filler", START + i * SECOND // 10, np.zeros((300, 1000), np.uint8), "mono8")
    return next(path.glob("*.mcap"))


@pytest.mark.parametrize("harm", ["truncated", "damaged"])
def test_what_comes_before_damage_is_kept_and_marked_partial(tmp_path, network, harm, capsys):
    path = long_bag(tmp_path / "bag")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    if harm == "truncated":
        del data[middle:]
    else:
        data[middle : middle + 400_000] = b"\xff" * 400_000
    path.write_bytes(data)
    code, metrics = evaluate(tmp_path / "out", path, network, "--fail-under", "miou=0.5")
    assert code == command.PARTIAL and not metrics["complete"]
    assert ("breaks off" if harm == "truncated" else "is damaged") in metrics["stopped_by"]
    assert 5 < metrics["bag"]["frames"] < 40 and metrics["models"][0]["segmentation"]["miou"] == 1.0
    assert "mtl-perception: partial: " in capsys.readouterr().err
    assert len((tmp_path / "out" / "frames.csv").read_text().splitlines()) == 1 + metrics["bag"]["frames"]


def test_clocks_that_jump_are_told(tmp_path, network):
    with recording(tmp_path / "bag") as recorder:
        for i in range(6):
            stamp = START + (i % 3) * SECOND // 10 + (100 * SECOND if i < 3 else 0)
            recorder.image(IMAGE, stamp, scene(i)[0], "rgb8", time=START + i * SECOND // 10)
            recorder.image(LABELS, stamp, scene(i)[2], "mono8", time=START + i * SECOND // 10 + 1)
    code, metrics = evaluate(tmp_path / "out", tmp_path / "bag", network)
    assert code == 0 and metrics["bag"]["frames"] == metrics["bag"]["with_labels"] == 6
    assert "stamps jump back by 100.200 s at image 3" in metrics["bag"]["notes"]
    assert metrics["models"][0]["segmentation"]["miou"] == 1.0
    assert metrics["models"][0]["stability"]["pairs"] == 4


def test_ctrl_c_keeps_what_was_measured(tmp_path):
    """The real command, on a network slow enough to be caught at it."""
    network = write_network(tmp_path / "tiny.onnx")
    path = long_bag(tmp_path / "bag", 120)
    code = (
        "import sys, time, mtl_perception.cli as cli, mtl_perception.network as n\n"
        "real = n.Network.predict\n"
        "n.Network.predict = lambda *a, **k: (time.sleep(0.1), print('.', flush=True), real(*a, **k))[2]\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    arguments = ["evaluate", str(path), "--model", str(network), "--out", str(tmp_path / "out")]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == command.INTERRUPTED
    metrics = read_metrics(tmp_path / "out" / "metrics.json")
    assert metrics["stopped_by"] == "interrupted" and not metrics["complete"]
    assert 3 <= metrics["bag"]["frames"] < 120
    assert metrics["models"][0]["segmentation"]["frames"] == metrics["bag"]["frames"]


def test_a_network_whose_depth_is_no_number_is_named(tmp_path, bag, capsys):
    import onnx
    from onnx import numpy_helper

    path = write_network(tmp_path / "bad.onnx")
    model = onnx.load(path)
    for constant in model.graph.initializer:
        if constant.name == "twenty":
            constant.CopyFrom(numpy_helper.from_array(np.array(np.nan, np.float32), "twenty"))
    onnx.save(model, path)
    line = refused(capsys, bag, "--model", path, "--out", tmp_path / "out")
    assert "bad: at image 0: a predicted depth is not finite" in line


def test_classes_with_gaps_in_their_ids(tmp_path, bag):
    classes = (SemanticClass(1, "wall", (0, 0, 0)), SemanticClass(7, "sofa", (9, 9, 9)))
    path = write_network(tmp_path / "gaps.onnx", card_text=card(classes=classes).to_json())
    _, metrics = evaluate(tmp_path / "out", bag, path)
    assert metrics["models"][0]["segmentation"]["unknown_labels"]["ids"] == [2]


def test_pictures_are_the_notable_frames(tmp_path, bag, network):
    from mtl_perception.evaluation.measurement import Measurement, Recording

    measurement = Measurement(Recording(bag), {"tiny": Network(network)}, "")
    measurement.measure()
    pictures = measurement.pictures()
    assert {(p.task, p.rank) for p in pictures} == {
        (t, r) for t in ("depth", "segmentation") for r in ("worst", "best")
    }
    for picture in pictures:
        rgb, metres, classes = scene(picture.index)
        np.testing.assert_array_equal(picture.rgb, rgb)
        np.testing.assert_allclose(picture.true_depth, 1.1 * metres, atol=1e-3)
        np.testing.assert_array_equal(picture.true_segmentation, classes)
        assert picture.score == getattr(
            measurement.scores["tiny"].frames[picture.index],
            "depth_abs_rel" if picture.task == "depth" else "miou",
        )
