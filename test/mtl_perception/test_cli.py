"""The command line: help that teaches, work that is done, and one line on stderr where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from network_file import card, write_network
from rclpy.context import Context
from rclpy.node import Node
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mtl_perception.backends import NetworkError, choice
from mtl_perception.cli import main
from mtl_perception.model_card import Evaluation
from mtl_perception.nodes import perception_node
from mtl_perception.nodes.parameter_server import ParameterServer
from mtl_perception.nodes.perception_parameters import PerceptionParameters
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.bags import CAMERA_INFO_TOPIC, DEPTH_TOPIC, IMAGE_TOPIC

CONFIG = Path(__file__).parents[2] / "config" / "perception.yaml"


@pytest.mark.parametrize(
    ("command", "mentions"),
    [
        ([], ["demo", "run", "replay", "bag", "dataset", "predict", "info"]),
        (["demo"], ["--out", "--model", "--bag", "demo_output"]),
        (
            ["run"],
            ["--model", "--image", "--camera-info", "--compressed", "--namespace", "--params-file", "--ros-args"],
        ),
        (["replay"], ["--rate", "--loop", "--restamp", "--clock", "--wait", ".mcap or .db3"]),
        (["bag"], ["from-folder"]),
        (["bag", "from-folder"], ["--sequence", "--split", "--rate", "--raw", "--depth", "dataset.json"]),
        (["dataset"], ["info", "check", "merge", "import-labels", "export-bag"]),
        (["dataset", "info"], ["--sheet", "on disk", "dataset.json"]),
        (["dataset", "merge"], ["--out", "hard links", "must agree"]),
        (["dataset", "check"], ["--repair", "quarantine", "left over", "Exit code"]),
        (["dataset", "import-labels"], ["CVAT", "Label Studio", "COCO", "--colours", "--tasks", "--add-classes"]),
        (["dataset", "export-bag"], ["--run", "--sequence", "--split", "--rate", "--raw", "dataset.json"]),
        (["evaluate"], ["--against", "--out", "--image", "--camera-info", "--depth", "--labels", "--fail-over", "130"]),
        (["compare"], ["A.json", "B.json", "exit codes", "same"]),
        (["benchmark"], ["--backend", "--precision", "--frames", "--node", "--rounds", "--json", "130"]),
        (["predict"], ["--out", "--model", "--focal-length", "--providers", "predictions"]),
        (["info"], ["model"]),
    ],
)
def test_every_command_has_help(command, mentions, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in mentions)


# Work that is done


def test_info_tells_the_card(tmp_path, capsys):
    evaluations = (Evaluation("house", "val", 100, {"miou": 0.7211, "rmse": 0.6}),)
    path = write_network(tmp_path / "tiny.onnx", card_text=card(evaluations=evaluations).to_json())
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    for fact in (str(path), "64x48", "0.5 to 10 m", "focal length of 50 px", "CC0-1.0", "1 wall, 2 floor"):
        assert fact in text
    assert "house val (100 frames): miou 0.721, rmse 0.600" in text and "2026-01-01" in text


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(buffered):
    command = [sys.executable, "-m", "mtl_perception.cli", "info"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": buffered}
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_while_the_command_comes_up_is_no_traceback(tmp_path):
    (tmp_path / "cv2.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "mtl_perception", "info"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_predict_leaves_its_results_where_it_says(tmp_path, capsys, network):
    cv2.imwrite(str(tmp_path / "kitchen.png"), np.full((48, 64, 3), 100, np.uint8))
    out = tmp_path / "out"
    arguments = ["--model", str(network), "--out", str(out), "--focal-length", "75"]
    assert main(["predict", str(tmp_path / "kitchen.png"), *arguments, "--providers", "CPUExecutionProvider"]) == 0
    assert cv2.imread(str(out / "kitchen_depth.png"), cv2.IMREAD_UNCHANGED)[0, 0] == 7500
    assert str(out) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "frames", "rate", "topics"),
    [
        ([], 4, 20.0, {f"{IMAGE_TOPIC}/compressed", CAMERA_INFO_TOPIC}),
        (["--sequence", "walk"], 2, 20.0, {f"{IMAGE_TOPIC}/compressed", CAMERA_INFO_TOPIC}),
        (
            ["--split", "train", "--raw", "--depth", "--rate", "4"],
            3,
            4.0,
            {IMAGE_TOPIC, CAMERA_INFO_TOPIC, DEPTH_TOPIC},
        ),
    ],
)
def test_bag_from_folder_records_what_is_asked_for(tmp_path, folder, capsys, options, frames, rate, topics):
    out = tmp_path / "walk.mcap"
    assert main(["bag", "from-folder", str(folder.root), str(out), *options]) == 0
    with open_bag(out) as bag:
        assert set(bag.topics) == topics and sum(t.count for t in bag.topics.values()) == frames * len(topics)
        times = sorted({m.time for m in bag.messages()})
    assert len(times) == frames and times[1] - times[0] == round(1e9 / rate)
    assert f"{frames} frames at {rate:g} Hz in {out}" in capsys.readouterr().out


def started(monkeypatch, *options: str) -> list[str]:
    """The arguments with which `run` starts the node."""
    taken = []
    monkeypatch.setattr(perception_node, "main", lambda arguments, must_start: taken.append(arguments) or 0)
    assert main(["run", *options]) == 0
    return taken[0]


@pytest.mark.parametrize("arguments", [["run", "--model", "nosuch"], ["log", "{tmp}/file/set"]])
def test_a_node_that_cannot_start_ends_its_command(tmp_path, arguments):
    (tmp_path / "file").write_text("")
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    code = f"from mtl_perception.cli import main; raise SystemExit(main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "cannot configure" in done.stderr and "Traceback" not in done.stderr


def parameters_and_topics(arguments: list[str]):
    context = Context()
    rclpy.init(args=arguments, context=context)
    node = Node("perception", context=context)
    try:
        topics = [node.resolve_topic_name(topic) for topic in ("image", "camera_info", "depth/image")]
        return ParameterServer(node, PerceptionParameters()).values, topics
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_run_passes_everything_on(monkeypatch):
    values, topics = parameters_and_topics(
        started(
            monkeypatch,
            *("--model", "/data/my 'best' one.onnx", "--image", "/eye/image_raw", "--camera-info", "/eye/camera_info"),
            *("--compressed", "--namespace", "left/front/", "--ros-args", "-p", "max_rate:=10.0"),
        )
    )
    assert topics == ["/eye/image_raw", "/eye/camera_info", "/left/front/depth/image"]
    assert values.model == "/data/my 'best' one.onnx"
    assert (values.image_transport, values.max_rate) == ("compressed", 10.0)


def test_run_without_options_changes_nothing(monkeypatch):
    values, topics = parameters_and_topics(started(monkeypatch))
    assert topics == ["/image", "/camera_info", "/depth/image"] and values.model == ""


def test_run_takes_the_model_of_the_command_line_over_that_of_the_parameters_file(monkeypatch, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(CONFIG.read_text().replace('model: ""', "model: file.onnx"))
    values, _ = parameters_and_topics(started(monkeypatch, "--params-file", str(file)))
    assert (values.model, values.image_transport) == ("file.onnx", "raw")
    options = ("--model", "line.onnx", "--compressed", "--params-file", str(file))
    values, _ = parameters_and_topics(started(monkeypatch, *options))
    assert (values.model, values.image_transport) == ("line.onnx", "compressed")


def test_predict_tells_what_does_not_run_the_network(folder, network, tmp_path, monkeypatch, capsys):
    def broken(path, model, runtime):
        raise NetworkError("there is no abacus in this robot")

    monkeypatch.setattr(choice, "BACKENDS", {"abacus": broken, **choice.BACKENDS})
    assert main(["predict", str(folder.root), "--model", str(network), "--out", str(tmp_path / "out")]) == 0
    assert "not run by abacus: there is no abacus in this robot" in capsys.readouterr().err


def test_a_tilde_that_the_shell_leaves_is_the_home_folder(network, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert cv2.imwrite("kitchen.png", np.zeros((48, 64, 3), np.uint8))
    assert main(["predict", "kitchen.png", "--model", str(network), "--out=~/seen"]) == 0
    assert (tmp_path / "home" / "seen").is_dir() and not Path("~").exists()


# What cannot be done


@pytest.fixture
def wrong(tmp_path, folder):
    """A folder with a data set `set` and files that are not what they should be."""
    for name in ("text.onnx", "text.mcap", "text.jpg", "there.mcap"):
        (tmp_path / name).write_text("hello")
    (tmp_path / "broken.yaml").write_text("perception:\n  ros__parameters:\n    model: [one\n")
    write_network(tmp_path / "no_card.onnx", card_text=None)
    write_network(tmp_path / "good.onnx")
    (tmp_path / "empty").mkdir()
    with Writer(tmp_path / "silent", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/image", "sensor_msgs/msg/Image", typestore=get_typestore(Stores.ROS2_JAZZY))
    return tmp_path


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("info none.onnx", "cannot read the network file none.onnx: No such file"),
        ("info ~nobody-of-that-name/none.onnx", "cannot read the network file"),
        (
            "info no-such-network",
            "no-such-network.onnx: No such file or directory; the package's own, by bare name: house_rooms",
        ),
        ("info text.onnx", "text.onnx: it is damaged or no ONNX file"),
        ("info no_card.onnx", "no_card.onnx has no card"),
        ("predict none.jpg --model good.onnx", "there is no picture or folder none.jpg"),
        ("predict text.jpg --model good.onnx", "text.jpg: picture of 5 bytes is damaged"),
        ("predict empty --model good.onnx", "empty holds no pictures"),
        ("predict set/rgb --out set/rgb --model good.onnx", "the pictures are in set/rgb themselves"),
        ("predict text.jpg --model good.onnx --providers Abacus", "execution provider Abacus is not in this"),
        ("predict set --model good.onnx --out text.jpg", "A folder is wanted, and this is none: 'text.jpg'"),
        ("demo --model good.onnx --out text.jpg", "A folder is wanted, and this is none: 'text.jpg'"),
        ("bag from-folder none a.mcap", "none is no data set folder: cannot read none/dataset.json"),
        ("bag from-folder empty a.mcap", "empty is no data set folder"),
        ("bag from-folder set a.db3", "a file named .mcap, not a.db3"),
        ("bag from-folder set there.mcap", "there.mcap already exists"),
        ("bag from-folder set a.mcap --split test", "has no split 'test'; it has: train, val"),
        ("bag from-folder set a.mcap --sequence run", "has no sequence 'run'; it has: walk"),
        ("bag from-folder set a.mcap --depth", "frame a3 has no depth"),
        ("bag from-folder set a.mcap --rate 1e-9", "would be stamped after 2038, which no message can"),
        ("bag from-folder set text.jpg/a.mcap", "text.jpg"),
        ("demo --model none.onnx", "cannot read the network file none.onnx"),
        ("demo --model good.onnx --bag none.mcap", "there is no bag none.mcap"),
        ("demo --model good.onnx --bag text.mcap", "text.mcap is no MCAP file"),
        ("replay none.mcap", "there is no bag none.mcap"),
        ("replay text.mcap", "text.mcap is no MCAP file"),
        ("replay silent --loop --wait 0", "silent holds no messages"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(wrong, monkeypatch, capfd, command, complaint):
    monkeypatch.chdir(wrong)
    assert main(command.split()) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1, err
    assert err.startswith("mtl-perception: ") and complaint in err


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("run --params-file none.yaml", "Couldn't parse params file: '--params-file none.yaml'"),
        ("run --params-file broken.yaml", "Couldn't parse params file: '--params-file broken.yaml'"),
        ("run --namespace a!b", "remap rule"),
        ("run --ros-args --log-level loud", "loud"),
        ("run --ros-args nonsense", "nonsense"),
        ("replay there.mcap --ros-args nonsense", "nonsense"),
    ],
)
def test_what_ros_refuses_is_said_without_a_traceback(wrong, monkeypatch, capfd, command, complaint):
    monkeypatch.chdir(wrong)
    assert main(command.split()) == 2
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert complaint in last and last.startswith(("mtl-perception: ", "perception_node cannot start: "))


@pytest.mark.parametrize(
    "command",
    [
        "",
        "dance",
        "bag",
        "replay",
        "replay a.mcap --rate 0",
        "replay a.mcap --rate nan",
        "replay a.mcap --rate fast",
        "predict a.jpg --focal-length -1",
        "predict a.jpg --focal-length inf",
        "bag from-folder set a.mcap --split train --sequence walk",
        "info --colour",
        "predict a.jpg --threads 99999999999",
        "evaluate a.mcap --out out --threads -1",
        "benchmark --threads 257",
    ],
)
def test_what_makes_no_sense_is_answered_with_the_usage(command, capsys):
    with pytest.raises(SystemExit) as end:
        main(command.split())
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: mtl-perception") and "Traceback" not in err


def test_control_c_ends_a_command_quietly(monkeypatch, capfd, network):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mtl_perception.predict.predict", interrupted)
    assert main(["predict", "a.jpg", "--model", str(network)]) == 130
    assert capfd.readouterr() == ("", "")


# Where something is not installed

WITHOUT_ROS = """
import sys
for name in ("rclpy", "sensor_msgs", "std_msgs", "builtin_interfaces", "torch"):
    sys.modules[name] = None
from mtl_perception.cli import main
for command in sys.argv[1:]:
    print(main(command.split()), command.split()[0])
"""


def test_without_ros_some_commands_work_and_the_others_say_what_is_missing(wrong, monkeypatch):
    commands = [
        "info good.onnx",
        "predict set --model good.onnx",
        "bag from-folder set a.mcap",
        "run",
        "replay a.mcap",
        "demo --model good.onnx",
    ]
    done = subprocess.run([sys.executable, "-c", WITHOUT_ROS, *commands], cwd=wrong, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line[:2] in ("0 ", "2 ")] == [
        *("0 info", "0 predict", "0 bag", "2 run", "2 replay", "2 demo")
    ]
    assert done.stderr.count("this command needs ROS") == 3 and "pip install -e '.[ros]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_runtime_needs_no_torch():
    check = (
        "import importlib, pathlib, sys, mtl_perception\n"
        "sys.modules['torch'] = None\n"
        "for file in pathlib.Path(mtl_perception.__file__).parent.rglob('*.py'):\n"
        "    parts = file.relative_to(pathlib.Path(mtl_perception.__file__).parent).with_suffix('').parts\n"
        "    try:\n"
        "        importlib.import_module('.'.join(('mtl_perception', *parts)).removesuffix('.__init__'))\n"
        "    except mtl_perception.backends.NetworkError as error:\n"
        "        assert 'TensorRT is not there' in str(error) or 'CUDA' in str(error), error\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
