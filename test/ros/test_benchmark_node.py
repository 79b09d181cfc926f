"""The benchmark times the real node, fed by another process, against its own network."""

from __future__ import annotations

import json

import pytest

from mtl_perception.cli import main


def test_the_whole_node_is_timed_against_its_network(network, tmp_path, capfd):
    out = tmp_path / "figures.json"
    options = ["--backend", "onnxruntime", "--precision", "fp32", "--rounds", "2", "--node", "--json", str(out)]
    assert main(["benchmark", str(network), *options]) == 0
    node = json.loads(out.read_text())["measured"][0]["node"]
    times = [node[name]["median"] for name in ("network_ms", "node_ms", "camera_to_results_ms")]
    assert 0 < times[0] < times[1] < times[2]
    assert node["ratio"] == pytest.approx(times[1] / times[0], rel=0.1)
    assert node["resident_mib"] > 20
    told = capfd.readouterr()
    assert "whole node" in told.out and "terminate called" not in told.err
