"""The bench of inference measures torch beside the libraries, judges the goals and keeps the figures."""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from bench import inference, session_options, torch_network
from bench.inference_page import page, rows
from bench.torch_network import SIZE, Architecture, TimedTorchNetwork
from mtl_perception.deployment.timed_node import NodeTimes
from training.results_page import BY_HAND

SMALL = Architecture("small", "mobilenetv4_conv_small", (8, 8, 8, 8), 96, 128, "small")


def test_torch_runs_the_network_as_it_would_be_exported(monkeypatch):
    monkeypatch.setattr(torch_network.torch, "set_num_threads", lambda count: None)  # of this process, too
    network = TimedTorchNetwork()
    opened = network.open_torch(SMALL, "channels_last")
    assert (opened.height, opened.width) == SIZE and opened.focal_length == pytest.approx(525.0)
    assert len(network.time(2)) == 2 and opened.device.startswith("torch")


def test_a_network_is_measured_as_a_whole(network, monkeypatch):
    # Torch and the node's times have tests of their own, and take long.
    torch = SimpleNamespace(open_torch=lambda architecture, how: None, time=lambda count: [1000.0] * count)
    times = NodeTimes(pid=1, alone=[[10.0, 11.0]], node=[[12.0, 13.0]], camera_to_results=[[14.0, 15.0]])
    monkeypatch.setattr(inference, "timed_torch_network", lambda: nullcontext(torch))
    monkeypatch.setattr(inference, "time_node", lambda *arguments, **options: times)
    monkeypatch.setattr(inference, "LIBRARIES", ("onnxruntime",))
    options = argparse.Namespace(rounds=2, starts=1, node_blocks=1, compile=False)
    values = inference.measure(SMALL, network, options)
    assert set(values["ms"]) == {"torch eager", "torch channels_last", "onnxruntime"} and not values["not_measured"]
    assert 0 < values["ms"]["onnxruntime"]["median"] < 1000 and values["first_over_median"]["onnxruntime"][0] > 0
    assert values["node"]["onnxruntime"]["ratio"] == pytest.approx(12.5 / 10.5)
    assert {row.what: row.met for row in rows(values) if row.goal and "first" not in row.what} == {
        "onnxruntime over torch eager": True,
        "onnxruntime: whole node over its network": False,
    }


def test_options_of_a_session_are_measured_in_turns(network, monkeypatch):
    kept = dict(list(session_options.VARIANTS.items())[:2])
    monkeypatch.setattr(session_options, "VARIANTS", kept)
    found = session_options.measure(network, 1)
    assert set(found) == set(kept) and all(v["ms"]["median"] > 0 and v["processor_ms"] > 0 for v in found.values())


@pytest.mark.parametrize(("ratio", "met"), [(0.4, True), (0.6, False)])
def test_goals_missed_are_said_and_figures_kept(tmp_path, monkeypatch, capsys, ratio, met):
    times = {"median": 100.0, "p95": 110.0}
    values = {
        "what": "a made one",
        "ms": {"torch eager": times, "onnxruntime": {"median": 100.0 * ratio, "p95": 90.0}},
        "not_measured": {"openvino": "it is not there"},
        "first_over_median": {"onnxruntime": [1.0, 1.2, 9.0]},
        "node": {"onnxruntime": {"ratio": 1.01, "added_ms": 1.0, "network_ms": times}},
    }
    monkeypatch.setattr(inference, "measure", lambda architecture, file, options: values)
    monkeypatch.setattr(inference, "ARCHITECTURES", (Architecture("other", "", None, 1, 1, "another"), SMALL))
    monkeypatch.setattr(Architecture, "write", lambda architecture, folder: folder / "none.onnx")
    assert inference.main(["small", "--out", str(tmp_path)]) == (0 if met else 1)
    text = (tmp_path / "inference.md").read_text()
    assert f"| onnxruntime over torch eager | {ratio:.3f} | at most 0.5: {'met' if met else 'MISSED'} |" in text
    assert "1.20 (1.00 to 9.00 over 3 starts) | at most 1.5: met" in text and "openvino: it is not there" in text
    assert set(json.loads((tmp_path / "inference.json").read_text())) == {"small"}
    assert ("MISSED" in capsys.readouterr().out) is not met
    written = page("Title.\n\nHow it was.", json.loads((tmp_path / "inference.json").read_text()))
    docstring = "\n".join(line for line in (inference.__doc__ or "").splitlines()[2:] if line)
    assert written.rstrip() == text.partition(BY_HAND)[0].rstrip().replace(docstring, "How it was.")


def test_an_unknown_network_is_named(capsys):
    with pytest.raises(SystemExit):
        inference.main(["vgg"])
    assert "there is no network vgg; there are: shipped" in capsys.readouterr().err
