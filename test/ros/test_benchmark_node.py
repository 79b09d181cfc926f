"""The benchmark times the real node, fed by another process, against its own network."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.cli import main
from mtl_perception.deployment.timed_node import time_node


def ports_in_shared_memory(domain: int | None = None) -> set[Path]:
    """Those of a DDS domain, of this test's unless said: beside it, tests in other domains come and go."""
    ports = {path: re.fullmatch(r"fastrtps_port(\d+)", path.name) for path in Path("/dev/shm").iterdir()}
    first = 7400 + 250 * (int(os.environ["ROS_DOMAIN_ID"]) if domain is None else domain)
    return {path for path, port in ports.items() if port and first <= int(port[1]) < first + 250}


@pytest.fixture(autouse=True)
def fresh_domain(monkeypatch):
    """A domain without ports: one that a killed process left is taken by the next node, which then adds none."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(next(d for d in range(1, 101) if not ports_in_shared_memory(d))))


def test_a_node_that_lives_is_seen_in_shared_memory():
    """Else the tests below could not fail."""
    before, context = ports_in_shared_memory(), Context()
    rclpy.init(context=context)
    node = Node("seen", context=context)
    during = ports_in_shared_memory()
    node.destroy_node()
    rclpy.shutdown(context=context)
    assert during > before >= ports_in_shared_memory()


def test_the_whole_node_is_timed_against_its_network(network, tmp_path, capfd):
    out, before = tmp_path / "figures.json", ports_in_shared_memory()
    options = ["--backend", "onnxruntime", "--precision", "fp32", "--rounds", "2", "--node", "--json", str(out)]
    assert main(["benchmark", str(network), *options]) == 0
    node = json.loads(out.read_text())["measured"][0]["node"]
    times = [node[name]["median"] for name in ("network_ms", "node_ms", "camera_to_results_ms")]
    assert 0 < times[0] < times[1] < times[2]
    assert node["ratio"] == pytest.approx(times[1] / times[0], rel=0.1)
    assert node["resident_mib"] > 20
    told = capfd.readouterr()
    assert ports_in_shared_memory() <= before
    assert "whole node" in told.out and "terminate called" not in told.err


def test_a_node_that_refuses_its_network_leaves_nothing_in_shared_memory(tmp_path):
    before = ports_in_shared_memory()
    frames = [np.zeros((48, 64, 3), np.uint8)]
    with pytest.raises(NetworkError, match="the node does not take the network"):
        time_node(tmp_path / "none.onnx", Runtime(backends=("onnxruntime",)), frames, 50.0, blocks=1, block=1)
    assert ports_in_shared_memory() <= before
