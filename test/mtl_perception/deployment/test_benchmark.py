"""The benchmark measures what comes up and says why the rest does not; broken off, it keeps what it has."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.on_a_gpu import on_a_gpu

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.cli import main
from mtl_perception.deployment import benchmark
from mtl_perception.deployment.benchmark import BLOCK, Benchmark, Configuration
from mtl_perception.deployment.benchmark_figures import as_table, figures
from mtl_perception.deployment.timed_network import TimedNetwork

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
ONNX = Runtime(("onnxruntime",))


def test_every_precision_that_comes_up_is_timed_and_kept(network, tmp_path, capsys):
    out = tmp_path / "new" / "figures.json"
    arguments = ["--backend", "onnxruntime", "--rounds", "2", "--json", str(out)]
    assert main(["benchmark", str(network), *arguments]) == 0
    kept = json.loads(out.read_text())
    (entry,) = kept["measured"]
    assert kept["complete"] is True
    assert (entry["model"], entry["backend"], entry["precision"]) == ("tiny", "onnxruntime", "fp32")
    assert "CPUExecutionProvider" in entry["device"]
    assert entry["frames"] == 2 * BLOCK and len(entry["network_ms"]["round_medians"]) == 2
    assert 0 < entry["network_ms"]["median"] <= entry["network_ms"]["p95"] and entry["first_ms"] > 0
    assert 20 < entry["resident_mib"] < 1000
    (other,) = kept["not_measured"]
    assert other["precision"] == "fp16" and other["why"].startswith("ONNX Runtime runs the precision that is in the")
    told = capsys.readouterr().out
    for fact in ("tiny", kept["made"]["machine"], "cpu governor", "onnxruntime 1.", f"kept in {out}", "not measured:"):
        assert fact in told


def test_files_of_one_name_are_told_apart(network, tmp_path):
    other = tmp_path / network.name
    other.write_bytes(network.read_bytes() + b"\x00")  # which is no ONNX any more
    found = figures(benchmark_of([network, other]))
    (measured,), (not_measured,) = found["measured"], found["not_measured"]
    assert (measured["model"], not_measured["model"]) == (str(network), str(other))
    assert measured["file"] == not_measured["file"] == network.name
    assert measured["sha256"] == hashlib.sha256(network.read_bytes()).hexdigest() != not_measured["sha256"]
    assert f"  {other} on onnxruntime fp32: " in as_table(found)


def benchmark_of(models: list[Path]) -> Benchmark:
    one = Benchmark([Configuration(model, ONNX) for model in models], [], 1, False)
    one.run()
    return one


def test_whatever_auto_comes_to_is_timed(network):
    one = Benchmark([Configuration(network, Runtime())], [], 1, False)
    one.run()
    assert len(one.measured) == 1 and not one.not_measured


@pytest.mark.parametrize("named", [[], ["--providers", CUDA, CPU]], ids=["usual", "named"])
def test_each_execution_provider_is_timed_or_it_is_said_why_not(network, tmp_path, capsys, monkeypatch, named):
    if CUDA in onnxruntime.get_available_providers():
        pytest.skip("CUDA may come up")
    # What is measured runs in other processes, where the library is as it is.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    arguments = ["--backend", "onnxruntime", "--precision", "fp32", "--rounds", "1", "--json", str(tmp_path / "f.json")]
    assert main(["benchmark", str(network), *arguments, *named]) == 0
    kept = json.loads((tmp_path / "f.json").read_text())
    assert [e["provider"] for e in kept["measured"]] == [CPU] and CPU in kept["measured"][0]["device"]
    (other,) = kept["not_measured"]
    assert other["provider"] == CUDA and other["why"].startswith(f"execution provider {CUDA} is not in this")
    assert f"tiny on onnxruntime CUDA fp32: execution provider {CUDA}" in capsys.readouterr().out


def test_frames_that_another_library_ran_do_not_count(network, tmp_path, monkeypatch):
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "engines"))
    with on_a_gpu(gpu := Gpu()):
        timed = TimedNetwork()
        opened = timed.open(network, Runtime(("tensorrt", "onnxruntime")))
        assert "TensorRT" in opened.device and not opened.passed_over and len(timed.time(2)) == 2
        gpu.lost = "cudaErrorLaunchFailure"
        with pytest.raises(NetworkError, match=r"not run any more by TensorRT .*cudaErrorLaunchFailure"):
            timed.time(2)


def test_frames_of_a_recording_are_run_at_their_own_size(network, tmp_path):
    frames = [np.zeros((240, 320, 3), np.uint8)]
    with_larger = Benchmark([Configuration(network, ONNX)] * 2, frames, 3, False)
    with_larger.run()
    # Two of one kind, in turn: both are there, each in a process of its own.
    first, second = with_larger.measured
    assert first.opened.pid != second.opened.pid
    assert [len(m.network) for m in (first, second)] == [3, 3] and not with_larger.not_measured


def test_a_process_that_dies_is_said_and_the_others_go_on(network):
    both = Benchmark([Configuration(network, ONNX)] * 2, [], 2, False)
    steps = iter(range(100))

    def on_step():
        if next(steps) == 1:  # both are open
            os.kill(both.measured[0].opened.pid, signal.SIGKILL)

    both.run(on_step)
    found = figures(both)
    assert len(found["measured"]) == 1 and len(both.measured[1].network) == 2
    assert "its process ended" in found["not_measured"][0]["why"] and "its process ended" in as_table(found)


def test_a_node_that_another_library_runs_is_not_measured(network, monkeypatch):
    timed_node = pytest.importorskip("mtl_perception.deployment.timed_node")  # which needs ROS

    def elsewhere(*_, on_start, **__):
        on_start(timed_node.NodeTimes(1, "an abacus"))

    monkeypatch.setattr(timed_node, "time_node", elsewhere)
    one = Benchmark([Configuration(network, ONNX)], [], 1, True)
    one.run()
    assert one.measured[0].node is None and one.not_measured[0][1].startswith("the whole node: it ran on an abacus")


def test_frames_that_another_library_ran_in_the_node_do_not_count():
    timed_node = pytest.importorskip("mtl_perception.deployment.timed_node")
    node = timed_node.TimedNode()
    node._node, node._device = SimpleNamespace(end_to_end=[1.0], device="an abacus"), "a GPU"
    with pytest.raises(NetworkError, match="now on an abacus: a GPU was lost"):
        node.taken(1)


def test_an_engine_is_built_before_its_network_is_measured(network, tmp_path, monkeypatch):
    @contextmanager
    def here():
        gpu.record.append("process")
        yield TimedNetwork()

    monkeypatch.setattr(benchmark, "timed_network", here)
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "engines"))
    with on_a_gpu(gpu := Gpu()):
        one = Benchmark([Configuration(network, Runtime(("tensorrt",)))], [], 1, False)
        one.run()
    assert len(one.measured) == 1 and not one.not_measured
    first, second = (place for place, what in enumerate(gpu.record) if what == "process")
    assert "build" in gpu.record[first:second] and "build" not in gpu.record[second:]


def test_a_process_that_dies_as_it_starts_is_said_and_the_others_go_on(network, monkeypatch):
    real, ways = benchmark.timed_network, iter([False, True])

    @contextmanager
    def first_dies():
        if not next(ways):
            raise EOFError
        with real() as timed:
            yield timed

    monkeypatch.setattr(benchmark, "timed_network", first_dies)
    both = Benchmark([Configuration(network, ONNX)] * 2, [], 1, False)
    both.run()
    assert len(both.measured) == 1 and "its process ended" in both.not_measured[0][1]


def test_ctrl_c_keeps_and_shows_what_was_measured(network, tmp_path):
    out = tmp_path / "figures.json"
    terminal, theirs = os.openpty()  # the progress bar tells how far it is
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "mtl_perception.cli", "benchmark", str(network), "--backend", "onnxruntime"]
    command += ["--precision", "fp32", "--rounds", "1000000", "--json", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, start_new_session=True) as process:
        os.close(theirs)
        seen = ""
        while not any(int(done) > 5 for done in re.findall(r" (\d+)/\d+ \[", seen)):
            seen += os.read(terminal, 4096).decode()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        told = process.communicate(timeout=30)[0]
    rest = ""
    try:
        while more := os.read(terminal, 4096).decode():
            rest += more
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert process.returncode == 130 and "Traceback" not in rest
    kept = json.loads(out.read_text())
    assert kept["complete"] is False and kept["measured"][0]["frames"] >= 5 * BLOCK
    assert "median ms" in told and f"kept in {out}" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no_such_network"], "there is no network file"),
        (
            ["{network}", "--precision", "fp16"],
            "nothing could be measured: tiny on onnxruntime CPU fp16: ONNX Runtime runs",
        ),
        (
            ["{damaged}", "--precision", "fp32"],
            "nothing could be measured: damaged on onnxruntime CPU fp32: it is damaged or no ONNX file",
        ),
        (["{network}", "--json", "{network}/figures.json"], "A folder is wanted, and this is none"),
        (["{network}", "--json", "{folder}"], "is a folder: name a file"),
        (["{network}", "--frames", "{folder}/none"], "there is no recording or data set folder"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(network, tmp_path, capsys, arguments, says):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"none")
    filled = [a.format(network=network, damaged=damaged, folder=tmp_path) for a in arguments]
    assert main(["benchmark", *filled, "--backend", "onnxruntime"]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_a_backend_there_is_not_is_named(capsys):
    with pytest.raises(SystemExit) as end:
        main(["benchmark", "--backend", "fast"])
    assert end.value.code == 2 and "invalid choice: 'fast'" in capsys.readouterr().err


def test_the_node_needs_ros_and_is_not_begun_without(network, tmp_path):
    block = "import sys\nsys.modules['rclpy'] = None\nfrom mtl_perception.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", block, "benchmark", str(network), "--node"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "this command needs ROS" in done.stderr and done.stderr.count("\n") == 1
    assert "median" not in done.stdout
